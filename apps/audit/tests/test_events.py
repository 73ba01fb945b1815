"""Every event of the list is written somewhere, and some test looks for it."""

from __future__ import annotations

import re

from django.conf import settings

from apps.audit.enums import Event


def texts(*, are_tests: bool) -> str:
    """All source of the product, or all of its tests."""
    paths = (settings.BASE_DIR / "apps").rglob("*.py")
    return "\n".join(
        path.read_text()
        for path in paths
        if ("tests" in path.parts) == are_tests
        and "migrations" not in path.parts
        # These two read events.
        and path.name not in {"story.py", "detail.py", "test_events.py"}
    )


def test_every_event_is_written_and_tested() -> None:
    code, tests = texts(are_tests=False), texts(are_tests=True)
    unwritten = {event for event in Event if not re.search(rf"\bEvent\.{event.name}\b", code)}
    assert unwritten == set()
    untested = {
        event
        for event in Event
        if not re.search(rf"\bEvent\.{event.name}\b|\"{re.escape(event.value)}\"", tests)
    }
    assert untested == set()
