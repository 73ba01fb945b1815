"""The one road to a write: permission, comparison, once, everything on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from apps.audit.models import AuditEntry
from apps.audit.services import acting
from apps.conftest import Cast
from apps.crm.enums import RecordKind
from apps.crm.models import Activity, ChangeLog, Contact, Lead, Task
from apps.crm.tests.factories import (
    ActivityFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.execution.enums import ExecutionStatus, Verdict
from apps.execution.exceptions import (
    AlreadyAppliedError,
    InvalidArgumentsError,
    PermissionRefusedError,
    RecordGoneError,
    StaleError,
    UnknownToolError,
)
from apps.execution.models import Execution, PolicyDecision
from apps.execution.policy import POLICY_VERSION, PolicyAnswer, decide
from apps.execution.reading import read_seen, read_seen_many
from apps.execution.schemas import (
    ApprovedChange,
    ApprovedUndo,
    JsonValue,
    RecordRef,
    Seen,
    ValueMoved,
)
from apps.execution.services import apply_change, find_moved, record_failure
from apps.execution.tests.factories import NOW, approved
from apps.execution.tools import registry
from apps.tenants.models import Tenant
from apps.users.models import User


def apply(change: ApprovedChange) -> Execution:
    """Apply as the review does: inside a transaction in which the change log names the actor."""
    with acting(change.actor):
        return apply_change(change, now=NOW)


def followup(lead: Lead, **changes: JsonValue) -> dict[str, JsonValue]:
    return {
        "subject_kind": "lead",
        "subject_id": lead.pk,
        "about_kind": "lead",
        "about_id": lead.pk,
        "title": "Call Ana",
        "due_on": "2026-03-03",
        **changes,
    }


def test_fault_01_an_approved_change_is_written_with_its_approver(cast: Cast) -> None:
    contact = ContactFactory(owner=cast.rep, phone="+1 555 0100", title="Buyer")
    change = approved(
        "update_contact", {"contact_id": contact.pk, "phone": "+1 555 0123"}, cast.rep
    )
    execution = apply(change)
    contact.refresh_from_db()
    assert (contact.phone, contact.title, contact.revision) == ("+1 555 0123", "Buyer", 2)
    row = ChangeLog.objects.of_record("contact", contact.pk).first()
    assert row is not None
    assert (row.changes, row.actor_id, row.actor_name, row.origin) == (
        {"phone": ["+1 555 0100", "+1 555 0123"]},
        cast.rep.pk,
        "Rita Rep",
        "person",
    )
    assert execution.approved_by == cast.rep


def test_fault_04_the_execution_says_everything(cast: Cast) -> None:
    contact = ContactFactory(owner=cast.rep, phone="+1 555 0100")
    apply(approved("update_contact", {"contact_id": contact.pk, "phone": "1"}, cast.rep))
    row = Execution.objects.get()
    assert (row.tool, row.arguments) == (
        "update_contact",
        {"contact_id": contact.pk, "phone": "1"},
    )
    assert (row.record_kind, row.record_id, row.status) == ("contact", contact.pk, "succeeded")
    assert row.before_values == {f"contact:{contact.pk}": {"phone": "+1 555 0100"}}
    assert row.after_values == {"phone": "1"}
    assert (row.approved_by, row.approved_at, row.started_at, row.finished_at) == (
        cast.rep, NOW, NOW, NOW,
    )  # fmt: skip
    decision = row.policy_decision
    assert (decision.tool, decision.verdict, decision.policy_version, decision.decided_at) == (
        "update_contact", Verdict.PERSON_MUST_DECIDE, POLICY_VERSION, NOW,
    )  # fmt: skip


def test_the_audit_entry_names_fields_and_no_values(cast: Cast) -> None:
    contact = ContactFactory(owner=cast.rep)
    execution = apply(
        approved(
            "update_contact",
            {"contact_id": contact.pk, "phone": "secret"},
            cast.rep,
            suggestion_id=7,
        )
    )
    entry = AuditEntry.objects.get(event="execution.succeeded")
    assert (entry.actor_id, entry.origin, entry.record_kind, entry.record_id) == (
        cast.rep.pk, "person", "contact", contact.pk,
    )  # fmt: skip
    assert (entry.suggestion_id, entry.execution_id) == (7, execution.pk)
    assert entry.details == {"tool": "update_contact", "fields": ["phone"]}


def test_a_new_task_hangs_on_its_record(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep)
    execution = apply(
        approved("create_followup", followup(lead, owner_id=cast.rep.pk, priority=4), cast.rep)
    )
    task = Task.objects.get()
    assert (task.title, task.due_on, task.priority, task.status) == (
        "Call Ana", date(2026, 3, 3), 4, "open",
    )  # fmt: skip
    assert (task.lead, task.owner, task.opportunity, task.contact) == (lead, cast.rep, None, None)
    assert (execution.record_kind, execution.record_id) == ("task", task.pk)


@pytest.mark.parametrize("subject", ["lead", "contact", "opportunity"])
def test_a_task_about_each_kind(cast: Cast, subject: str) -> None:
    makers: dict[str, Any] = {
        "lead": LeadFactory, "contact": ContactFactory, "opportunity": OpportunityFactory,
    }  # fmt: skip
    record = makers[subject](owner=cast.rep)
    arguments: dict[str, JsonValue] = {
        "subject_kind": subject,
        "subject_id": record.pk,
        "about_kind": subject,
        "about_id": record.pk,
        "title": "Take it further",
        "due_on": "2026-03-03",
    }
    apply(approved("create_followup", arguments, cast.rep))
    assert getattr(Task.objects.get(), subject) == record


def test_a_new_lead_takes_over_its_messages(cast: Cast) -> None:
    first = ActivityFactory(owner=cast.rep, counterpart_address="Ana@Isdom.com")
    second = ActivityFactory(owner=cast.rep, counterpart_address="ana@isdom.com")
    stranger = ActivityFactory(owner=cast.rep, counterpart_address="bob@isdom.com")
    deal = OpportunityFactory()
    placed = ActivityFactory(counterpart_address="ana@isdom.com", opportunity=deal)
    apply(
        approved(
            "create_lead",
            {"activity_id": first.pk, "email": "ana@isdom.com", "first_name": "Ana"},
            cast.rep,
        )
    )
    lead = Lead.objects.get()
    assert (lead.first_name, lead.status, lead.source, lead.owner) == ("Ana", "new", "", None)
    assert set(lead.activities.values_list("pk", flat=True)) == {first.pk, second.pk}
    assert lead.last_activity_at == first.occurred_at
    for other in (stranger, placed):
        other.refresh_from_db()
        assert other.lead is None
    # What was left empty was not written down as a field that was given a value.
    assert AuditEntry.objects.get(event="execution.succeeded").details == {
        "tool": "create_lead",
        "fields": ["email", "first_name", "lead_source"],
    }


def test_completion_is_dated(cast: Cast) -> None:
    done, cancelled = TaskFactory(owner=cast.rep), TaskFactory(owner=cast.rep)
    apply(approved("update_task", {"task_id": done.pk, "status": "done"}, cast.rep))
    apply(
        approved(
            "update_task",
            {"task_id": cancelled.pk, "status": "cancelled"},
            cast.rep,
            idempotency_key="test:2",
        )
    )
    done.refresh_from_db()
    cancelled.refresh_from_db()
    assert (done.status, done.completed_at is not None) == ("done", True)
    assert (cancelled.status, cancelled.completed_at) == ("cancelled", None)


def test_an_unknown_tool_and_wrong_arguments_write_nothing(cast: Cast) -> None:
    contact = ContactFactory(owner=cast.rep, phone="1")
    change = approved("update_contact", {"contact_id": contact.pk, "phone": "2"}, cast.rep)
    values = {name: getattr(change, name) for name in ApprovedChange.__dataclass_fields__}
    with pytest.raises(UnknownToolError):
        apply(ApprovedChange(**{**values, "tool": "update_contacts"}))
    with pytest.raises(InvalidArgumentsError):
        apply(ApprovedChange(**{**values, "arguments": {"contact_id": contact.pk, "tel": "2"}}))
    contact.refresh_from_db()
    assert (contact.phone, Execution.objects.count()) == ("1", 0)


def refused(change: ApprovedChange) -> None:
    with pytest.raises(PermissionRefusedError) as caught:
        apply(change)
    assert (caught.value.code, caught.value.status) == ("permission_refused", 403)
    assert (Execution.objects.count(), PolicyDecision.objects.count()) == (0, 0)


def test_who_lacks_the_tools_permission_is_refused(cast: Cast) -> None:
    contact = ContactFactory(owner=cast.rep, phone="1")
    visitor = User.objects.create(username="visitor", team=cast.team)
    refused(approved("update_contact", {"contact_id": contact.pk, "phone": "2"}, visitor))


def test_who_has_left_is_refused(cast: Cast) -> None:
    contact = ContactFactory(owner=cast.rep, phone="1")
    cast.rep.is_active = False
    refused(approved("update_contact", {"contact_id": contact.pk, "phone": "2"}, cast.rep))


@pytest.mark.parametrize(
    ("who", "may"), [("teammate", True), ("outsider", False), ("manager", True)]
)
def test_only_who_sees_the_record_may_change_it(cast: Cast, who: str, may: bool) -> None:
    contact = ContactFactory(owner=cast.rep, phone="1")
    change = approved(
        "update_contact", {"contact_id": contact.pk, "phone": "2"}, getattr(cast, who)
    )
    if may:
        apply(change)
    else:
        refused(change)
    contact.refresh_from_db()
    assert contact.phone == ("2" if may else "1")


def test_every_mentioned_record_must_be_seen(cast: Cast) -> None:
    talk = ActivityFactory(owner=cast.rep, opportunity=OpportunityFactory(owner=cast.rep))
    hidden = OpportunityFactory(owner=cast.outsider)
    refused(
        approved(
            "create_followup",
            {
                "subject_kind": "activity",
                "subject_id": talk.pk,
                "about_kind": "opportunity",
                "about_id": hidden.pk,
                "title": "Take it further",
                "due_on": "2026-03-03",
            },
            cast.rep,
        )
    )
    assert Task.objects.count() == 0


def test_a_changed_before_value_is_stale(cast: Cast) -> None:
    contact = ContactFactory(owner=cast.rep, phone="1")
    change = approved("update_contact", {"contact_id": contact.pk, "phone": "2"}, cast.rep)
    Contact.objects.filter(pk=contact.pk).update(phone="3")
    with pytest.raises(StaleError) as caught:
        apply(change)
    assert (caught.value.code, caught.value.status) == ("stale", 409)
    assert caught.value.extras == {
        "changes": [{"record": f"contact:{contact.pk}", "field": "phone", "seen": "1", "now": "3"}]
    }
    contact.refresh_from_db()
    assert (contact.phone, Execution.objects.count()) == ("3", 0)
    assert find_moved(change.seen) == caught.value.moved


def test_a_changed_guard_is_stale(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep, status="working")
    change = approved("create_followup", followup(lead), cast.rep)
    Lead.objects.filter(pk=lead.pk).update(do_not_contact=True, status="qualified")
    with pytest.raises(StaleError) as caught:
        apply(change)
    assert [(row["field"], row["seen"], row["now"]) for row in caught.value.extras["changes"]] == [
        ("status", "working", "qualified"),
        ("do_not_contact", False, True),
    ]
    assert Task.objects.count() == 0


@pytest.mark.parametrize(
    ("left_out", "name", "now"), [("before", "phone", "1"), ("guards", "do_not_contact", False)]
)
def test_what_was_never_seen_is_not_replaced(
    cast: Cast, left_out: str, name: str, now: JsonValue
) -> None:
    """As when the tool has come to write or guard one more field, or a row came there by another way."""
    contact = ContactFactory(owner=cast.rep, phone="1", title="Buyer")
    arguments: dict[str, JsonValue] = {"contact_id": contact.pk, "phone": "2", "title": "Owner"}
    change = approved("update_contact", arguments, cast.rep)
    seen = {key: dict(values) for key, values in getattr(change.seen, left_out).items()}
    del seen[f"contact:{contact.pk}"][name]
    with pytest.raises(StaleError) as caught:
        apply(replace(change, seen=replace(change.seen, **{left_out: seen})))
    assert caught.value.moved == [
        ValueMoved(RecordRef(RecordKind.CONTACT, contact.pk), name, None, now)
    ]
    contact.refresh_from_db()
    assert (contact.phone, contact.title, Execution.objects.count()) == ("1", "Buyer", 0)


def test_another_field_and_a_logged_call_are_not(cast: Cast) -> None:
    contact = ContactFactory(owner=cast.rep, phone="1", title="Buyer")
    change = approved("update_contact", {"contact_id": contact.pk, "phone": "2"}, cast.rep)
    Contact.objects.filter(pk=contact.pk).update(title="Head of buying", notes="Called in.")
    ActivityFactory(contact=contact, activity_kind="call")
    apply(change)
    contact.refresh_from_db()
    assert (contact.phone, contact.title, contact.notes) == ("2", "Head of buying", "Called in.")


def test_dates_and_references_compare_as_they_are_stored(cast: Cast) -> None:
    task = TaskFactory(owner=cast.rep, due_on=date(2026, 1, 31))
    change = approved("update_task", {"task_id": task.pk, "due_on": "2026-03-12"}, cast.rep)
    assert change.seen == Seen(
        before={f"task:{task.pk}": {"due_on": "2026-01-31"}},
        guards={
            f"task:{task.pk}": {"status": "open", "due_on": "2026-01-31", "owner_id": cast.rep.pk}
        },
    )
    assert find_moved(change.seen) == []
    apply(change)
    task.refresh_from_db()
    assert task.due_on == date(2026, 3, 12)


def test_a_record_that_is_gone(cast: Cast) -> None:
    contact = ContactFactory(owner=cast.rep)
    change = approved("update_contact", {"contact_id": contact.pk, "phone": "2"}, cast.rep)
    Contact.objects.filter(pk=contact.pk).delete()
    with pytest.raises(RecordGoneError):
        find_moved(change.seen)
    with pytest.raises(RecordGoneError):
        apply(change)
    tool = registry.get("update_contact")
    with pytest.raises(RecordGoneError):
        read_seen(tool, tool.parse(change.arguments))


def test_what_is_seen_is_read_in_one_query_for_each_kind(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    contacts, tasks = ContactFactory.create_batch(3), TaskFactory.create_batch(3)
    update_contact, update_task = registry.get("update_contact"), registry.get("update_task")
    changes = [
        *(
            (update_contact, update_contact.parse({"contact_id": c.pk, "phone": "2"}))
            for c in contacts
        ),
        *((update_task, update_task.parse({"task_id": t.pk, "priority": 3})) for t in tasks),
        (update_task, update_task.parse({"task_id": 10**9, "priority": 3})),
    ]
    with django_assert_num_queries(2):
        seen = read_seen_many(changes)
    assert [one is None for one in seen] == [False] * 6 + [True]


def test_the_same_key_applies_once(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep)
    change = approved("create_followup", followup(lead), cast.rep)
    apply(change)
    with pytest.raises(AlreadyAppliedError):
        apply(change)
    assert (Task.objects.count(), Execution.objects.count()) == (1, 1)
    assert PolicyDecision.objects.count() == 1
    assert AuditEntry.objects.filter(event="execution.succeeded").count() == 1


def test_fault_06_failures_are_kept_and_do_not_use_up_the_key(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep)
    change = approved("create_followup", followup(lead), cast.rep)
    for _ in range(2):
        record_failure(change, code="OperationalError", message="the database refused it.", now=NOW)
    apply(change)
    rows = Execution.objects.order_by("id").values_list("status", "error_code", "record_kind")
    assert list(rows) == [
        ("failed", "OperationalError", "lead"),
        ("failed", "OperationalError", "lead"),
        ("succeeded", "", "task"),
    ]
    assert AuditEntry.objects.filter(event="execution.failed").count() == 2


def test_policy_has_one_answer_whatever_the_tool_or_the_settings(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep)
    change = approved("create_followup", followup(lead), cast.rep)
    undo = ApprovedUndo(1, cast.rep, NOW, change.actor, None)
    expected = PolicyAnswer(Verdict.PERSON_MUST_DECIDE, POLICY_VERSION)
    Tenant.objects.update(undo_days=1, suggestions_per_day=200, silence_days=1)
    tools = registry.all()
    assert [decide(replace(change, tool=tool.key)) for tool in tools] == [expected] * len(tools)
    assert decide(undo) == expected


def test_the_database_knows_no_other_answer(cast: Cast) -> None:
    with pytest.raises(IntegrityError, match="policy_verdict_is_known"):
        PolicyDecision.objects.create(
            decided_at=NOW, tool="x", verdict="automatic", policy_version=1
        )


@pytest.fixture
def one_execution(cast: Cast) -> Execution:
    lead = LeadFactory(owner=cast.rep)
    return apply(approved("create_followup", followup(lead), cast.rep))


@pytest.mark.parametrize("column", ["policy_decision", "approved_by", "approved_at"])
def test_the_database_wants_approver_and_policy_decision(
    one_execution: Execution, column: str
) -> None:
    one_execution.pk = None
    setattr(one_execution, column, None)
    with pytest.raises(IntegrityError, match="not-null"), transaction.atomic():
        one_execution.save()


def test_the_database_knows_the_statuses(one_execution: Execution) -> None:
    one_execution.pk = None
    one_execution.status = "maybe"
    with pytest.raises(IntegrityError, match="execution_status_is_known"), transaction.atomic():
        one_execution.save()
    assert set(ExecutionStatus.values) == {"succeeded", "failed"}


def test_the_database_lets_one_success_stand_for_each_key(one_execution: Execution) -> None:
    one_execution.pk = None
    one_execution.policy_decision = PolicyDecision.objects.create(
        decided_at=NOW, tool="x", verdict=Verdict.PERSON_MUST_DECIDE, policy_version=1
    )
    with (
        pytest.raises(IntegrityError, match="one_success_per_idempotency_key"),
        transaction.atomic(),
    ):
        one_execution.save()
    one_execution.status = ExecutionStatus.FAILED
    one_execution.save()


def test_one_policy_decision_serves_one_execution(one_execution: Execution) -> None:
    one_execution.pk = None
    one_execution.idempotency_key = "test:2"
    with pytest.raises(IntegrityError, match="policy_decision_id"), transaction.atomic():
        one_execution.save()


def test_a_message_that_was_placed_meanwhile_is_stale(cast: Cast) -> None:
    mail = ActivityFactory(owner=cast.rep, counterpart_address="ana@isdom.com")
    change = approved("create_lead", {"activity_id": mail.pk, "email": "ana@isdom.com"}, cast.rep)
    known = LeadFactory(owner=cast.rep)
    Activity.objects.filter(pk=mail.pk).update(lead=known)
    with pytest.raises(StaleError):
        apply(change)
    assert Lead.objects.count() == 1


def test_an_older_moment_of_approval_is_kept(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep)
    earlier = NOW - timedelta(minutes=1)
    execution = apply(approved("create_followup", followup(lead), cast.rep, approved_at=earlier))
    assert (execution.approved_at, execution.finished_at) == (earlier, NOW)
