"""What is stored of a page that tells too much."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from pydantic import JsonValue

from apps.conftest import Cast
from apps.realtime.enums import Direction
from apps.realtime.flooding import FOLLOWED_FROM, FULL_AT, LONGEST_DATA, THINNED_FROM, WINDOW_S
from apps.realtime.models import ONLY_ROW, RealtimeSettings, Session, TelemetryEvent
from apps.realtime.schemas import EventIn
from apps.realtime.telemetry import Taken, take
from apps.realtime.tests.factories import NOW, batch, event, make_session
from apps.tenants.valkey import valkey

DELTA = "response.output_audio_transcript.delta"


@pytest.fixture(autouse=True)
def nobody_has_told_anything() -> Iterator[None]:
    """Counters outlive a test's transaction."""
    _forget()
    yield
    _forget()


def _forget() -> None:
    for key in valkey().scan_iter("aisha:told:*"):
        valkey().delete(key)


def of_each_kind() -> list[EventIn]:
    return [
        event(DELTA, 1, Direction.IN),
        event("response.created", 2, Direction.IN),
        event("aisha.end", 3, data={"reason": "hung_up"}),
    ]


def tell(session: Session, *events: EventIn) -> Taken:
    return take(session.person, batch(session, *events), NOW)


def stored() -> list[str]:
    return list(TelemetryEvent.objects.order_by("at_ms").values_list("type", flat=True))


ALL = [DELTA, "response.created", "aisha.end"]


@pytest.mark.parametrize(
    ("told", "expected"),
    [(97, ALL), (98, ALL[1:]), (197, ALL[1:]), (198, ALL[2:]), (10_000, ALL[2:])],
)
def test_who_tells_too_fast_is_thinned_and_asked_to_rest(
    cast: Cast, settings: LazySettings, told: int, expected: list[str]
) -> None:
    settings.REALTIME_EVENTS_PER_SECOND = 100 // WINDOW_S
    valkey().set(f"aisha:told:acme:{cast.rep.pk}", told, ex=WINDOW_S)
    session = make_session(cast.rep)
    taken = tell(session, *of_each_kind())
    assert stored() == expected
    assert taken.is_flood is (expected != ALL)
    session.refresh_from_db()
    assert (session.events_count, session.events_left_out) == (len(expected), 3 - len(expected))
    # However fast it is told, the call's row follows.
    assert session.end_reason == "hung_up"


def test_a_persons_pages_count_together_and_nobody_elses(
    cast: Cast, settings: LazySettings
) -> None:
    settings.REALTIME_EVENTS_PER_SECOND = 1
    first, second, other = (make_session(p) for p in (cast.rep, cast.rep, cast.manager))
    for session in (first, second, other):
        tell(session, *(event(DELTA, place) for place in range(6)))
    counts = [
        TelemetryEvent.objects.filter(session=session).count() for session in (first, second, other)
    ]
    assert counts == [6, 0, 6]
    assert 0 < valkey().ttl(f"aisha:told:acme:{cast.rep.pk}") <= WINDOW_S


def test_what_cannot_be_counted_is_thinned(cast: Cast, settings: LazySettings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    valkey.cache_clear()
    try:
        tell(make_session(cast.rep), *of_each_kind())
    finally:
        valkey.cache_clear()
    assert stored() == ALL[1:]


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (THINNED_FROM - 1, ALL),
        (THINNED_FROM, ALL[1:]),
        (FOLLOWED_FROM, ALL[2:]),
        (FULL_AT, []),
    ],
)
def test_the_rows_of_a_session_are_bounded(cast: Cast, there: int, expected: list[str]) -> None:
    session = make_session(cast.rep, events_count=there, events_left_out=5)
    tell(session, *of_each_kind())
    assert stored() == expected
    session.refresh_from_db()
    assert session.events_left_out == 5 + 3 - len(expected)


@pytest.mark.parametrize("keeps_texts", [True, False])
@pytest.mark.parametrize(
    "data",
    [
        {f"member_{place}": place for place in range(5_000)},
        {f"member_{place}": "x" * 100 for place in range(500)},
        {"state": {f"part_{place}": {"kind": "y" * 100} for place in range(200)}},
        {"lost": 10**4_000, "received": -(10**4_000)},
        {"usage": [[["z" * 120] * 20] * 20] * 20},
    ],
)
def test_what_one_event_holds_is_bounded(
    cast: Cast, data: dict[str, JsonValue], keeps_texts: bool
) -> None:
    RealtimeSettings.objects.create(pk=ONLY_ROW, keeps_texts=keeps_texts)
    (shown,) = tell(make_session(cast.rep), event("aisha.drop", data={"code": "odd"} | data)).events
    row = TelemetryEvent.objects.get()
    assert row.data == shown.data
    assert row.data["code"] == "odd"
    assert len(json.dumps(row.data)) <= LONGEST_DATA


def test_what_is_usual_is_stored_whole(cast: Cast) -> None:
    RealtimeSettings.objects.create(pk=ONLY_ROW, keeps_texts=True)
    words = "ä" * 500
    tell(make_session(cast.rep), event("response.done", data={"transcript": words, "code": "x"}))
    assert TelemetryEvent.objects.get().data == {"transcript": words, "code": "x"}


@pytest.mark.parametrize("keeps_texts", [True, False])
def test_a_name_that_a_model_makes_up_is_not_kept(cast: Cast, keeps_texts: bool) -> None:
    RealtimeSettings.objects.create(pk=ONLY_ROW, keeps_texts=keeps_texts)
    made_up = "elena_quixworth_is_at_0171_555_0199"
    calls: list[dict[str, JsonValue]] = [
        {"tool": "search_records"},
        {"name": "propose_create_followup"},
        {"rate_limits": [{"name": "tokens", "remaining": 7}]},
        {"tool": made_up},
        {"name": {"first": made_up}},
        {"item": {"name": made_up}},
    ]
    session = make_session(cast.rep)
    tell(session, *(event("aisha.tool_call", place, data=call) for place, call in enumerate(calls)))
    kept = [row.data for row in TelemetryEvent.objects.order_by("at_ms")]
    assert kept[:3] == calls[:3]
    assert (made_up in json.dumps(kept[3:])) is keeps_texts
    if not keeps_texts:
        assert kept[3:5] == [{"tool": "other"}, {"name": "other"}]
