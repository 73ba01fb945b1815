"""What a person may do with a suggestion, and what is left behind when it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone

from apps.audit.enums import Origin
from apps.audit.models import AuditEntry
from apps.conftest import Cast
from apps.crm.enums import RecordKind
from apps.crm.models import ChangeLog, Contact, Lead, Task
from apps.crm.tests.factories import ActivityFactory, ContactFactory, TaskFactory
from apps.execution.exceptions import PermissionRefusedError, PolicyRefusedError, StaleError
from apps.execution.models import Execution
from apps.execution.tools import registry as tools
from apps.execution.tools.tasks import CreateFollowup
from apps.suggestions.enums import RejectReason, State, Verdict
from apps.suggestions.exceptions import (
    AlreadyDecidedError,
    ChangedSinceSeenError,
    DecisionPermissionError,
    SuggestionNotFoundError,
    WithdrawnError,
)
from apps.suggestions.models import Decision, Suggestion
from apps.suggestions.pipeline.run import keep_true
from apps.suggestions.services import approve, get_for, rebase, reject, reopen, seen_of, snooze
from apps.suggestions.tests.cases import NOW, scan, suggested
from apps.tenants.enums import Module
from apps.tenants.exceptions import ModuleOffError
from apps.tenants.models import ModuleGate, Tenant
from apps.triggers.models import Silence, TriggerSetting
from apps.users.models import User


def events_of(suggestion: Suggestion) -> list[str]:
    return list(AuditEntry.objects.of_suggestion(suggestion.pk).values_list("event", flat=True))


def test_fault_04_approval_sets_every_moment_and_name(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    done = approve(suggestion_id=suggestion.pk, user=cast.teammate, now=NOW, origin=Origin.API)
    assert (done.state, done.reviewed_by, done.reviewed_at, done.applied_at) == (
        State.APPLIED, cast.teammate, NOW, NOW,
    )  # fmt: skip
    assert done.execution is not None
    assert (done.execution.approved_by, done.execution.status) == (cast.teammate, "succeeded")
    decision = Decision.objects.get()
    assert (decision.verdict, decision.decided_by, decision.decided_at) == (
        Verdict.APPROVE, cast.teammate, NOW,
    )  # fmt: skip
    assert (decision.goal, decision.tool) == ("revive_lead", "create_followup")
    assert events_of(suggestion) == [
        "suggestion.created", "suggestion.approved", "execution.succeeded",
    ]  # fmt: skip
    approval, applied = AuditEntry.objects.of_suggestion(suggestion.pk)[1:]
    assert (approval.actor_id, approval.origin) == (cast.teammate.pk, "api")
    assert (applied.actor_id, applied.origin, applied.execution_id) == (
        cast.teammate.pk, "api", done.execution_id,
    )  # fmt: skip


def test_the_change_log_names_the_approver(cast: Cast) -> None:
    contact = ContactFactory(owner=cast.rep, phone="+1 555 0100")
    ActivityFactory(
        contact=contact,
        owner=cast.rep,
        occurred_at=NOW - timedelta(days=1),
        stated_details={"phone": "+1 555 0123"},
    )
    scan()
    approve(suggestion_id=Suggestion.objects.get().pk, user=cast.rep, now=NOW)
    row = ChangeLog.objects.of_record("contact", contact.pk).filter(operation="changed").get()
    assert (row.actor_id, row.actor_name, row.changes) == (
        cast.rep.pk,
        "Rita Rep",
        {"phone": ["+1 555 0100", "+1 555 0123"]},
    )


@pytest.mark.parametrize("move", [approve, reject, snooze, rebase, reopen])
def test_of_another_team_it_is_not_found_and_the_attempt_is_on_record(
    cast: Cast, move: object
) -> None:
    suggestion = suggested(cast.rep)
    with pytest.raises(SuggestionNotFoundError) as caught:
        _call(move, suggestion.pk, cast.outsider)
    assert caught.value.status == 404
    suggestion.refresh_from_db()
    assert (suggestion.state, Decision.objects.count()) == (State.PENDING, 0)
    entry = AuditEntry.objects.get(event="permission.refused")
    assert (entry.actor_id, entry.suggestion_id) == (cast.outsider.pk, suggestion.pk)


def _call(move: object, pk: int, user: User) -> None:
    extra: dict[str, object] = {}
    if move is reject:
        extra["reason"] = RejectReason.NOT_NEEDED
    if move is snooze:
        extra["until"] = NOW + timedelta(days=1)
    assert callable(move)
    move(suggestion_id=pk, user=user, now=NOW, **extra)


@pytest.mark.parametrize("move", [approve, reject, snooze, rebase, reopen])
def test_who_may_only_look_is_refused_on_record(cast: Cast, move: object) -> None:
    suggestion = suggested(cast.rep)
    visitor = User.objects.create(username="visitor", team=cast.team)
    with pytest.raises(DecisionPermissionError) as caught:
        _call(move, suggestion.pk, visitor)
    assert caught.value.status == 403
    assert AuditEntry.objects.get(event="permission.refused").actor_id == visitor.pk
    suggestion.refresh_from_db()
    assert suggestion.state == State.PENDING


def test_who_may_decide_but_not_make_the_change_is_refused_on_record(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    deciders = Group.objects.create(name="deciders")
    deciders.permissions.set(
        Permission.objects.filter(codename__in=["view_suggestion", "decide_suggestion"])
    )
    decider = User.objects.create(username="decider", team=cast.team)
    decider.groups.add(deciders)
    with pytest.raises(PermissionRefusedError):
        approve(suggestion_id=suggestion.pk, user=decider, now=NOW)
    suggestion.refresh_from_db()
    assert (suggestion.state, suggestion.reviewed_by) == (State.PENDING, None)
    assert (Task.objects.count(), Execution.objects.count()) == (0, 0)
    entry = AuditEntry.objects.get(event="permission.refused")
    assert (entry.actor_id, entry.details) == (
        decider.pk,
        {"tool": "create_followup", "verb": "approve", "code": "permission_refused"},
    )


class Overreaching(CreateFollowup):
    """A tool that reaches further than it declares."""

    key = "overreaching_followup"
    writes = {RecordKind.TASK: frozenset({"title"})}


@pytest.fixture
def overreaching() -> Iterator[str]:
    """The tool among the others: its key."""
    tools.register(Overreaching())
    yield Overreaching.key
    del tools._tools[Overreaching.key]


def test_what_policy_refuses_is_not_written_and_on_record(cast: Cast, overreaching: str) -> None:
    suggestion = suggested(cast.rep)
    Suggestion.objects.update(tool=overreaching)
    with pytest.raises(PolicyRefusedError) as caught:
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    assert (caught.value.code, caught.value.status) == ("policy_refused", 403)
    suggestion.refresh_from_db()
    assert (suggestion.state, suggestion.reviewed_by) == (State.PENDING, None)
    assert (Task.objects.count(), Execution.objects.count()) == (0, 0)
    assert events_of(suggestion) == ["suggestion.created", "policy.refused"]
    entry = AuditEntry.objects.get(event="policy.refused")
    assert (entry.actor_id, entry.details) == (
        cast.rep.pk,
        {"tool": overreaching, "verb": "approve", "code": "policy_refused"},
    )


def test_a_suggestion_whose_record_moved_to_another_team_cannot_be_approved(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    Lead.objects.update(owner=cast.outsider)
    with pytest.raises(SuggestionNotFoundError):
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    assert Task.objects.count() == 0


def test_who_reaches_for_one_that_is_not_there_is_on_record(cast: Cast) -> None:
    with pytest.raises(SuggestionNotFoundError):
        approve(suggestion_id=10**9, user=cast.rep, now=NOW)
    entry = AuditEntry.objects.get(event="permission.refused")
    assert (entry.suggestion_id, entry.details) == (
        None, {"asked_for": [10**9], "verb": "approve", "code": "not_found"},
    )  # fmt: skip


def test_another_tenants_suggestion_is_not_found(
    cast: Cast, globex: Tenant, globex_cast: Cast
) -> None:
    with globex:
        theirs = [suggested(globex_cast.rep) for _ in range(3)]
    mine = suggested(cast.rep)
    foreign = next(one.pk for one in theirs if one.pk != mine.pk)
    with pytest.raises(SuggestionNotFoundError):
        approve(suggestion_id=foreign, user=cast.manager, now=NOW)
    with globex:
        assert set(Suggestion.objects.values_list("state", flat=True)) == {"pending"}
        assert Task.objects.count() == 0


def test_the_same_number_in_both_tenants_means_ones_own(
    cast: Cast, globex: Tenant, globex_cast: Cast
) -> None:
    mine = suggested(cast.rep)
    with globex:
        theirs = suggested(globex_cast.rep)
        theirs.delete()
        theirs.pk = mine.pk
        theirs.save(force_insert=True)
    approve(suggestion_id=mine.pk, user=cast.manager, now=NOW)
    with globex:
        assert Suggestion.objects.get(pk=mine.pk).state == State.PENDING
        assert Task.objects.count() == 0


def test_approving_after_the_reason_has_gone_withdraws(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    TaskFactory(lead=Lead.objects.get(), owner=cast.rep)
    with pytest.raises(WithdrawnError) as caught:
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    assert (caught.value.code, caught.value.status) == ("withdrawn", 409)
    suggestion.refresh_from_db()
    assert (suggestion.state, suggestion.closed_because) == (
        State.WITHDRAWN, "The reason no longer holds.",
    )  # fmt: skip
    assert (suggestion.reviewed_by, suggestion.reviewed_at) == (None, None)
    assert (Task.objects.count(), Execution.objects.count()) == (1, 0)
    assert events_of(suggestion) == ["suggestion.created", "suggestion.withdrawn"]
    assert Silence.objects.count() == 0


def test_a_stale_suggestion_is_not_applied_and_says_what_changed(cast: Cast) -> None:
    suggestion = suggested(cast.rep, status="working")
    Lead.objects.update(status="qualified")
    with pytest.raises(StaleError) as caught:
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    (moved,) = caught.value.moved
    assert (moved.field, moved.seen, moved.now) == ("status", "working", "qualified")
    suggestion.refresh_from_db()
    assert (suggestion.state, suggestion.reviewed_by) == (State.PENDING, None)
    assert (Task.objects.count(), Execution.objects.count()) == (0, 0)
    entry = AuditEntry.objects.get(event="suggestion.stale")
    assert entry.details == {"fields": f"lead:{suggestion.record_id}.status"}


def test_rebasing_shows_the_present_values_and_then_it_can_be_approved(cast: Cast) -> None:
    suggestion = suggested(cast.rep, status="working")
    Lead.objects.update(status="qualified")
    later = NOW + timedelta(minutes=1)
    rebased = rebase(suggestion_id=suggestion.pk, user=cast.rep, now=later)
    assert (rebased.state, rebased.refreshed_at) == (State.PENDING, later)
    assert rebased.guard_values[f"lead:{rebased.record_id}"]["status"] == "qualified"
    done = approve(suggestion_id=suggestion.pk, user=cast.rep, now=later)
    assert (done.state, Task.objects.count()) == (State.APPLIED, 1)
    verdicts = Decision.objects.order_by("id").values_list("verdict", flat=True)
    assert list(verdicts) == [Verdict.REBASE, Verdict.APPROVE]


def test_rebasing_writes_reason_evidence_and_change_anew(cast: Cast) -> None:
    task = TaskFactory(owner=cast.rep, title="Send the offer", due_on=(NOW - timedelta(9)).date())
    scan()
    suggestion = Suggestion.objects.get()
    Task.objects.filter(pk=task.pk).update(
        title="Send the new offer", due_on=(NOW - timedelta(5)).date()
    )
    with pytest.raises(StaleError):
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    later = NOW + timedelta(minutes=1)
    rebased = rebase(suggestion_id=suggestion.pk, user=cast.rep, now=later)
    due = (NOW - timedelta(5)).date()
    assert "Send the new offer" in rebased.title
    assert f"It was due on {due.day} {due:%b %Y}" in rebased.reason
    assert rebased.before_values == {f"task:{task.pk}": {"due_on": due.isoformat()}}
    assert events_of(suggestion) == [
        "suggestion.created", "suggestion.stale", "suggestion.refreshed", "suggestion.rebased",
    ]  # fmt: skip
    told = AuditEntry.objects.get(event="suggestion.refreshed")
    assert told.actor_id == cast.rep.pk
    assert scan(timedelta(minutes=2)).suggestions_refreshed == 0


def test_rebasing_leaves_out_what_a_person_has_settled_meanwhile(cast: Cast) -> None:
    contact = ContactFactory(owner=cast.rep, phone="+1 555 0100", title="Buyer")
    ActivityFactory(
        contact=contact,
        owner=cast.rep,
        occurred_at=NOW - timedelta(days=1),
        stated_details={"phone": "+1 555 0123", "title": "Head of buying"},
    )
    scan()
    suggestion = Suggestion.objects.get()
    Contact.objects.update(title="Chief buyer")
    with pytest.raises(StaleError):
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    rebased = rebase(suggestion_id=suggestion.pk, user=cast.rep, now=NOW + timedelta(minutes=1))
    assert rebased.arguments == {"contact_id": contact.pk, "phone": "+1 555 0123"}
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW + timedelta(minutes=2))
    contact.refresh_from_db()
    assert (contact.phone, contact.title) == ("+1 555 0123", "Chief buyer")


def test_a_trigger_that_is_switched_off_holds_for_nothing(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    TriggerSetting.objects.create(trigger="lead_inactive", is_enabled=False)
    with pytest.raises(WithdrawnError):
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    assert Task.objects.count() == 0


def test_rebasing_what_lost_its_reason_withdraws_it(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    Lead.objects.update(status="converted")
    with pytest.raises(WithdrawnError):
        rebase(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    suggestion.refresh_from_db()
    assert suggestion.state == State.WITHDRAWN


def test_the_next_scan_brings_a_changed_record_up_to_date_by_itself(cast: Cast) -> None:
    suggestion = suggested(cast.rep, status="working")
    Lead.objects.update(status="qualified", owner=cast.teammate)
    assert scan(timedelta(minutes=1)).suggestions_refreshed == 1
    suggestion.refresh_from_db()
    assert suggestion.assignee == cast.teammate
    assert suggestion.arguments["owner_id"] == cast.teammate.pk
    approve(suggestion_id=suggestion.pk, user=cast.teammate, now=NOW + timedelta(minutes=2))
    assert Task.objects.get().owner == cast.teammate


def test_what_was_refreshed_since_it_was_seen_is_not_approved_unseen(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    seen_at = suggestion.refreshed_at
    Lead.objects.update(company="Another company")
    assert scan(timedelta(minutes=1)).suggestions_refreshed == 1
    with pytest.raises(ChangedSinceSeenError) as caught:
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW, seen_at=seen_at)
    assert (caught.value.code, caught.value.status) == ("changed_since_seen", 409)
    assert Task.objects.count() == 0
    suggestion.refresh_from_db()
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW, seen_at=suggestion.refreshed_at)
    assert Task.objects.count() == 1


def test_who_comes_second_is_told_who_was_first_even_after_a_refresh(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    seen_at = suggestion.refreshed_at
    rebase(suggestion_id=suggestion.pk, user=cast.teammate, now=NOW + timedelta(minutes=1))
    approve(suggestion_id=suggestion.pk, user=cast.teammate, now=NOW + timedelta(minutes=2))
    with pytest.raises(AlreadyDecidedError) as caught:
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW, seen_at=seen_at)
    at = f"{timezone.localtime(NOW + timedelta(minutes=2)):%-d %b %H:%M}"
    assert caught.value.message == f"This suggestion is already applied by Tom Mate, {at}."
    assert caught.value.extras["decided_by"] == "Tom Mate"


def test_the_team_and_managers_see_it_others_do_not(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    for person in (cast.rep, cast.teammate, cast.manager, cast.admin):
        assert get_for(person, suggestion.pk) == suggestion
    with pytest.raises(SuggestionNotFoundError):
        get_for(cast.outsider, suggestion.pk)


def test_what_was_shown_is_what_is_compared(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    lead = Lead.objects.get()
    assert seen_of(suggestion).guards == {
        f"lead:{lead.pk}": {
            "status": "working", "owner_id": cast.rep.pk, "do_not_contact": False,
        }
    }  # fmt: skip


def test_a_decision_cannot_be_changed_by_the_run_time_login(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    for statement in (
        "UPDATE suggestions_decision SET note = 'x'",
        "DELETE FROM suggestions_decision",
    ):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def test_the_trigger_is_asked_again_with_the_tenants_own_parameters(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    TriggerSetting.objects.create(trigger="lead_inactive", parameters={"silent_days": 60})
    with pytest.raises(WithdrawnError):
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    assert Task.objects.count() == 0


@pytest.mark.parametrize("move", [approve, reject, snooze, rebase, reopen])
def test_fault_17_with_the_module_off_nothing_is_decided(cast: Cast, move: object) -> None:
    suggestion = suggested(cast.rep)
    gate = ModuleGate.objects.filter(tenant__schema_name="acme", module=Module.SUGGESTIONS)
    gate.update(is_on=False)
    with pytest.raises(ModuleOffError) as caught:
        _call(move, suggestion.pk, cast.rep)
    assert (caught.value.code, caught.value.status) == ("module_off", 403)
    keep_true(NOW + timedelta(days=100))
    suggestion.refresh_from_db()
    assert (suggestion.state, Task.objects.count()) == (State.PENDING, 0)
    gate.update(is_on=True)
    keep_true(NOW + timedelta(days=100))
    suggestion.refresh_from_db()
    assert suggestion.state == State.EXPIRED
