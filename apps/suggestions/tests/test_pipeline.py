"""From a signal to a suggestion: one for each record and goal, with evidence, silenced when decided."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.conftest import Cast
from apps.crm.enums import Direction
from apps.crm.models import Lead, Task
from apps.crm.tests.factories import (
    ActivityFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.suggestions.enums import RejectReason, State
from apps.suggestions.models import Suggestion
from apps.suggestions.services import approve, reject
from apps.tenants.models import Tenant
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.models import Scan, Signal, TriggerSetting
from apps.triggers.services import scan_now

NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=30)


def scan(after: timedelta = timedelta()) -> Scan:
    return scan_now(kind=ScanKind.FULL, now=NOW + after)


def test_a_quiet_lead_becomes_one_suggestion_with_cited_evidence(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep, first_name="Ana", last_name="Lopez", created_at=LONG_AGO)
    ActivityFactory(lead=lead, occurred_at=LONG_AGO, subject="Re: pricing")
    ledger = scan()
    assert ledger.status == ScanStatus.SUCCEEDED
    assert ledger.suggestions_created == 1
    suggestion = Suggestion.objects.get()
    assert (suggestion.record_kind, suggestion.record_id) == ("lead", lead.pk)
    assert suggestion.assignee == cast.rep
    assert suggestion.tool == "create_followup"
    assert suggestion.title == "Write to Ana Lopez of Lead Works"
    assert suggestion.held_back == ""
    numbers = {fact["number"] for fact in suggestion.facts}
    assert all(set(claim["facts"]) <= numbers for claim in suggestion.evidence)
    assert len(suggestion.evidence) >= 2
    assert suggestion.confidence is None


def test_a_followup_is_due_on_the_tenants_next_working_day(cast: Cast, acme: Tenant) -> None:
    today = NOW.astimezone(acme.zone).date()
    tomorrow, then = today + timedelta(days=1), today + timedelta(days=2)
    Tenant.objects.filter(pk=acme.pk).update(holidays=[tomorrow])
    LeadFactory(owner=cast.rep, created_at=LONG_AGO)
    scan()
    assert Suggestion.objects.get().arguments["due_on"] == then.isoformat()


def test_a_rescan_makes_no_second_one(cast: Cast) -> None:
    LeadFactory(owner=cast.rep, created_at=LONG_AGO)
    scan()
    second = scan(timedelta(hours=1))
    assert (second.suggestions_created, Suggestion.objects.count()) == (0, 1)
    assert Signal.objects.count() == 1


def test_another_setting_refreshes_what_goes_on_firing(cast: Cast) -> None:
    LeadFactory(owner=cast.rep, created_at=LONG_AGO)
    scan()
    TriggerSetting.objects.create(trigger="lead_inactive", parameters={"silent_days": 21})
    ledger = scan(timedelta(hours=1))
    assert (ledger.suggestions_created, ledger.suggestions_refreshed) == (0, 1)
    went_by = Signal.objects.get().parameters
    assert went_by == {"silent_days": 21, "past_reviving_days": 120}
    assert Suggestion.objects.get().refreshed_at == NOW + timedelta(hours=1)


def test_clearing_withdraws(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep, created_at=LONG_AGO)
    scan()
    ActivityFactory(
        lead=lead, occurred_at=timezone.now() - timedelta(minutes=1), direction=Direction.OUTBOUND
    )
    ledger = scan(timedelta(minutes=5))
    assert ledger.suggestions_withdrawn == 1
    assert Suggestion.objects.get().state == State.WITHDRAWN
    assert Signal.objects.firing().count() == 0


def test_approving_writes_once_and_is_on_record(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep, created_at=LONG_AGO)
    scan()
    suggestion = approve(suggestion_id=Suggestion.objects.get().pk, user=cast.rep, now=NOW)
    task = Task.objects.get(lead=lead)
    assert (suggestion.state, suggestion.reviewed_by, suggestion.applied_at) == (
        State.APPLIED,
        cast.rep,
        NOW,
    )
    assert task.owner == cast.rep
    assert suggestion.execution is not None
    assert suggestion.execution.record_id == task.pk
    events = list(AuditEntry.objects.of_suggestion(suggestion.pk).values_list("event", flat=True))
    assert events == ["suggestion.created", "suggestion.approved", "execution.succeeded"]


def test_what_was_rejected_stays_away_within_its_silence(cast: Cast) -> None:
    LeadFactory(owner=cast.rep, created_at=LONG_AGO)
    scan()
    reject(
        suggestion_id=Suggestion.objects.get().pk,
        user=cast.rep,
        reason=RejectReason.BAD_TIMING,
        now=NOW,
    )
    assert scan(timedelta(days=1)).suggestions_created == 0
    assert scan(timedelta(days=31)).suggestions_created == 1


def test_all_four_tools_come_out_of_the_six_triggers(cast: Cast) -> None:
    LeadFactory(owner=cast.rep, created_at=LONG_AGO)
    OpportunityFactory(owner=cast.rep, stage_entered_at=NOW - timedelta(days=90))
    TaskFactory(owner=cast.rep, due_on=(NOW - timedelta(days=10)).date())
    ActivityFactory(
        owner=cast.rep,
        activity_kind="meeting",
        opportunity=OpportunityFactory(owner=cast.rep),
        occurred_at=NOW - timedelta(days=6),
        subject="Demo",
    )
    ActivityFactory(
        owner=cast.rep,
        counterpart_address="Maria.Silva@novacorp.com",
        counterpart_name="Maria Silva",
        occurred_at=NOW - timedelta(days=1),
        stated_details={"phone": "+1 555 0100"},
    )
    contact = ContactFactory(owner=cast.rep, phone="+1 555 0199")
    ActivityFactory(
        owner=cast.rep,
        contact=contact,
        occurred_at=NOW - timedelta(days=1),
        stated_details={"phone": "+1 (555) 0123"},
    )
    ledger = scan()
    assert ledger.error == ""
    made = {row.goal: row.tool for row in Suggestion.objects.all()}
    assert made == {
        "revive_lead": "create_followup",
        "move_deal": "create_followup",
        "clear_task": "update_task",
        "plan_next_step": "create_followup",
        "identify_sender": "create_lead",
        "correct_contact": "update_contact",
    }
    for suggestion in Suggestion.objects.all():
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    contact.refresh_from_db()
    assert contact.phone == "+1 (555) 0123"
    lead = Lead.objects.get(email="maria.silva@novacorp.com")
    assert (lead.first_name, lead.last_name, lead.company) == ("Maria", "Silva", "Novacorp")
    assert lead.activities.count() == 1
    # What was approved is done; the lead that was made is to be contacted next.
    assert scan(timedelta(hours=1)).suggestions_created == 1
    waiting = Suggestion.objects.get(state=State.PENDING)
    assert (waiting.goal, waiting.record_id) == ("meet_lead", lead.pk)
