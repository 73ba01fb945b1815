"""A key of a log line that the logging module owns would raise where something is only to be noted."""

from __future__ import annotations

import ast
import logging
from pathlib import Path

from django.conf import settings

OWNED = {*vars(logging.makeLogRecord({})), "message", "asctime"}


def extra_keys(path: Path) -> set[str]:
    """The keys that a file hands to the logging module."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if (
            isinstance(node, ast.keyword)
            and node.arg == "extra"
            and isinstance(node.value, ast.Dict)
        ):
            found |= {key.value for key in node.value.keys if isinstance(key, ast.Constant)}
    return {key for key in found if isinstance(key, str)}


def test_no_log_line_uses_a_key_that_logging_owns() -> None:
    keys = {path: extra_keys(path) for path in (settings.BASE_DIR / "apps").rglob("*.py")}
    assert {str(path): found & OWNED for path, found in keys.items() if found & OWNED} == {}
    assert sum(len(found) for found in keys.values()) > 5
    assert {"module", "created", "name"} <= OWNED
