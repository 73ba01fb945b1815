"""What people decide while a model is being asked: nothing is made against it, and nothing else is lost."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.brain.enums import Goal, Provider
from apps.brain.models import BrainCall, BrainSettings
from apps.conftest import Cast, make_cast
from apps.crm.enums import RecordKind
from apps.suggestions.enums import RejectReason, State
from apps.suggestions.models import Suggestion
from apps.suggestions.pipeline.meanwhile import barred_meanwhile
from apps.suggestions.services import reject, reopen
from apps.suggestions.tests.cases import NOW, awaiting, put_in, quiet_lead, scan, suggested
from apps.tenants.models import Tenant
from apps.tenants.secrets import seal
from apps.tenants.tests.threads import PATIENCE_S, background
from apps.triggers.models import Silence
from stubs.openai_server.testing import RunningStandIn


def wait_for_requests(stand_in: RunningStandIn, count: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while len(stand_in.requests()) < count:
        assert time.monotonic() < deadline


def test_one_that_was_reopened_and_one_that_was_silenced_stop_no_batch(
    committed_tenant: Tenant, stand_in: RunningStandIn
) -> None:
    cast = make_cast()
    reopened = suggested(cast.rep)
    reject(suggestion_id=reopened.pk, user=cast.rep, now=NOW, reason=RejectReason.NOT_NEEDED)
    Silence.objects.all().delete()
    silenced, other = quiet_lead(cast.rep), quiet_lead(cast.rep)
    values = {
        "provider": Provider.OPENAI,
        "base_url": stand_in.base_url,
        # Time enough for two decisions.
        "model": "stand-in:delay-2000ms",
        "sealed_key": seal(stand_in.key),
    }
    BrainSettings.objects.update_or_create(pk=1, defaults=values)
    with background(committed_tenant) as start:
        scanning = start(scan)
        wait_for_requests(stand_in, 3)
        reopen(suggestion_id=reopened.pk, user=cast.rep, now=NOW)
        until = NOW + timedelta(days=1)
        Silence.objects.create(record_kind="lead", record_id=silenced.pk, until=until)
    assert scanning.result().suggestions_created == 1
    waiting = Suggestion.objects.filter(state=State.PENDING).order_by("pk")
    assert list(waiting.values_list("record_id", "provider")) == [
        (reopened.record_id, "rules"),
        (other.pk, "openai"),
    ]
    codes = BrainCall.objects.filter(provider="openai").values_list("dropped_code", flat=True)
    assert sorted(codes) == ["", "barred_meanwhile", "barred_meanwhile"]
    dropped = AuditEntry.objects.get(event=Event.PROPOSAL_DROPPED)
    assert dropped.details == {"barred_meanwhile": 2}


@pytest.mark.parametrize(
    ("scope", "is_barred"),
    [
        ({}, True),
        ({"record_kind": RecordKind.LEAD}, True),
        ({"record_kind": RecordKind.CONTACT}, False),
        ({"goal": Goal.REVIVE_LEAD}, True),
        ({"goal": Goal.MEET_LEAD}, False),
        ({"trigger": "lead_inactive"}, True),
        ({"trigger": "lead_hot"}, False),
        ({"tool": "create_followup"}, False),
        ({"until": NOW - timedelta(seconds=1)}, False),
    ],
)
def test_what_a_silence_bars(cast: Cast, scope: dict[str, object], is_barred: bool) -> None:
    suggested(cast.rep)
    Suggestion.objects.all().delete()
    batch = awaiting()
    Silence.objects.create(**{"until": NOW + timedelta(days=1), **scope})
    assert barred_meanwhile(batch, NOW) == (set(batch) if is_barred else set())


def test_one_that_is_open_again_bars_another_in_any_such_state(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    put_in(suggestion, State.REJECTED, cast.rep)
    (fresh,) = awaiting()
    for state in (State.PENDING, State.SNOOZED, State.APPROVED):
        put_in(suggestion, state, cast.rep)
        assert barred_meanwhile([fresh], NOW) == {fresh}
    put_in(suggestion, State.FAILED, cast.rep)
    assert barred_meanwhile([fresh], NOW) == set()
    # One that is to be refreshed does not stand in its own way.
    put_in(suggestion, State.PENDING, cast.rep)
    again = replace(fresh, suggestion_id=suggestion.pk)
    assert barred_meanwhile([again], NOW) == set()
