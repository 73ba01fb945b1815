"""Calls that are ended from the server's side, and hung up at the provider."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import Cast, TenantClient
from apps.realtime.bridge import call_tool
from apps.realtime.ending import (
    GIVEN_UP_AFTER,
    IDLE_LEEWAY,
    end_what_is_over,
    hang_up_what_has_ended,
    is_anything_to_watch,
)
from apps.realtime.enums import Direction, EndReason, SessionState
from apps.realtime.exceptions import SessionOverError
from apps.realtime.models import ONLY_ROW, RealtimeSettings, Session, TokenRequest
from apps.realtime.sessions import SILENT_FOR, close_lost, end_session
from apps.realtime.tasks import watch_current_tenant
from apps.realtime.telemetry import take
from apps.realtime.tests.factories import NOW, batch, event, make_session
from apps.tenants.models import ModuleGate, Tenant
from apps.users.models import User
from stubs.openai_server.calling import calling
from stubs.openai_server.testing import RunningStandIn

ClientFor = Callable[[User], TenantClient]
BATCHES = "/api/ai/realtime/telemetry"
CALL = "rtc_u1_9c6574da8b8a41a18da9308f4ad974ce"


def answer(call: Any) -> Any:
    return event("aisha.answer", 1, Direction.IN, data={"status": 201, "call": call})


def talking(person: User, **fields: Any) -> Session:
    values = {"state": SessionState.OPEN, "began_at": NOW, "provider_calls": [CALL]}
    return make_session(person, **(values | fields))


def end_of(session: Session) -> str:
    session.refresh_from_db()
    return session.end_reason


# -- what ends a call --


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, ""),
        ({"began_at": NOW - timedelta(minutes=15)}, "length_limit"),
        ({"state": SessionState.ISSUED, "began_at": None}, ""),
        (
            {"state": SessionState.ISSUED, "began_at": None, "issued_at": NOW - timedelta(hours=1)},
            "length_limit",
        ),
        ({"cost_usd": Decimal(2)}, "cost_limit"),
        ({"began_at": NOW - timedelta(seconds=120) - IDLE_LEEWAY}, ""),
        ({"began_at": NOW - timedelta(seconds=121) - IDLE_LEEWAY}, "idle_limit"),
        (
            {"began_at": NOW - timedelta(minutes=10), "last_word_at": NOW - timedelta(seconds=100)},
            "",
        ),
    ],
)
def test_limits_are_held_on_the_server(
    cast: Cast, provider: RunningStandIn, fields: dict[str, Any], reason: str
) -> None:
    session = talking(cast.rep, **fields)
    assert end_what_is_over(NOW) == bool(reason)
    assert end_of(session) == reason
    assert session.is_hang_up_due is bool(reason)
    assert end_what_is_over(NOW) == 0
    ends = AuditEntry.objects.filter(event=Event.REALTIME_SESSION_ENDED)
    assert [entry.details["reason"] for entry in ends] == ([reason] if reason else [])


def test_the_months_limit_ends_calls_that_go_on(
    cast: Cast, client_for: ClientFor, provider: RunningStandIn
) -> None:
    RealtimeSettings.objects.create(pk=ONLY_ROW, month_limit_usd=Decimal(1))
    now = timezone.now()
    session = talking(cast.rep, issued_at=now, began_at=now, cost_usd=Decimal("0.25"))
    long_ago = now - timedelta(days=40)
    over = {"state": SessionState.ENDED, "end_reason": EndReason.HUNG_UP, "ended_at": long_ago}
    make_session(cast.manager, issued_at=long_ago, cost_usd=Decimal(5), **over)
    other = make_session(cast.manager, issued_at=now, cost_usd=Decimal("0.5"))
    own = f"/api/ai/realtime/sessions/{session.pk}"
    assert Decimal(client_for(cast.rep).get(own).json()["left_usd_of_month"]) == Decimal("0.25")
    assert end_what_is_over(now) == 0
    Session.objects.filter(pk=other.pk).update(cost_usd=Decimal("0.75"))
    with pytest.raises(SessionOverError) as refused:
        call_tool(cast.rep, session.pk, "call_1", "my_tasks", "{}", now=now)
    assert refused.value.extras == {"reason": "month_limit"}
    assert end_what_is_over(now) == 2
    assert end_of(session) == EndReason.MONTH_LIMIT


def deactivate(cast: Cast, *_: Any) -> None:
    User.objects.filter(pk=cast.rep.pk).update(is_active=False)


def take_role(cast: Cast, *_: Any) -> None:
    cast.rep.groups.clear()


def switch_off(_cast: Cast, tenant: Tenant, *_: Any) -> None:
    ModuleGate.objects.filter(tenant=tenant, module="realtime").update(is_on=False)


def remove_key(_cast: Cast, _tenant: Tenant, settings: LazySettings) -> None:
    settings.REALTIME_API_KEY = settings.OPENAI_API_KEY = ""


@pytest.mark.parametrize(
    ("revoke", "ends_all"),
    [(deactivate, False), (take_role, False), (switch_off, True), (remove_key, True)],
)
def test_who_may_not_talk_any_more_is_not_let_talk_on(
    cast: Cast,
    acme: Tenant,
    provider: RunningStandIn,
    settings: LazySettings,
    revoke: Callable[..., None],
    ends_all: bool,
) -> None:
    revoked, other = talking(cast.rep), talking(cast.manager, provider_calls=[])
    revoke(cast, acme, settings)
    assert end_what_is_over(NOW) == 1 + ends_all
    assert end_of(revoked) == EndReason.REVOKED
    assert end_of(other) == (EndReason.REVOKED if ends_all else "")
    # The page is told with its next batch, and says why.
    taken = take(cast.rep, batch(revoked, event("aisha.stats")), NOW)
    assert taken.ended == EndReason.REVOKED


def test_a_page_without_a_socket_is_alive_and_is_told_of_the_end(
    cast: Cast, client_for: ClientFor, provider: RunningStandIn
) -> None:
    now = timezone.now()
    session = talking(
        cast.rep, issued_at=now, began_at=now, last_seen_at=now - SILENT_FOR + timedelta(seconds=5)
    )

    def post(number: int) -> Any:
        told = batch(session, event("aisha.stats"), number=number).model_dump_json()
        return client_for(cast.rep).post(BATCHES, json.dumps({"batch": told}), "application/json")

    assert post(1).json() == {"batch": 1, "rest_ms": 0, "ended": None}
    assert close_lost(now + SILENT_FOR - timedelta(seconds=1)) == 0
    end_session(session, EndReason.COST_LIMIT, now)
    assert post(2).json()["ended"] == {
        "reason": "cost_limit", "message": "The call has reached its cost limit.",
    }  # fmt: skip


@pytest.mark.parametrize("people", [1, 3])
def test_a_look_takes_as_many_statements_however_many_talk(
    cast: Cast, provider: RunningStandIn, people: int, django_assert_max_num_queries: Any
) -> None:
    for _ in range(people):
        talking(cast.rep)
    # What the month has cost may fail alone, which in a test is a savepoint and its end.
    with django_assert_max_num_queries(9 + 2):
        end_what_is_over(NOW)


# -- by which id --


def test_the_page_tells_by_which_id_the_provider_knows_a_call(cast: Cast) -> None:
    session = make_session(cast.rep)
    for call in (CALL, CALL, "rtc_second_1"):
        take(cast.rep, batch(session, answer(call)), NOW)
    session.refresh_from_db()
    assert (session.provider_calls, session.is_hang_up_due) == ([CALL, "rtc_second_1"], False)


@pytest.mark.parametrize(
    "call", [None, 7, ["x"], "", "../../files", "a/b", "rtc_ä234567", "x" * 101]
)
def test_what_is_no_id_is_not_kept(cast: Cast, call: Any) -> None:
    session = make_session(cast.rep)
    take(cast.rep, batch(session, answer(call)), NOW)
    session.refresh_from_db()
    assert session.provider_calls == []


def test_nobody_hangs_up_anothers_call(cast: Cast) -> None:
    theirs, mine = talking(cast.manager), make_session(cast.rep)
    take(cast.rep, batch(mine, answer(CALL), event("aisha.end")), NOW)
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.provider_calls, mine.is_hang_up_due) == ([], False)
    assert theirs.provider_calls == [CALL]


def test_what_connects_after_its_end_is_hung_up_too(cast: Cast) -> None:
    session = make_session(cast.rep)
    end_session(session, EndReason.HUNG_UP, NOW)
    session.refresh_from_db()
    assert not session.is_hang_up_due
    take(cast.rep, batch(session, answer(CALL)), NOW)
    session.refresh_from_db()
    assert session.is_hang_up_due


# -- hanging up --


def ended(person: User, **fields: Any) -> Session:
    values: dict[str, Any] = {
        "state": SessionState.ENDED,
        "ended_at": NOW,
        "end_reason": EndReason.HUNG_UP,
        "is_hang_up_due": True,
    }
    return talking(person, **(values | fields))


def is_due(session: Session) -> bool:
    session.refresh_from_db()
    return session.is_hang_up_due


def test_what_is_over_there_already_is_asked_about_once(
    cast: Cast, provider: RunningStandIn
) -> None:
    session = ended(cast.rep, provider_calls=[CALL, "rtc_second_1"])
    assert is_anything_to_watch()
    assert hang_up_what_has_ended(NOW) == 1
    assert [one["path"] for one in provider.requests()] == [
        f"/v1/realtime/calls/{call}/hangup" for call in (CALL, "rtc_second_1")
    ]
    assert not is_due(session)
    assert hang_up_what_has_ended(NOW) == 0
    assert not is_anything_to_watch()


def test_a_provider_that_does_not_answer_is_asked_again(
    cast: Cast, provider: RunningStandIn, settings: LazySettings
) -> None:
    there = settings.REALTIME_BASE_URL
    settings.REALTIME_BASE_URL = "http://127.0.0.1:1/v1"
    session = ended(cast.rep)
    hang_up_what_has_ended(NOW)
    assert is_due(session)
    settings.REALTIME_BASE_URL = there
    hang_up_what_has_ended(NOW)
    assert not is_due(session)


def test_without_a_key_it_waits_and_is_given_up_in_the_end(
    cast: Cast, provider: RunningStandIn, settings: LazySettings
) -> None:
    settings.REALTIME_API_KEY = settings.OPENAI_API_KEY = ""
    session = ended(cast.rep)
    hang_up_what_has_ended(NOW)
    assert is_due(session)
    hang_up_what_has_ended(NOW + GIVEN_UP_AFTER + timedelta(seconds=1))
    assert not is_due(session)
    assert provider.requests() == []


def test_another_key_hangs_up_nothing(
    cast: Cast, provider: RunningStandIn, settings: LazySettings
) -> None:
    settings.REALTIME_API_KEY = "sk-of-somebody-else"
    session = ended(cast.rep)
    hang_up_what_has_ended(NOW)
    assert not is_due(session)


def test_a_call_that_goes_on_is_cut_off_where_its_right_is_taken(
    cast: Cast, client_for: ClientFor, provider: RunningStandIn
) -> None:
    """A real connection of a page that tells its call's id, and does not hang up by itself."""
    value = client_for(cast.rep).post("/api/ai/realtime-token", "{}", "application/json").json()

    async def stay() -> None:
        async with calling(provider.base_url, value["value"]) as caller:
            await caller.wait_until_over()

    page = threading.Thread(target=lambda: asyncio.run(stay()))
    page.start()
    call = provider.wait_for_call(lambda one: one.state == "connected")
    session = Session.objects.get()
    take(cast.rep, batch(session, answer(call.id)), session.issued_at)
    watch_current_tenant()
    assert not provider.calls()[0].ended
    cast.rep.groups.clear()
    watch_current_tenant()
    page.join()
    assert provider.calls()[0].ended == "hung_up"
    session.refresh_from_db()
    assert (session.end_reason, session.is_hang_up_due) == (EndReason.REVOKED, False)
    assert TokenRequest.objects.count() == 1
