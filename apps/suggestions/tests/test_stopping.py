"""“Stop suggesting this” for a record, a trigger or the tenant: who may, what goes, and how it is lifted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.audit.services import Entry, record_event
from apps.audit.tests.chains import WRITER
from apps.conftest import Cast, TenantClient
from apps.suggestions.enums import RejectReason, State, StopScope
from apps.suggestions.exceptions import StopPermissionError
from apps.suggestions.models import Decision, Suggestion
from apps.suggestions.services import Stop, reject, reopen, stop_scopes
from apps.suggestions.tests.cases import NOW, quiet_lead, scan, suggested
from apps.triggers.models import Silence
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]


def stop(suggestion: Suggestion, by: User, scope: StopScope, days: int = 30) -> Suggestion:
    return reject(
        suggestion_id=suggestion.pk,
        user=by,
        reason=RejectReason.NOT_NEEDED,
        stop=Stop(scope, days),
        now=NOW,
    )


def test_a_rep_stops_what_is_said_of_a_record(cast: Cast) -> None:
    other = suggested(cast.rep)
    suggestion = suggested(cast.rep)
    done = stop(suggestion, cast.rep, StopScope.RECORD, days=90)
    assert done.state == State.REJECTED
    of_record = Silence.objects.get(goal="")
    assert (of_record.record_kind, of_record.record_id, of_record.trigger) == (
        "lead", suggestion.record_id, "",
    )  # fmt: skip
    assert (of_record.until, of_record.created_by) == (NOW + timedelta(days=90), cast.rep)
    other.refresh_from_db()
    assert other.state == State.PENDING
    assert AuditEntry.objects.get(event="silence.created").suggestion_id == suggestion.pk


def test_other_suggestions_of_the_record_are_withdrawn(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    twin = Suggestion.objects.get(pk=suggestion.pk)
    twin.pk, twin.goal = None, "meet_lead"
    twin.save()
    stop(suggestion, cast.rep, StopScope.RECORD)
    twin.refresh_from_db()
    assert (twin.state, twin.closed_because) == (
        State.WITHDRAWN, "Stopped by Rita Rep: anything for this record.",
    )  # fmt: skip
    assert AuditEntry.objects.of_suggestion(twin.pk).get().event == "suggestion.withdrawn"


def test_a_manager_stops_a_trigger_for_everybody(cast: Cast) -> None:
    suggestion, other = suggested(cast.rep), suggested(cast.outsider)
    stop(suggestion, cast.manager, StopScope.TRIGGER)
    other.refresh_from_db()
    assert other.state == State.WITHDRAWN
    quiet_lead(cast.rep)
    scan(timedelta(days=1))
    assert not Suggestion.objects.filter(state=State.PENDING).exists()
    scan(timedelta(days=31))
    assert Suggestion.objects.filter(state=State.PENDING).count() == 3


def test_a_manager_stops_everything(cast: Cast) -> None:
    suggestion, other = suggested(cast.rep), suggested(cast.outsider)
    stop(suggestion, cast.manager, StopScope.TENANT)
    silence = Silence.objects.get(record_kind="")
    assert (silence.record_id, silence.goal, silence.trigger, silence.tool) == (None, "", "", "")
    other.refresh_from_db()
    assert other.state == State.WITHDRAWN


@pytest.mark.parametrize("scope", [StopScope.TRIGGER, StopScope.TENANT])
def test_a_rep_stops_nothing_of_others(cast: Cast, scope: StopScope) -> None:
    suggestion = suggested(cast.rep)
    with pytest.raises(StopPermissionError):
        stop(suggestion, cast.rep, scope)
    suggestion.refresh_from_db()
    assert suggestion.state == State.PENDING
    assert not Silence.objects.exists()
    assert not Decision.objects.exists()
    entry = AuditEntry.objects.get(event="permission.refused")
    assert entry.details == {
        "verb": "reject", "code": "permission_refused", "stop": scope.value,
    }  # fmt: skip


def test_what_is_offered_to_whom(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    assert stop_scopes(suggestion, cast.rep) == [StopScope.RECORD]
    assert stop_scopes(suggestion, cast.manager) == [*StopScope]
    suggestion.trigger = ""
    assert stop_scopes(suggestion, cast.manager) == [StopScope.RECORD, StopScope.TENANT]


def test_reopening_lifts_the_silence_of_the_record(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    stop(suggestion, cast.rep, StopScope.RECORD)
    reopen(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    assert not Silence.objects.in_force(NOW + timedelta(seconds=1)).exists()
    # The stop is told of; the silence that every rejection makes goes with it unsaid.
    stopped = AuditEntry.objects.get(event="silence.created")
    lifted = AuditEntry.objects.get(event="silence.lifted")
    assert (lifted.actor_id, lifted.record_id, lifted.suggestion_id) == (
        cast.rep.pk, suggestion.record_id, suggestion.pk,
    )  # fmt: skip
    assert lifted.details == {"silence_id": stopped.details["silence_id"], "trigger": ""}


def test_an_entry_without_its_silence_keeps_nothing_closed(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    stop(suggestion, cast.manager, StopScope.RECORD)
    record_event(WRITER, Entry(Event.SILENCE_CREATED, suggestion_id=suggestion.pk))
    reopen(suggestion_id=suggestion.pk, user=cast.manager, now=NOW)
    assert not Silence.objects.in_force(NOW + timedelta(seconds=1)).exists()


@pytest.mark.parametrize("scope", [StopScope.TRIGGER, StopScope.TENANT])
def test_reopening_lifts_all_that_was_stopped_with_it(cast: Cast, scope: StopScope) -> None:
    suggestion, other = suggested(cast.rep), suggested(cast.outsider)
    stop(suggestion, cast.manager, scope)
    reopen(suggestion_id=suggestion.pk, user=cast.manager, now=NOW)
    assert not Silence.objects.in_force(NOW + timedelta(seconds=1)).exists()
    scan(timedelta(days=1))
    back = Suggestion.objects.filter(state=State.PENDING)
    assert {row.record_id for row in back} == {suggestion.record_id, other.record_id}


def test_a_rep_does_not_lift_what_a_manager_stopped_for_everybody(
    cast: Cast, client_for: ClientFor
) -> None:
    suggestion = suggested(cast.rep)
    stop(suggestion, cast.manager, StopScope.TENANT)
    reopen(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    lasting = Silence.objects.in_force(NOW + timedelta(seconds=1)).get()
    assert (lasting.record_kind, lasting.until) == ("", NOW + timedelta(days=30))
    # The card is no way to it any more: it is lifted where all that was stopped stands.
    manager, silences = client_for(cast.manager), "/admin/triggers/silence/"
    assert f'href="{silences}"' in manager.get("/insights/learning/").content.decode()
    assert "Everything" in manager.get(silences).content.decode()
    manager.post(f"{silences}{lasting.pk}/delete/", {"post": "yes"})
    assert not Silence.objects.in_force(NOW + timedelta(seconds=1)).exists()
