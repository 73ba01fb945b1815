"""Rejecting, snoozing and reopening: what is silenced, for how long, and what comes back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.conftest import Cast
from apps.crm.models import Lead, Task
from apps.crm.tests.factories import ActivityFactory, ContactFactory, TaskFactory
from apps.suggestions.enums import RejectReason, State
from apps.suggestions.exceptions import (
    AnotherOpenError,
    InvalidSnoozeError,
)
from apps.suggestions.models import Decision, Suggestion, SuggestionSignal
from apps.suggestions.pipeline.run import keep_true
from apps.suggestions.services import approve, reject, reopen, snooze
from apps.suggestions.tests.cases import LONG_AGO, NOW, quiet_lead, scan, suggested
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.models import Tenant
from apps.triggers.models import Signal, Silence
from apps.users.models import User


def events_of(suggestion: Suggestion) -> list[str]:
    return list(AuditEntry.objects.of_suggestion(suggestion.pk).values_list("event", flat=True))


def test_a_rejection_keeps_reason_and_note(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    done = reject(
        suggestion_id=suggestion.pk,
        user=cast.rep,
        reason=RejectReason.ALREADY_DONE,
        note="Called her at the fair. " * 40,
        now=NOW,
    )
    assert (done.state, done.reviewed_by, done.reviewed_at, done.closed_because) == (
        State.REJECTED, cast.rep, NOW, "Already done",
    )  # fmt: skip
    decision = Decision.objects.get()
    assert (decision.reason, len(decision.note)) == ("already_done", 500)
    entry = AuditEntry.objects.get(event="suggestion.rejected")
    assert entry.details == {"reason": "already_done"}


def test_an_unknown_reason_is_refused(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    with pytest.raises(ValueError, match="boring"):
        reject(suggestion_id=suggestion.pk, user=cast.rep, reason="boring", now=NOW)
    suggestion.refresh_from_db()
    assert suggestion.state == State.PENDING


@pytest.mark.parametrize("days", [1, 30, 90])
def test_fault_08_a_rejection_silences_for_the_tenants_days_and_not_longer(
    cast: Cast, days: int
) -> None:
    Tenant.objects.filter(schema_name="acme").update(silence_days=days)
    suggestion = suggested(cast.rep, created_at=LONG_AGO)
    reject(suggestion_id=suggestion.pk, user=cast.rep, reason=RejectReason.NOT_NEEDED, now=NOW)
    silence = Silence.objects.get()
    assert (silence.record_kind, silence.record_id, silence.goal, silence.until) == (
        "lead", suggestion.record_id, "revive_lead", NOW + timedelta(days=days),
    )  # fmt: skip
    Lead.objects.update(created_at=LONG_AGO + timedelta(days=days))
    assert scan(timedelta(days=days, seconds=-1)).suggestions_created == 0
    assert scan(timedelta(days=days)).suggestions_created == 1


def test_fault_08_an_applied_one_is_silenced_too(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    Task.objects.all().delete()
    assert scan(timedelta(days=1)).suggestions_created == 0
    assert scan(timedelta(days=30)).suggestions_created == 1


def test_fault_08_and_an_expired_one(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    lifetime = suggestion.expires_at - NOW
    assert scan(lifetime).suggestions_created == 0
    suggestion.refresh_from_db()
    assert (suggestion.state, suggestion.closed_because) == (
        State.EXPIRED, "Nobody decided in time.",
    )  # fmt: skip
    silence = Silence.objects.get()
    assert (silence.record_id, silence.goal, silence.created_by) == (
        suggestion.record_id, "revive_lead", None,
    )  # fmt: skip
    assert scan(lifetime + timedelta(days=29)).suggestions_created == 0
    assert scan(lifetime + timedelta(days=30)).suggestions_created == 1


def test_a_silence_is_for_its_record_and_goal_alone(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    other = quiet_lead(cast.rep)
    reject(suggestion_id=suggestion.pk, user=cast.rep, reason=RejectReason.BAD_TIMING, now=NOW)
    assert scan(timedelta(minutes=1)).suggestions_created == 1
    assert Suggestion.objects.get(state=State.PENDING).record_id == other.pk


def test_snoozing_and_waking(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    until = NOW + timedelta(days=3)
    snoozed = snooze(suggestion_id=suggestion.pk, user=cast.rep, until=until, now=NOW)
    assert (snoozed.state, snoozed.snoozed_until) == (State.SNOOZED, until)
    keep_true(until - timedelta(seconds=1))
    suggestion.refresh_from_db()
    assert suggestion.state == State.SNOOZED
    keep_true(until)
    suggestion.refresh_from_db()
    assert (suggestion.state, suggestion.snoozed_until, suggestion.held_back) == (
        State.PENDING, None, "",
    )  # fmt: skip
    assert events_of(suggestion) == [
        "suggestion.created", "suggestion.snoozed", "suggestion.woken",
    ]  # fmt: skip


def test_a_snoozed_one_is_not_made_again_and_does_not_expire_asleep(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    until = NOW + timedelta(days=60)
    snooze(suggestion_id=suggestion.pk, user=cast.rep, until=until, now=NOW)
    assert scan(timedelta(days=20)).suggestions_created == 0
    suggestion.refresh_from_db()
    assert (suggestion.state, suggestion.expires_at) == (
        State.SNOOZED, until + timedelta(days=14),
    )  # fmt: skip


def snoozed_until_change(suggestion: Suggestion, by: User) -> Suggestion:
    return snooze(
        suggestion_id=suggestion.pk,
        user=by,
        until=None,
        wakes_on_change=True,
        now=timezone.now(),
    )


def test_snoozed_until_something_changes(cast: Cast) -> None:
    quiet, busy = suggested(cast.rep), suggested(cast.rep)
    for suggestion in (quiet, busy):
        snoozed_until_change(suggestion, cast.rep)
    keep_true(timezone.now())
    assert Suggestion.objects.filter(state=State.SNOOZED).count() == 2
    Lead.objects.filter(pk=busy.record_id).update(company="Isdom")
    keep_true(timezone.now())
    quiet.refresh_from_db()
    busy.refresh_from_db()
    assert (quiet.state, busy.state) == (State.SNOOZED, State.PENDING)
    assert (busy.snoozed_until, busy.snoozed_until_change_since) == (None, None)
    assert events_of(busy)[-1] == "suggestion.woken"


@pytest.mark.parametrize("kind", ["contact", "activity", "task"])
def test_a_snooze_until_a_change_ends_when_somebody_is_in_touch(cast: Cast, kind: str) -> None:
    contact, other = ContactFactory(owner=cast.rep), ContactFactory(owner=cast.rep)
    record = contact
    if kind == "activity":
        record = ActivityFactory(contact=contact, occurred_at=LONG_AGO)
    elif kind == "task":
        record = TaskFactory(owner=cast.rep, contact=contact)
    suggestion = SuggestionFactory(
        assignee=cast.rep, record_kind=kind, record_id=record.pk, origin="trigger",
        goal="plan_next_step" if kind == "activity" else "look_into_change",
    )  # fmt: skip
    signal = Signal.objects.create(
        trigger="engagement_shift",
        goal=suggestion.goal,
        record_kind=kind,
        record_id=record.pk,
        severity=2,
    )
    SuggestionSignal.objects.create(suggestion=suggestion, signal=signal)
    snoozed_until_change(suggestion, cast.rep)
    ActivityFactory(contact=other, occurred_at=timezone.now())
    keep_true(timezone.now())
    suggestion.refresh_from_db()
    assert suggestion.state == State.SNOOZED
    ActivityFactory(contact=contact, occurred_at=timezone.now())
    keep_true(timezone.now())
    suggestion.refresh_from_db()
    assert suggestion.state == State.PENDING


def test_a_snooze_until_a_change_ends_after_ninety_days_at_the_latest(cast: Cast) -> None:
    suggestion = snoozed_until_change(suggested(cast.rep), cast.rep)
    assert suggestion.snoozed_until is not None
    assert suggestion.snoozed_until_change_since is not None
    length = suggestion.snoozed_until - suggestion.snoozed_until_change_since
    assert length == timedelta(days=90)
    keep_true(suggestion.snoozed_until)
    suggestion.refresh_from_db()
    assert suggestion.state == State.PENDING


def test_a_snooze_needs_an_end(cast: Cast) -> None:
    with pytest.raises(InvalidSnoozeError):
        snooze(suggestion_id=suggested(cast.rep).pk, user=cast.rep, until=None, now=NOW)


@pytest.mark.parametrize(
    "until",
    [NOW, NOW - timedelta(seconds=1), NOW + timedelta(days=90, seconds=1)],
    ids=["now", "past", "too far"],
)
def test_a_snooze_ends_within_ninety_days(cast: Cast, until: object) -> None:
    suggestion = suggested(cast.rep)
    with pytest.raises(InvalidSnoozeError):
        snooze(suggestion_id=suggestion.pk, user=cast.rep, until=until, now=NOW)  # type: ignore[arg-type]
    suggestion.refresh_from_db()
    assert suggestion.state == State.PENDING


def test_ninety_days_are_allowed(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    until = NOW + timedelta(days=90)
    assert (
        snooze(suggestion_id=suggestion.pk, user=cast.rep, until=until, now=NOW).state == "snoozed"
    )


def test_reopening_lifts_the_silence_and_gives_new_time(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    reject(suggestion_id=suggestion.pk, user=cast.rep, reason=RejectReason.NOT_NEEDED, now=NOW)
    later = NOW + timedelta(days=2)
    reopened = reopen(suggestion_id=suggestion.pk, user=cast.rep, now=later)
    assert (reopened.state, reopened.closed_because, reopened.held_back) == (State.PENDING, "", "")
    assert reopened.expires_at == later + timedelta(days=14)
    assert not Silence.objects.in_force(later).exists()
    assert scan(timedelta(days=3)).suggestions_created == 0
    assert approve(suggestion_id=suggestion.pk, user=cast.rep, now=later).state == State.APPLIED


def test_reopening_beside_a_newer_one_is_refused(cast: Cast) -> None:
    old = suggested(cast.rep)
    task = TaskFactory(lead=Lead.objects.get())
    scan(timedelta(minutes=1))
    task.delete()
    scan(timedelta(minutes=2))
    old.refresh_from_db()
    assert (old.state, Suggestion.objects.filter(state="pending").count()) == (State.WITHDRAWN, 1)
    with pytest.raises(AnotherOpenError) as caught:
        reopen(suggestion_id=old.pk, user=cast.rep, now=NOW)
    assert caught.value.status == 409
    old.refresh_from_db()
    assert (old.state, Decision.objects.count()) == (State.WITHDRAWN, 0)


def test_reopening_without_a_reason_lasts_until_the_next_scan(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    TaskFactory(lead=Lead.objects.get())
    scan(timedelta(minutes=1))
    reopen(suggestion_id=suggestion.pk, user=cast.rep, now=NOW + timedelta(minutes=2))
    assert scan(timedelta(minutes=3)).suggestions_withdrawn == 1
