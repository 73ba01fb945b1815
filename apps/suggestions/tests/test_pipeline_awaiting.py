"""What awaits a suggestion: silences, folded signals, and a constant number of queries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditEntry
from apps.brain.models import BrainCall
from apps.conftest import Cast
from apps.crm.models import Lead
from apps.crm.tests.factories import (
    ActivityFactory,
    ContactFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.cases import LONG_AGO, NOW, awaiting, quiet_lead, scan
from apps.triggers.models import Signal, Silence

SOON = NOW + timedelta(hours=1)


def silence(**values: Any) -> None:
    Silence.objects.create(**{"until": SOON, **values})


@pytest.mark.parametrize(
    ("values", "is_made"),
    [
        ({}, False),
        ({"record_kind": "lead"}, False),
        ({"record_kind": "task"}, True),
        ({"goal": "revive_lead"}, False),
        ({"goal": "move_deal"}, True),
        ({"trigger": "lead_inactive"}, False),
        ({"trigger": "deal_stalled"}, True),
        ({"tool": "create_followup"}, False),
        ({"tool": "update_task"}, True),
        ({"tool": "create_followup", "record_kind": "task"}, True),
        ({"tool": "create_followup", "trigger": "deal_stalled"}, True),
        ({"tool": "create_followup", "trigger": "lead_inactive"}, False),
        ({"until": NOW}, True),
    ],
)
def test_what_a_silence_covers(cast: Cast, values: dict[str, Any], is_made: bool) -> None:
    quiet_lead(cast.rep)
    silence(**values)
    assert scan().suggestions_created == int(is_made)
    assert Signal.objects.firing().count() == 1


@pytest.mark.parametrize(
    ("values", "is_made"),
    [
        ({}, False),
        ({"goal": "revive_lead"}, False),
        ({"goal": "plan_next_step"}, True),
        ({"trigger": "task_overdue"}, True),
        ({"tool": "create_followup"}, False),
        ({"tool": "create_lead"}, True),
    ],
)
def test_a_silence_of_one_record(cast: Cast, values: dict[str, Any], is_made: bool) -> None:
    silenced, other = quiet_lead(cast.rep), quiet_lead(cast.rep)
    silence(record_kind="lead", record_id=silenced.pk, **values)
    silence(record_kind="task", record_id=other.pk)
    scan()
    made = set(Suggestion.objects.values_list("record_id", flat=True))
    assert made == ({silenced.pk, other.pk} if is_made else {other.pk})


def test_the_end_of_a_silence_is_its_end(cast: Cast) -> None:
    quiet_lead(cast.rep)
    silence()
    assert scan(timedelta(minutes=59, seconds=59)).suggestions_created == 0
    assert scan(timedelta(hours=1)).suggestions_created == 1


def test_a_dropped_proposal_is_on_record_with_its_code(cast: Cast) -> None:
    quiet_lead(cast.rep), quiet_lead(cast.rep)
    silence(tool="create_followup")
    scan()
    entry = AuditEntry.objects.get(event="proposal.dropped")
    assert (entry.details, entry.record_id) == ({"tool_not_allowed": 2}, None)


def test_signals_of_one_record_and_goal_fold_into_one(cast: Cast) -> None:
    lead = quiet_lead(cast.rep)
    scan()
    Suggestion.objects.all().delete()
    Signal.objects.create(
        trigger="another", goal="revive_lead", record_kind="lead", record_id=lead.pk, severity=3
    )
    Signal.objects.create(
        trigger="third", goal="move_deal", record_kind="lead", record_id=lead.pk, severity=1
    )
    assert [(one.goal, one.urgency, len(one.signal_ids)) for one in awaiting()] == [
        ("revive_lead", 3, 2),
        ("move_deal", 1, 1),
    ]


def test_the_suggestion_is_linked_to_its_signals(cast: Cast) -> None:
    quiet_lead(cast.rep)
    scan()
    assert [signal.trigger for signal in Suggestion.objects.get().signals.all()] == [
        "lead_inactive"
    ]


def test_nothing_new_means_nothing_asked_and_nothing_written(cast: Cast) -> None:
    quiet_lead(cast.rep)
    scan()
    before = list(Suggestion.objects.values())
    ledger = scan(timedelta(minutes=1))
    assert (ledger.suggestions_created, ledger.suggestions_refreshed) == (0, 0)
    assert list(Suggestion.objects.values()) == before
    assert BrainCall.objects.count() == 1


def test_a_changed_record_refreshes_the_waiting_one(cast: Cast) -> None:
    quiet_lead(cast.rep, company="Before")
    scan()
    old = Suggestion.objects.get()
    Lead.objects.update(company="After", estimated_value=5000)
    later = NOW + timedelta(minutes=1)
    assert scan(timedelta(minutes=1)).suggestions_refreshed == 1
    new = Suggestion.objects.get()
    assert (new.pk, new.created_at, new.refreshed_at, new.queued_at) == (
        old.pk, old.created_at, later, old.queued_at,
    )  # fmt: skip
    assert new.value_at_stake == 5000
    assert new.rank > old.rank
    assert new.expires_at == later + timedelta(days=14)
    assert "After" in str(new.facts)


def test_a_record_that_is_gone_leaves_no_suggestion(cast: Cast) -> None:
    lead = quiet_lead(cast.rep)
    scan()
    Signal.objects.update(record_id=lead.pk + 1000, refreshed_at=NOW + timedelta(hours=1))
    Suggestion.objects.all().delete()
    assert awaiting() == []
    # The scan clears the signal of the record that is gone, and makes the suggestion of the other.
    assert scan(timedelta(minutes=1)).suggestions_created == 1
    assert Suggestion.objects.get().record_id == lead.pk


def one_of_each(cast: Cast) -> None:
    quiet_lead(cast.rep)
    deal = OpportunityFactory(owner=cast.rep, stage_entered_at=LONG_AGO - timedelta(days=60))
    TaskFactory(owner=cast.rep, due_on=LONG_AGO.date(), account=deal.account)
    ActivityFactory(
        owner=cast.rep,
        activity_kind="meeting",
        opportunity=OpportunityFactory(owner=cast.rep),
        occurred_at=NOW - timedelta(days=6),
    )
    ActivityFactory(
        owner=cast.rep,
        counterpart_address=f"stranger{Lead.objects.count()}@elsewhere.example",
        occurred_at=NOW - timedelta(days=2),
    )
    ActivityFactory(
        owner=cast.rep,
        contact=ContactFactory(owner=cast.rep, phone="1"),
        occurred_at=NOW - timedelta(days=1),
        stated_details={"phone": "+1 555 0123"},
    )


def test_the_number_of_statements_does_not_grow_with_the_records(cast: Cast) -> None:
    scan()  # the first one ever makes the rows in which triggers note how far they have looked
    counts = []
    for times in (1, 3):
        Suggestion.objects.all().delete()
        Signal.objects.all().delete()
        for _ in range(times):
            one_of_each(cast)
        with CaptureQueriesContext(connection) as queries:
            ledger = scan()
        counts.append(len(queries))
    assert ledger.suggestions_created == 24
    assert counts[0] == counts[1]
