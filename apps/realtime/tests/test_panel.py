"""The debug panel: who sees which sessions, what stands on the pages, replay and export."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.audit.enums import Event, Origin
from apps.audit.models import AuditEntry
from apps.conftest import Cast, TenantClient
from apps.realtime.enums import (
    Direction,
    EndReason,
    GateState,
    SessionState,
    TokenOutcome,
    ToolCallStatus,
)
from apps.realtime.models import ONLY_ROW, RealtimeSettings, Session, TokenRequest, ToolCall
from apps.realtime.reading import MOST_EVENTS
from apps.realtime.schemas import EventIn
from apps.realtime.telemetry import take
from apps.realtime.tests.factories import NOW, batch, event, make_session
from apps.realtime.tests.test_timeline import a_turn
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant
from apps.users.models import User

PANEL = "/realtime/debug/"
DEBUG = {"X-AI-Debug": "1"}
ClientFor = Callable[[User], TenantClient]


def tell(session: Session, *events: EventIn) -> None:
    for first in range(0, len(events), 500):
        take(session.person, batch(session, *events[first : first + 500]), NOW)


def pages_of(session: Session) -> list[str]:
    one = f"{PANEL}{session.pk}/"
    return [one, f"{one}measures/", f"{one}events/", f"{one}export.json"]


def statuses(client: Client, paths: Sequence[str], headers: dict[str, str]) -> list[int]:
    return [client.get(path, headers=headers).status_code for path in paths]


def body_of(answer: Any) -> str:
    return str((b"".join(answer) if answer.streaming else answer.content).decode())


@pytest.mark.parametrize("who", ["rep", "manager"])
def test_without_ai_debug_the_panel_is_for_administrators(
    cast: Cast, client_for: ClientFor, who: str
) -> None:
    person = getattr(cast, who)
    paths = [PANEL, f"{PANEL}drawer/", *pages_of(make_session(person))]
    assert statuses(client_for(person), paths, {}) == [403] * 6
    assert statuses(client_for(person), paths, {"X-AI-Debug": "0"}) == [403] * 6
    assert statuses(client_for(cast.admin), paths, {}) == [200] * 6


def test_with_ai_debug_a_person_sees_their_own(cast: Cast, client_for: ClientFor) -> None:
    own, others = make_session(cast.rep), make_session(cast.teammate)
    client = client_for(cast.rep)
    assert statuses(client, [PANEL, f"{PANEL}drawer/", *pages_of(own)], DEBUG) == [200] * 6
    assert statuses(client, pages_of(others), DEBUG) == [404] * 4
    by_address = client.get(f"{PANEL}?ai_debug=1")
    listed = by_address.content.decode()
    assert (str(own.pk) in listed, str(others.pk) in listed) == (True, False)
    assert f'href="/realtime/debug/{own.pk}/?ai_debug=1"' in listed
    assert 'name="person"' not in listed
    # Whose may not be asked for by a filter either.
    narrowed = client.get(f"{PANEL}?ai_debug=1&person={cast.teammate.pk}").content.decode()
    assert (str(own.pk) in narrowed, str(others.pk) in narrowed) == (True, False)


def test_who_may_not_talk_has_no_panel(cast: Cast, client_for: ClientFor) -> None:
    own = make_session(cast.rep)
    cast.rep.groups.clear()
    assert statuses(client_for(cast.rep), [PANEL, *pages_of(own)], DEBUG) == [403] * 5


def test_whose_role_is_taken_away_is_refused_at_once(cast: Cast, client_for: ClientFor) -> None:
    client, session = client_for(cast.admin), make_session(cast.admin)
    paths = [PANEL, f"{PANEL}drawer/", *pages_of(session)]
    own = f"/api/ai/realtime/sessions/{session.pk}"
    assert statuses(client, [*paths, own], {}) == [200] * 7
    cast.admin.groups.clear()
    assert statuses(client, [*paths, own], DEBUG) == [403] * 7
    cast.admin.is_active = False
    cast.admin.save()
    # Led to signing in, as anybody whom nobody knows.
    assert statuses(client, [*paths, own], DEBUG) == [302] * 6 + [401]


def test_off_is_off(cast: Cast, acme: Tenant, client_for: ClientFor) -> None:
    session = make_session(cast.admin)
    ModuleGate.objects.filter(tenant=acme, module=Module.REALTIME).update(is_on=False)
    cache.clear()
    assert statuses(client_for(cast.admin), [PANEL, *pages_of(session)], {}) == [403] * 5


def test_another_tenants_session_is_not_there(
    cast: Cast, globex: Tenant, globex_cast: Cast, client_for: ClientFor
) -> None:
    with globex:
        foreign = make_session(globex_cast.rep)
        tell(foreign, event("aisha.drop", data={"reason": "globex"}))
    client = client_for(cast.admin)
    assert statuses(client, pages_of(foreign), {}) == [404] * 4
    assert str(foreign.pk) not in client.get(PANEL).content.decode()
    # It is there at home.
    at_home = TenantClient("globex.localhost")
    with globex:
        at_home.force_login(globex_cast.admin)
    assert statuses(at_home, pages_of(foreign), {}) == [200] * 4


def test_a_session_that_there_never_was_is_not_there(cast: Cast, client_for: ClientFor) -> None:
    assert client_for(cast.admin).get(f"{PANEL}{uuid4()}/").status_code == 404


def test_the_list_is_narrowed(cast: Cast, client_for: ClientFor) -> None:
    ended: dict[str, Any] = {
        "state": SessionState.ENDED, "ended_at": NOW, "end_reason": EndReason.HUNG_UP,
    }  # fmt: skip
    sessions = {
        "reps": make_session(cast.rep, **ended),
        "open": make_session(cast.teammate, state=SessionState.OPEN, began_at=NOW),
        "older": make_session(cast.rep, issued_at=NOW - timedelta(days=3), **ended),
    }
    client = client_for(cast.admin)

    def found(query: str) -> set[str]:
        page = client.get(f"{PANEL}?{query}").content.decode()
        return {name for name, session in sessions.items() if str(session.pk) in page}

    assert found("") == {"reps", "open", "older"}
    assert found(f"person={cast.rep.pk}") == {"reps", "older"}
    assert found("state=open") == {"open"}
    assert found("day=2026-03-04") == {"reps", "open"}
    # By what was said in a call, not by where it was begun: before a turn nobody has said anything.
    typed = event("response.created", 1.0, turn=1).model_copy(update={"origin": Origin.TYPED})
    tell(sessions["reps"], typed, event("response.created", 2.0, turn=2))
    tell(sessions["open"], event("response.created", 1.0, turn=1))
    tell(sessions["older"], event("aisha.token"))
    assert found("origin=typed") == {"reps"}
    assert found("origin=realtime") == {"reps", "open"}
    none = client.get(f"{PANEL}?origin=typed&state=open").content.decode()
    assert "No session fits these filters" in none


def test_a_list_without_sessions_says_what_would_be_here(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.rep)
    assert "No session yet" in client.get(PANEL, headers=DEBUG).content.decode()
    drawer = client.get(f"{PANEL}drawer/", headers=DEBUG).content.decode()
    assert "You have not called AiSHA yet." in drawer


def test_refused_requests_are_told_to_whom_they_concern(cast: Cast, client_for: ClientFor) -> None:
    for person, outcome in (
        (cast.rep, TokenOutcome.PROVIDER_AUTH),
        (cast.teammate, TokenOutcome.NO_KEY),
    ):
        TokenRequest.objects.create(
            person=person, asked_at=NOW, gate=GateState.ON, outcome=outcome, status=502, latency_ms=9
        )  # fmt: skip
    own = client_for(cast.rep).get(PANEL, headers=DEBUG).content.decode()
    every = client_for(cast.admin).get(PANEL).content.decode()
    assert ("provider_auth" in own, "no_key" in own) == (True, False)
    assert ("provider_auth" in every, "no_key" in every) == (True, True)


def a_bad_call(person: User) -> Session:
    """A turn, one that was interrupted, a drop, statistics, and a tool that was refused."""
    session = make_session(person)
    tell(
        session,
        event("aisha.token", 120, data={"status": 201, "ms": 120}),
        event("aisha.offer", 180, Direction.OUT),
        event("aisha.answer", 400, Direction.IN),
        event("aisha.connection_state", 520, data={"state": "connected"}),
        event("session.created", 640, Direction.IN),
        *a_turn(1, 5_000),
        *a_turn(2, 15_000),
        event("output_audio_buffer.cleared", 17_500, Direction.IN, turn=2),
        *(
            event("aisha.stats", 1_000 * n, data={"rtt_ms": 40 + n, "lost": n, "received": 99 * n})
            for n in range(1, 6)
        ),
        event("aisha.drop", 20_000, data={"reason": "ice_failed"}),
        event("aisha.reconnect", 21_000, data={"attempt": 1, "ok": True}),
    )
    ToolCall.objects.create(
        session=session, call_id="c9", status=ToolCallStatus.REFUSED, code="unknown_tool",
        answer={"secret": "of the answer"}, called_at=NOW, latency_ms=3,
    )  # fmt: skip
    session.refresh_from_db()
    return session


def test_a_sessions_page_tells_what_happened(cast: Cast, client_for: ClientFor) -> None:
    session = a_bad_call(cast.rep)
    answer = client_for(cast.admin).get(f"{PANEL}{session.pk}/")
    page, reading = answer.content.decode(), answer.context["reading"]
    assert [fall.turn.number for fall in reading.waterfalls] == [2, 1]
    assert [bar.label for bar in reading.waterfalls[1].bars] == [
        "Speech", "Transcript", "Model", "search_records", "Model", "Voice",
    ]  # fmt: skip
    assert (reading.turns_count, reading.interrupted_count) == (2, 1)
    assert {h.latency.name: (h.latency.p50_ms, h.latency.count) for h in reading.latencies} == {
        "stt": (300, 1), "first_text": (700, 1), "first_audio": (800, 1), "tool": (50, 1),
    }  # fmt: skip
    assert [(bar.label, bar.lasts_ms) for bar in reading.handshake] == [
        ("Token", 120), ("Offer made", 60), ("Answer received", 220), ("First event", 240),
    ]  # fmt: skip
    assert [(line.name, line.latest, line.count) for line in reading.lines] == [
        ("Round trip", 45.0, 5), ("Packets lost", 1.0, 4),
    ]  # fmt: skip
    # Nobody was told by which id the provider knows it.
    assert "it cannot be hung up from here" in page
    assert [(b.label, b.words) for b in reading.breaks] == [
        ("Dropped", "ice_failed"), ("Connected again", "attempt 1"),
    ]  # fmt: skip
    assert "unknown_tool" in page
    assert "of the answer" not in page
    assert " style=" not in page


def test_replay_pages_through_what_is_stored(cast: Cast, client_for: ClientFor) -> None:
    session = make_session(cast.rep)
    told = [event("aisha.stats", float(place)) for place in range(MOST_EVENTS + 3)]
    tell(session, *told)
    tell(make_session(cast.rep), event("aisha.stats", 7))
    client, address = client_for(cast.rep), f"{PANEL}{session.pk}/events/"
    first = client.get(address, headers=DEBUG).json()
    rest = client.get(f"{address}?after={first['events'][-1]['row']}", headers=DEBUG).json()
    assert (len(first["events"]), first["is_all"]) == (MOST_EVENTS, False)
    assert (len(rest["events"]), rest["is_all"]) == (3, True)
    assert [e["id"] for e in first["events"] + rest["events"]] == [str(e.id) for e in told]
    page = client.get(f"{PANEL}{session.pk}/", headers=DEBUG)
    assert page.context["first_row"] == first["events"][2]["row"]
    for after in ("-1", "1; --", "١", "9" * 19, ""):
        assert client.get(address, {"after": after}, headers=DEBUG).status_code == 404


def test_an_event_is_told_whole(cast: Cast, client_for: ClientFor) -> None:
    session = make_session(cast.rep)
    told = event("response.done", 12.5, Direction.IN, turn=2, data={"status": "completed"})
    tell(session, told)
    (found,) = client_for(cast.admin).get(f"{PANEL}{session.pk}/events/").json()["events"]
    assert found.pop("row") > 0
    assert found == {
        "id": str(told.id), "at_ms": 12.5, "direction": "in", "type": "response.done",
        "origin": "realtime", "turn": 2, "size_bytes": 100, "data": {"status": "completed"},
    }  # fmt: skip


def test_each_event_has_the_origin_that_it_was_told_with(cast: Cast, client_for: ClientFor) -> None:
    """Of one call, in which somebody talks and types."""
    session = make_session(cast.rep)
    origins = [Origin.TYPED, Origin.REALTIME, Origin.TYPED, Origin.REALTIME, Origin.REALTIME]
    said = [event("response.created", float(n)) for n in range(len(origins))]
    tell(session, *(e.model_copy(update={"origin": o}) for e, o in zip(said, origins, strict=True)))
    client, address = client_for(cast.admin), f"{PANEL}{session.pk}/"
    # What the stream's filter goes by.
    assert [one["origin"] for one in client.get(f"{address}events/").json()["events"]] == origins
    exported = json.loads(body_of(client.get(f"{address}export.json")))
    assert [one["origin"] for one in exported["events"]] == origins
    measures = client.get(f"{address}measures/")
    assert measures.context["reading"].origins == [("realtime", 3), ("typed", 2)]
    assert "typed 2</span>" in measures.content.decode()


@pytest.mark.parametrize("is_empty", [True, False])
def test_the_export_is_one_document_and_on_record(
    cast: Cast, client_for: ClientFor, is_empty: bool
) -> None:
    session = make_session(cast.rep) if is_empty else a_bad_call(cast.rep)
    answer = client_for(cast.rep).get(f"{PANEL}{session.pk}/export.json", headers=DEBUG)
    text = body_of(answer)
    document = json.loads(text)
    assert (document["session"], document["person"], document["drops"]) == (
        str(session.pk), "rep", 0 if is_empty else 1,
    )  # fmt: skip
    assert len(document["events"]) == (0 if is_empty else 37)
    assert [call["code"] for call in document["tool_calls"]] == (
        [] if is_empty else ["unknown_tool"]
    )
    assert [e["at_ms"] for e in document["events"]] == sorted(
        e["at_ms"] for e in document["events"]
    )
    assert "of the answer" not in text
    assert answer["Content-Disposition"] == f'attachment; filename="realtime-{session.pk}.json"'
    (entry,) = AuditEntry.objects.filter(event=Event.EXPORTED)
    assert entry.details == {
        "what": "realtime-session", "session": str(session.pk), "format": "json",
    }  # fmt: skip


def test_the_drawer_shows_the_latest_own_session(cast: Cast, client_for: ClientFor) -> None:
    make_session(cast.admin, issued_at=NOW - timedelta(days=1))
    own = make_session(cast.admin)
    tell(own, *a_turn(1, 1_000), *a_turn(2, 10_000))
    make_session(cast.rep, issued_at=NOW + timedelta(days=1))
    client = client_for(cast.admin)
    answer = client.get(f"{PANEL}drawer/")
    assert answer.context["session"] == own
    assert answer.context["fall"].turn.number == 2
    own_page = client.get(f"{PANEL}{own.pk}/")
    assert answer.context["fall"] == own_page.context["reading"].waterfalls[0]
    assert answer.context["events"][0].type == "output_audio_buffer.stopped"
    assert f'href="/realtime/debug/{own.pk}/"' in answer.content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_the_pages_take_as_many_statements_for_one_as_for_three(
    cast: Cast,
    client_for: ClientFor,
    count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    RealtimeSettings.objects.create(pk=ONLY_ROW, keeps_texts=True)
    for person in [cast.rep, cast.teammate, cast.outsider][:count]:
        session = make_session(person)
        for turn in range(1, count + 1):
            tell(session, *a_turn(turn, 10_000 * turn))
    client = client_for(cast.admin)
    client.get(PANEL)
    with django_assert_num_queries(14):
        client.get(PANEL)
    with django_assert_num_queries(17):
        client.get(f"{PANEL}{session.pk}/")
