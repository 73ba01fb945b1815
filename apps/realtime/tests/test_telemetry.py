"""Events on their way into the database."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from pydantic import JsonValue
from pytest_django import DjangoAssertNumQueries

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import Cast
from apps.realtime.enums import Direction, EndReason, SessionState
from apps.realtime.exceptions import SessionNotFoundError, SessionOverError
from apps.realtime.models import ONLY_ROW, RealtimeSettings, Session, TelemetryEvent
from apps.realtime.sessions import SILENT_FOR, close_lost
from apps.realtime.telemetry import TAKEN_AFTER_END, remove_old, take
from apps.realtime.tests.factories import NOW, batch, event, make_session
from apps.tenants.models import Tenant

DONE: dict[str, JsonValue] = {
    "status": "completed",
    "usage": {
        "input_token_details": {"text_tokens": 100, "audio_tokens": 50, "cached_tokens": 40},
        "output_token_details": {"text_tokens": 10, "audio_tokens": 30},
    },
}


def test_a_batch_is_stored_as_it_was_told(cast: Cast) -> None:
    session = make_session(cast.rep)
    told = event(
        "response.done", 1_234.5, Direction.IN, turn=3, data={"status": "completed", "text": "hey"}
    )
    taken = take(cast.rep, batch(session, told), NOW)
    assert [one.id for one in taken.events] == [told.id]
    row = TelemetryEvent.objects.get()
    assert (row.session_id, row.event_id, row.v, row.at_ms) == (session.pk, told.id, 1, 1_234.5)
    assert (row.direction, row.type, row.origin) == ("in", "response.done", "realtime")
    assert (row.turn, row.size_bytes, row.received_at) == (3, 100, NOW)
    assert row.data == {"status": "completed", "characters": 3}


def test_an_event_that_is_told_twice_counts_once(cast: Cast) -> None:
    session = make_session(cast.rep)
    done = event("response.done", 10, Direction.IN, data=DONE)
    first, again = (take(cast.rep, batch(session, done, done), NOW) for _ in range(2))
    assert (len(first.events), len(again.events)) == (1, 0)
    session.refresh_from_db()
    assert (session.events_count, session.audio_tokens_out) == (1, 30)


def test_a_session_follows_from_its_events(cast: Cast) -> None:
    session = make_session(cast.rep)
    later = NOW + timedelta(seconds=5)
    take(
        cast.rep,
        batch(
            session,
            event("aisha.connection_state", data={"state": "connecting"}),
            event("aisha.connection_state", data={"state": "connected"}),
            event("response.done", 1, Direction.IN, data=DONE),
            event("aisha.drop", data={"reason": "ice"}),
            left_out=4,
        ),
        later,
    )
    session.refresh_from_db()
    assert (session.state, session.began_at, session.last_seen_at) == ("lost", later, later)
    assert (session.drops_count, session.events_count, session.events_left_out) == (1, 4, 4)
    assert (session.text_tokens_in, session.audio_tokens_in, session.cached_tokens_in) == (
        100, 50, 40,
    )  # fmt: skip
    # (60·0.60 + 50·10 + 40·0.06 + 10·2.40 + 30·20) / 1,000,000, rounded up
    assert session.cost_usd == Decimal("0.001163")
    take(
        cast.rep,
        batch(
            session,
            event("aisha.reconnect", data={"attempt": 1, "ok": False}),
            event("aisha.reconnect", data={"attempt": 2, "ok": True}),
            event("aisha.connection_state", data={"state": "connected"}),
        ),
        later,
    )
    session.refresh_from_db()
    assert (session.state, session.reconnects_count, session.began_at) == ("open", 1, later)


def test_nobody_closes_voice_for_a_company_by_what_one_browser_tells(cast: Cast) -> None:
    session = make_session(cast.rep)
    most: dict[str, JsonValue] = {"usage": {"output_token_details": {"audio_tokens": 250_000}}}
    told = [event("response.done", place, Direction.IN, data=most) for place in range(50)]
    take(cast.rep, batch(session, *told, left_out=2**31 - 1), NOW)
    take(cast.rep, batch(session, event("aisha.stats"), left_out=2**31 - 1), NOW)
    session.refresh_from_db()
    # The limit of a session, whatever is told.
    assert (session.cost_usd, session.events_left_out) == (Decimal(2), 2**31 - 1)
    assert session.audio_tokens_out == 12_500_000


def test_an_end_is_told_once_and_goes_on_record(cast: Cast) -> None:
    session = make_session(cast.rep)
    for reason in ("idle_limit", "hung_up"):
        take(cast.rep, batch(session, event("aisha.end", data={"reason": reason})), NOW)
    session.refresh_from_db()
    assert (session.state, session.end_reason, session.ended_at) == ("ended", "idle_limit", NOW)
    (entry,) = AuditEntry.objects.filter(event=Event.REALTIME_SESSION_ENDED)
    assert entry.details == {
        "session": str(session.pk),
        "reason": "idle_limit",
        "cost_usd": "0.000000",
    }


def test_a_made_up_reason_is_a_hang_up(cast: Cast) -> None:
    session = make_session(cast.rep)
    take(cast.rep, batch(session, event("aisha.end", data={"reason": {"x": 1}})), NOW)
    session.refresh_from_db()
    assert session.end_reason == EndReason.HUNG_UP


@pytest.mark.parametrize("who", ["manager", "admin", "outsider"])
def test_nobody_tells_of_another_persons_session(cast: Cast, who: str) -> None:
    session = make_session(cast.rep)
    with pytest.raises(SessionNotFoundError):
        take(getattr(cast, who), batch(session, event("aisha.drop")), NOW)
    assert TelemetryEvent.objects.count() == 0


def test_nobody_tells_of_another_tenants_session(
    cast: Cast, globex: Tenant, globex_cast: Cast
) -> None:
    with globex:
        foreign = make_session(globex_cast.rep)
    told = batch(foreign, event("aisha.drop"))
    for person in (cast.rep, cast.admin, globex_cast.rep):
        with pytest.raises(SessionNotFoundError):
            take(person, told, NOW)
    with globex:
        assert len(take(globex_cast.rep, told, NOW).events) == 1


def test_a_session_that_there_is_not_takes_nothing(cast: Cast) -> None:
    unknown = Session(pk=uuid4())
    with pytest.raises(SessionNotFoundError):
        take(cast.rep, batch(unknown, event("aisha.drop")), NOW)


def test_what_is_told_late_is_taken_for_a_while(cast: Cast) -> None:
    session = make_session(
        cast.rep, state=SessionState.ENDED, ended_at=NOW, end_reason=EndReason.HUNG_UP
    )
    take(cast.rep, batch(session, event("aisha.stats")), NOW + TAKEN_AFTER_END)
    with pytest.raises(SessionOverError):
        take(
            cast.rep,
            batch(session, event("aisha.stats")),
            NOW + TAKEN_AFTER_END + timedelta(seconds=1),
        )
    assert TelemetryEvent.objects.count() == 1


def test_under_load_what_comes_in_floods_is_left_out_and_counted(cast: Cast) -> None:
    session = make_session(cast.rep)
    told = [
        event("response.output_audio_transcript.delta", 1, Direction.IN),
        event("response.done", 2, Direction.IN),
        event("aisha.stats", 3),
    ]
    taken = take(cast.rep, batch(session, *told, left_out=1), NOW, is_loaded=True)
    assert [one.type for one in taken.events] == ["response.done"]
    session.refresh_from_db()
    assert (session.events_count, session.events_left_out) == (1, 3)


def test_words_are_stored_where_the_tenant_keeps_them(cast: Cast) -> None:
    RealtimeSettings.objects.create(pk=ONLY_ROW, keeps_texts=True)
    session = make_session(cast.rep)
    take(cast.rep, batch(session, event("response.done", data={"transcript": "hey"})), NOW)
    assert TelemetryEvent.objects.get().data == {"transcript": "hey"}


@pytest.mark.parametrize("count", [1, 300])
def test_a_batch_takes_as_many_statements_whatever_it_holds(
    cast: Cast, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    session = make_session(cast.rep)
    told = batch(session, *(event("aisha.stats", place) for place in range(count)))
    with django_assert_num_queries(9):
        take(cast.rep, told, NOW)
    assert TelemetryEvent.objects.count() == count


def test_what_nothing_is_heard_of_is_closed(cast: Cast) -> None:
    gone = NOW - SILENT_FOR - timedelta(seconds=1)
    never = make_session(cast.rep, last_seen_at=gone)
    lost = make_session(cast.rep, state=SessionState.LOST, began_at=gone, last_seen_at=gone)
    there = make_session(cast.rep, last_seen_at=NOW - SILENT_FOR)
    assert close_lost(NOW) == 2
    for session in (never, lost, there):
        session.refresh_from_db()
    assert (never.end_reason, lost.end_reason, there.state) == (
        "never_connected", "connection_lost", "issued",
    )  # fmt: skip
    assert close_lost(NOW) == 0


def test_old_events_go(cast: Cast) -> None:
    session = make_session(cast.rep)
    for days in (13, 14, 15):
        take(cast.rep, batch(session, event("aisha.stats")), NOW - timedelta(days=days))
    assert remove_old(NOW) == 1
    assert TelemetryEvent.objects.count() == 2
