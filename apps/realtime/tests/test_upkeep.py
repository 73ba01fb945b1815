"""What is kept of calls, and for how long."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from apps.conftest import Cast
from apps.realtime.enums import EndReason, GateState, SessionState, TokenOutcome
from apps.realtime.models import (
    ONLY_ROW,
    RealtimeSettings,
    Session,
    TelemetryEvent,
    TokenRequest,
    ToolCall,
)
from apps.realtime.tasks import keep_current_tenant_up
from apps.realtime.telemetry import take
from apps.realtime.tests.factories import NOW, batch, event, make_session
from apps.realtime.upkeep import remove_old_calls
from apps.users.models import User

ENDED = {"state": SessionState.ENDED, "end_reason": EndReason.HUNG_UP}


def called(person: User, days_ago: int, **fields: Any) -> Session:
    """A call of so many days ago, with its request, a call of a tool and an event."""
    at = NOW - timedelta(days=days_ago)
    session = make_session(person, issued_at=at, ended_at=at, **(ENDED | fields))
    TokenRequest.objects.create(
        person=person, session=session, asked_at=at, gate=GateState.ON,
        outcome=TokenOutcome.ISSUED, status=201, latency_ms=1,
    )  # fmt: skip
    ToolCall.objects.create(
        session=session, call_id="call_1", tool="my_tasks", status="answered", called_at=at,
        latency_ms=1,
    )  # fmt: skip
    take(person, batch(session, event("aisha.stats")), at)
    return session


def test_calls_go_with_all_that_is_kept_of_them_when_their_days_are_over(cast: Cast) -> None:
    RealtimeSettings.objects.create(pk=ONLY_ROW, session_days=200)
    called(cast.rep, 201)
    kept = [called(cast.rep, 199), called(cast.rep, 201, is_hang_up_due=True)]
    assert remove_old_calls(NOW) == 1
    assert remove_old_calls(NOW) == 0
    assert set(Session.objects.all()) == set(kept)
    # What was asked for goes by its own day, whatever has become of it.
    assert TokenRequest.objects.get().session == kept[0]
    for model in (ToolCall, TelemetryEvent):
        assert set(model.objects.values_list("session", flat=True)) == {one.pk for one in kept}


def test_the_upkeep_removes_calls_of_years_ago(cast: Cast) -> None:
    called(cast.rep, 400)
    keep_current_tenant_up()
    assert not Session.objects.exists()
