"""Undo: the same road back, field by field, once, within the company's days."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.audit.models import AuditEntry
from apps.audit.schemas import Actor
from apps.audit.services import acting
from apps.conftest import Cast
from apps.crm.models import Activity, ChangeLog, Contact, Lead, Task
from apps.crm.tests.factories import ActivityFactory, ContactFactory, LeadFactory, TaskFactory
from apps.execution.exceptions import (
    AlreadyUndoneError,
    NotReversibleError,
    PermissionRefusedError,
    RecordGoneError,
    UndoConflictError,
    UndoWindowError,
)
from apps.execution.models import Execution
from apps.execution.schemas import ApprovedChange, ApprovedUndo
from apps.execution.services import apply_change, plan_undo, record_failure, undo_change
from apps.execution.tests.factories import NOW, approved
from apps.tenants.models import Tenant
from apps.users.models import User

LATER = NOW + timedelta(days=2)


def apply(change: ApprovedChange) -> Execution:
    with acting(change.actor):
        return apply_change(change, now=NOW)


def undo(execution: Execution, by: User, *, now: object = LATER) -> Execution:
    wish = ApprovedUndo(execution.pk, by, LATER, Actor.for_person(by), 7)
    with acting(wish.actor):
        return undo_change(wish, now=now)  # type: ignore[arg-type]


def corrected(cast: Cast) -> tuple[Contact, Execution]:
    """A contact whose phone and title a change has corrected."""
    contact = ContactFactory(owner=cast.rep, phone="1", title="Buyer")
    arguments = {"contact_id": contact.pk, "phone": "2", "title": "Head of buying"}
    return contact, apply(approved("update_contact", arguments, cast.rep))


def test_what_was_written_is_put_back_and_on_record(cast: Cast) -> None:
    contact, execution = corrected(cast)
    done = undo(execution, cast.manager)
    contact.refresh_from_db()
    assert (contact.phone, contact.title, contact.revision) == ("1", "Buyer", 3)
    assert (done.undoes, done.status, done.approved_by, done.approved_at) == (
        execution, "succeeded", cast.manager, LATER,
    )  # fmt: skip
    assert done.before_values == {
        f"contact:{contact.pk}": {"phone": "2", "title": "Head of buying"}
    }
    assert (done.after_values, done.left_alone) == ({"phone": "1", "title": "Buyer"}, [])
    assert done.policy_decision.verdict == "person_must_decide"
    entry = AuditEntry.objects.get(event="execution.undone")
    assert (entry.actor_id, entry.suggestion_id, entry.execution_id) == (
        cast.manager.pk, 7, done.pk,
    )  # fmt: skip
    assert entry.details == {
        "tool": "update_contact",
        "undoes": execution.pk,
        "fields": ["phone", "title"],
        "left_alone": [],
    }
    row = ChangeLog.objects.of_record("contact", contact.pk).first()
    assert row is not None
    assert (row.changes["phone"], row.actor_id) == (["2", "1"], cast.manager.pk)


def test_what_was_edited_since_stays_and_is_named(cast: Cast) -> None:
    contact, execution = corrected(cast)
    Contact.objects.filter(pk=contact.pk).update(title="Chief buyer")
    plan = plan_undo(execution, viewer=cast.manager, now=LATER)
    assert [(row.label, row.now_text, row.back_text) for row in plan.returning] == [
        ("Phone", "2", "1")
    ]
    assert [(row.label, row.now_text, row.back_text) for row in plan.staying] == [
        ("Title", "Chief buyer", "Buyer")
    ]
    done = undo(execution, cast.rep)
    contact.refresh_from_db()
    assert (contact.phone, contact.title) == ("1", "Chief buyer")
    assert (done.after_values, done.left_alone) == ({"phone": "1"}, ["title"])


def test_where_all_was_edited_since_nothing_is_undone(cast: Cast) -> None:
    contact, execution = corrected(cast)
    Contact.objects.filter(pk=contact.pk).update(title="Chief buyer", phone="3")
    with pytest.raises(UndoConflictError) as caught:
        undo(execution, cast.rep)
    assert caught.value.extras == {"fields": ["phone", "title"]}
    contact.refresh_from_db()
    assert (contact.phone, contact.title) == ("3", "Chief buyer")
    assert Execution.objects.count() == 1


def test_what_a_person_has_put_back_is_no_conflict(cast: Cast) -> None:
    contact, execution = corrected(cast)
    Contact.objects.filter(pk=contact.pk).update(title="Buyer", phone="1")
    done = undo(execution, cast.rep)
    contact.refresh_from_db()
    assert (done.after_values, done.left_alone, contact.revision) == ({}, [], 3)


def test_once(cast: Cast) -> None:
    _, execution = corrected(cast)
    undo(execution, cast.rep)
    with pytest.raises(AlreadyUndoneError):
        undo(execution, cast.rep)
    with pytest.raises(AlreadyUndoneError):
        plan_undo(execution, viewer=cast.manager, now=LATER)


def test_an_undo_is_not_undone(cast: Cast) -> None:
    _, execution = corrected(cast)
    done = undo(execution, cast.rep)
    with pytest.raises(NotReversibleError):
        undo(done, cast.rep)


def test_a_failed_attempt_is_kept_and_can_be_repeated(cast: Cast) -> None:
    _, execution = corrected(cast)
    wish = ApprovedUndo(execution.pk, cast.rep, LATER, Actor.for_person(cast.rep), 7)
    failed = record_failure(wish, code="DiskFull", message="no room", now=LATER)
    assert (failed.status, failed.error_code, failed.undoes) == ("failed", "DiskFull", execution)
    with pytest.raises(NotReversibleError):
        undo(failed, cast.rep)
    assert undo(execution, cast.rep).status == "succeeded"


@pytest.mark.parametrize(("days", "is_late"), [(30, False), (31, True)])
def test_the_window_is_the_companys(cast: Cast, days: int, is_late: bool) -> None:
    _, execution = corrected(cast)
    now = NOW + timedelta(days=days)
    if not is_late:
        assert plan_undo(execution, viewer=cast.manager, now=now).until == NOW + timedelta(days=30)
        return
    with pytest.raises(UndoWindowError) as caught:
        undo(execution, cast.rep, now=now)
    assert caught.value.extras == {"undo_days": 30}
    Tenant.objects.update(undo_days=40)
    assert undo(execution, cast.rep, now=now).status == "succeeded"


def test_only_who_sees_and_may_change_the_record(cast: Cast) -> None:
    _, execution = corrected(cast)
    visitor = User.objects.create(username="visitor", team=cast.team)
    for person in (cast.outsider, visitor):
        with pytest.raises(PermissionRefusedError):
            undo(execution, person)


def test_a_record_that_is_gone(cast: Cast) -> None:
    contact, execution = corrected(cast)
    Contact.objects.filter(pk=contact.pk).delete()
    with pytest.raises(RecordGoneError):
        undo(execution, cast.rep)


def test_a_new_task_is_cancelled_and_never_deleted(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep)
    execution = apply(
        approved(
            "create_followup",
            {
                "subject_kind": "lead",
                "subject_id": lead.pk,
                "about_kind": "lead",
                "about_id": lead.pk,
                "title": "Call Ana",
                "due_on": "2026-03-03",
            },
            cast.rep,
        )
    )
    done = undo(execution, cast.rep)
    task = Task.objects.get()
    assert (task.title, task.status) == ("Call Ana", "cancelled")
    assert (done.record_kind, done.record_id) == ("task", task.pk)
    assert done.after_values == {"status": "cancelled"}


def test_a_task_that_was_done_since_stays_done(cast: Cast) -> None:
    task = TaskFactory(owner=cast.rep, due_on=NOW.date())
    execution = apply(
        approved("update_task", {"task_id": task.pk, "due_on": "2026-03-09"}, cast.rep)
    )
    Task.objects.filter(pk=task.pk).update(status="done")
    undo(execution, cast.rep)
    task.refresh_from_db()
    assert (task.due_on, task.status) == (NOW.date(), "done")


def test_undoing_a_completion_takes_its_date_away(cast: Cast) -> None:
    task = TaskFactory(owner=cast.rep)
    execution = apply(approved("update_task", {"task_id": task.pk, "status": "done"}, cast.rep))
    undo(execution, cast.rep)
    task.refresh_from_db()
    assert (task.status, task.completed_at) == ("open", None)


def test_a_new_lead_is_set_aside_and_gives_its_messages_back(cast: Cast) -> None:
    first = ActivityFactory(owner=cast.rep, counterpart_address="ana@isdom.com")
    second = ActivityFactory(owner=cast.rep, counterpart_address="ana@isdom.com")
    execution = apply(
        approved("create_lead", {"activity_id": first.pk, "email": "ana@isdom.com"}, cast.rep)
    )
    undo(execution, cast.rep)
    assert Lead.objects.get().status == "unqualified"
    assert set(Activity.objects.filter(lead=None)) == {first, second}
