"""Nothing that a record holds, and no secret, gets into the audit log."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from apps.audit.models import AuditEntry
from apps.conftest import Cast
from apps.crm.models import Contact, Lead
from apps.crm.tests.factories import (
    ActivityFactory,
    ContactFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.execution.exceptions import StaleError
from apps.suggestions.enums import RejectReason
from apps.suggestions.models import Suggestion
from apps.suggestions.pipeline.run import keep_true
from apps.suggestions.services import approve, rebase, reject, reopen, snooze
from apps.suggestions.tests.cases import LONG_AGO, NOW, quiet_lead, scan
from apps.triggers.models import TriggerSetting

MARK = "zq7marker"
ADDRESS = f"{MARK}@strangers.example"


def records_full_of_markers(cast: Cast) -> None:
    """Records that fire every trigger, with the marker in each text that a person typed."""
    quiet_lead(
        cast.rep, first_name=MARK, last_name=MARK, company=MARK, notes=MARK, phone=MARK, title=MARK
    )
    deal = OpportunityFactory(
        owner=cast.rep,
        name=MARK,
        notes=MARK,
        next_step=MARK,
        stage_entered_at=LONG_AGO - timedelta(60),
    )
    TaskFactory(owner=cast.rep, title=MARK, description=MARK, due_on=LONG_AGO.date())
    talk_about = OpportunityFactory(owner=cast.rep, name=f"{MARK} talk", account=deal.account)
    ActivityFactory(
        owner=cast.rep,
        activity_kind="meeting",
        opportunity=talk_about,
        occurred_at=NOW - timedelta(days=6),
        subject=MARK,
        body=MARK,
    )
    ActivityFactory(
        owner=cast.rep,
        counterpart_address=ADDRESS,
        counterpart_name=f"{MARK} {MARK}",
        occurred_at=NOW - timedelta(days=2),
        subject=MARK,
        body=MARK,
        stated_details={"phone": MARK, "company": MARK},
    )
    contact = ContactFactory(owner=cast.rep, first_name=MARK, last_name=MARK, title=f"{MARK} old")
    ActivityFactory(
        owner=cast.rep,
        contact=contact,
        occurred_at=NOW - timedelta(days=1),
        stated_details={"title": f"{MARK} new", "phone": "+1 555 0123"},
    )


def test_no_value_of_a_record_is_in_any_entry(cast: Cast) -> None:
    records_full_of_markers(cast)
    assert scan().suggestions_created == 6
    by_goal = {row.goal: row for row in Suggestion.objects.all()}
    assert all(MARK in row.title for row in by_goal.values())

    approve(suggestion_id=by_goal["identify_sender"].pk, user=cast.rep, now=NOW)
    approve(suggestion_id=by_goal["clear_task"].pk, user=cast.rep, now=NOW)
    approve(suggestion_id=by_goal["plan_next_step"].pk, user=cast.rep, now=NOW)
    reject(
        suggestion_id=by_goal["revive_lead"].pk,
        user=cast.rep,
        reason=RejectReason.NOT_NEEDED,
        note=MARK,
        now=NOW,
    )
    reopen(suggestion_id=by_goal["revive_lead"].pk, user=cast.rep, now=NOW)
    snooze(
        suggestion_id=by_goal["move_deal"].pk,
        user=cast.rep,
        until=NOW + timedelta(days=1),
        now=NOW,
    )
    Contact.objects.update(title=f"{MARK} other")
    with pytest.raises(StaleError) as caught:
        approve(suggestion_id=by_goal["correct_contact"].pk, user=cast.rep, now=NOW)
    assert MARK in str(caught.value.extras)
    rebase(suggestion_id=by_goal["correct_contact"].pk, user=cast.rep, now=NOW)
    TriggerSetting.objects.create(trigger="lead_inactive", parameters={"silent_days": MARK})
    scan(timedelta(minutes=1))
    keep_true(NOW + timedelta(days=2))
    keep_true(NOW + timedelta(days=40))

    entries = list(AuditEntry.objects.values())
    events = {entry["event"] for entry in entries}
    assert events >= {
        "signal.fired", "scan.started", "scan.finished", "brain.called", "suggestion.created",
        "suggestion.approved", "suggestion.stale", "suggestion.rebased", "suggestion.rejected",
        "suggestion.reopened", "suggestion.snoozed", "execution.succeeded", "suggestion.expired",
        "suggestion.woken",
    }  # fmt: skip
    calls = [entry["details"] for entry in entries if entry["event"] == "brain.called"]
    # The built-in rules cost nothing, and that is said.
    assert {
        (call["model"], call["tokens_in"], call["tokens_out"], call["cost_usd"]) for call in calls
    } == {("", 0, 0, "0")}
    assert MARK not in json.dumps(entries, default=str)
    # The marker was there to be leaked.
    assert Lead.objects.filter(email=ADDRESS).exists()
