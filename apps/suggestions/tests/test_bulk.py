"""Approving many suggestions by one decision: who may, what each comes to, and trying again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from aisha.celery import app
from apps.audit.models import AuditEntry
from apps.conftest import Cast
from apps.crm.models import Lead, Task
from apps.crm.tests.factories import LeadFactory
from apps.execution.enums import Risk
from apps.execution.exceptions import PermissionRefusedError
from apps.execution.tools import registry as tools
from apps.execution.tools.tasks import CreateFollowup
from apps.suggestions.enums import Outcome, RejectReason, State
from apps.suggestions.exceptions import (
    BulkNotFoundError,
    BulkRetryError,
    BulkSizeError,
    BulkToolError,
    DecisionPermissionError,
    HighRiskError,
    SuggestionError,
    SuggestionNotFoundError,
)
from apps.suggestions.models import BulkApproval, BulkItem, Suggestion
from apps.suggestions.services import (
    approve,
    rebase,
    reject,
    request_bulk,
    retry_bulk,
    run_bulk,
    undo,
)
from apps.suggestions.tasks import keep_current_tenant_true
from apps.suggestions.tests.cases import suggested
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.enums import Module
from apps.tenants.exceptions import ModuleOffError
from apps.tenants.models import ModuleGate, Tenant
from apps.users.models import User

NOW = timezone.now()
LATER = NOW + timedelta(hours=1)


def waiting(cast: Cast, **values: Any) -> Suggestion:
    lead = values.pop("lead", None) or LeadFactory(owner=values.get("assignee", cast.rep))
    suggestion: Suggestion = SuggestionFactory(lead=lead, **{"assignee": cast.rep, **values})
    return suggestion


def chosen(*suggestions: Suggestion) -> list[tuple[int, datetime]]:
    return [(suggestion.pk, suggestion.refreshed_at) for suggestion in suggestions]


def outcomes(bulk: BulkApproval) -> list[tuple[str, str]]:
    return list(bulk.items.order_by("id").values_list("outcome", "code"))


def asked_by(user: User, *suggestions: Suggestion) -> BulkApproval:
    return request_bulk(user=user, items=chosen(*suggestions), now=NOW)


def nothing_was_made() -> bool:
    return not BulkApproval.objects.exists() and not BulkItem.objects.exists()


def test_each_is_applied_with_its_own_record_and_the_request_has_one_too(cast: Cast) -> None:
    suggestions = [waiting(cast) for _ in range(3)]
    bulk = asked_by(cast.rep, *suggestions)
    assert (bulk.tool, bulk.requested_by, bulk.finished_at) == ("create_followup", cast.rep, None)
    assert Task.objects.count() == 0
    run_bulk(bulk_id=bulk.pk, now=LATER)
    bulk.refresh_from_db()
    assert bulk.finished_at == LATER
    assert outcomes(bulk) == [("applied", "")] * 3
    assert Task.objects.count() == 3
    for suggestion in suggestions:
        suggestion.refresh_from_db()
        assert (suggestion.state, suggestion.reviewed_by) == (State.APPLIED, cast.rep)
        events = AuditEntry.objects.of_suggestion(suggestion.pk).values_list("event", flat=True)
        assert list(events) == ["suggestion.approved", "execution.succeeded"]
    (entry,) = AuditEntry.objects.filter(event="bulk.requested")
    assert entry.details == {
        "bulk_id": bulk.pk, "tool": "create_followup", "count": 3, "is_retry": False,
    }  # fmt: skip
    assert (entry.actor_id, entry.actor_name) == (cast.rep.pk, "Rita Rep")


def test_one_refusal_stops_no_other_and_says_why(cast: Cast) -> None:
    stale, refreshed, rejected, fine = (waiting(cast) for _ in range(4))
    cleared = suggested(cast.rep)
    bulk = asked_by(cast.rep, stale, refreshed, rejected, cleared, fine)
    Lead.objects.filter(pk=stale.record_id).update(do_not_contact=True)
    Suggestion.objects.filter(pk=refreshed.pk).update(refreshed_at=LATER)
    reject(suggestion_id=rejected.pk, user=cast.teammate, reason=RejectReason.NOT_NEEDED, now=NOW)
    Lead.objects.filter(pk=cleared.record_id).update(status="unqualified")
    run_bulk(bulk_id=bulk.pk, now=LATER)
    assert outcomes(bulk) == [
        ("failed", "stale"),
        ("failed", "changed_since_seen"),
        ("failed", "already_decided"),
        ("failed", "withdrawn"),
        ("applied", ""),
    ]
    messages = dict(bulk.items.values_list("suggestion", "message"))
    assert messages[rejected.pk].startswith("This suggestion is already rejected by Tom Mate")
    bulk.refresh_from_db()
    assert bulk.finished_at == LATER
    assert Task.objects.count() == 1
    states = Suggestion.objects.order_by("id").values_list("state", flat=True)
    assert sorted(states) == ["applied", "pending", "pending", "rejected", "withdrawn"]


def test_what_failed_is_tried_again_in_the_edition_that_is_seen_now(cast: Cast) -> None:
    stale, refreshed, fine = (waiting(cast) for _ in range(3))
    bulk = asked_by(cast.rep, stale, refreshed, fine)
    Lead.objects.filter(pk=stale.record_id).update(status="qualified")
    Suggestion.objects.filter(pk=refreshed.pk).update(refreshed_at=LATER)
    run_bulk(bulk_id=bulk.pk, now=LATER)
    rebased = rebase(suggestion_id=stale.pk, user=cast.rep, now=LATER)
    refreshed.refresh_from_db()

    again = retry_bulk(user=cast.rep, bulk_id=bulk.pk, items=chosen(rebased, refreshed), now=LATER)
    assert again.finished_at is None
    assert outcomes(bulk) == [("waiting", ""), ("waiting", ""), ("applied", "")]
    run_bulk(bulk_id=bulk.pk, now=LATER)
    assert outcomes(bulk) == [("applied", "")] * 3
    assert Task.objects.count() == 3
    retried = AuditEntry.objects.filter(event="bulk.requested").order_by("id")
    assert [entry.details["is_retry"] for entry in retried] == [False, True]


def test_only_what_failed_is_tried_again_and_only_by_who_asked(cast: Cast) -> None:
    stale, fine, stranger = (waiting(cast) for _ in range(3))
    bulk = asked_by(cast.rep, stale, fine)
    Lead.objects.filter(pk=stale.record_id).update(status="qualified")
    run_bulk(bulk_id=bulk.pk, now=LATER)
    for items in (chosen(fine), chosen(stale, fine), chosen(stranger)):
        with pytest.raises(BulkRetryError):
            retry_bulk(user=cast.rep, bulk_id=bulk.pk, items=items, now=LATER)
    with pytest.raises(BulkNotFoundError):
        retry_bulk(user=cast.manager, bulk_id=bulk.pk, items=chosen(stale), now=LATER)
    with pytest.raises(BulkSizeError):
        retry_bulk(user=cast.rep, bulk_id=bulk.pk, items=[], now=LATER)
    assert outcomes(bulk) == [("failed", "stale"), ("applied", "")]
    bulk.refresh_from_db()
    assert bulk.finished_at == LATER


def test_what_the_person_has_applied_meanwhile_counts_as_applied(cast: Cast) -> None:
    by_me, by_another = waiting(cast), waiting(cast)
    bulk = asked_by(cast.rep, by_me, by_another)
    approve(suggestion_id=by_me.pk, user=cast.rep, now=NOW)
    approve(suggestion_id=by_another.pk, user=cast.teammate, now=NOW)
    run_bulk(bulk_id=bulk.pk, now=LATER)
    assert outcomes(bulk) == [("applied", ""), ("failed", "already_decided")]
    assert Task.objects.count() == 2


def test_what_was_applied_and_undone_before_it_was_written_down_counts_as_applied(
    cast: Cast,
) -> None:
    """As a killed worker leaves it; what was undone before anybody asked is refused."""
    before, since = waiting(cast), waiting(cast)
    for suggestion, asked_at in ((before, LATER), (since, NOW)):
        items = chosen(suggestion)
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
        undo(suggestion_id=suggestion.pk, user=cast.manager, now=NOW)
        bulk = request_bulk(user=cast.rep, items=items, now=asked_at)
        run_bulk(bulk_id=bulk.pk, now=LATER)
    told = BulkItem.objects.order_by("id").values_list("outcome", "code")
    assert list(told) == [("failed", "already_decided"), ("applied", "")]


def test_running_a_finished_one_again_does_nothing(cast: Cast) -> None:
    bulk = asked_by(cast.rep, waiting(cast))
    run_bulk(bulk_id=bulk.pk, now=LATER)
    run_bulk(bulk_id=bulk.pk, now=LATER + timedelta(hours=1))
    bulk.refresh_from_db()
    assert bulk.finished_at == LATER
    assert Task.objects.count() == 1


@pytest.fixture
def eager() -> Iterator[None]:
    """Run tasks where they are sent from, as a worker would."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


def test_the_upkeep_takes_up_what_no_worker_has(
    cast: Cast, eager: None, django_capture_on_commit_callbacks: Any
) -> None:
    lost, finished = asked_by(cast.rep, waiting(cast)), asked_by(cast.rep, waiting(cast))
    run_bulk(bulk_id=finished.pk, now=LATER)
    with django_capture_on_commit_callbacks(execute=True):
        keep_current_tenant_true()
    for bulk in (lost, finished):
        assert outcomes(bulk) == [("applied", "")]
    finished.refresh_from_db()
    # Nobody was sent for what was finished.
    assert finished.finished_at == LATER
    assert Task.objects.count() == 2


@pytest.mark.parametrize("count", [0, 1001])
def test_one_to_a_thousand(cast: Cast, count: int) -> None:
    with pytest.raises(BulkSizeError):
        request_bulk(user=cast.rep, items=[(n, NOW) for n in range(count)], now=NOW)
    assert nothing_was_made()


def test_none_twice(cast: Cast) -> None:
    suggestion = waiting(cast)
    with pytest.raises(BulkSizeError):
        asked_by(cast.rep, suggestion, suggestion)
    assert nothing_was_made()


def test_only_one_tool(cast: Cast) -> None:
    other = waiting(cast, tool="update_lead")
    with pytest.raises(BulkToolError):
        asked_by(cast.rep, waiting(cast), other)
    assert nothing_was_made()


class CallToday(CreateFollowup):
    """A tool of low risk."""

    key = "call_today"


class RiskyCallToday(CallToday):
    """The same, found out to be of high risk."""

    risk = Risk.HIGH


@pytest.fixture
def call_today() -> Iterator[Callable[[], None]]:
    """The tool among the others; what is given finds it out to be of high risk."""
    tools.register(CallToday())

    def find_out() -> None:
        del tools._tools[CallToday.key]
        tools.register(RiskyCallToday())

    yield find_out
    del tools._tools[CallToday.key]


def test_high_risk_by_the_packet_or_by_the_tool_as_registered(
    cast: Cast, call_today: Callable[[], None]
) -> None:
    with pytest.raises(HighRiskError):
        asked_by(cast.rep, waiting(cast), waiting(cast, risk=Risk.HIGH))
    with pytest.raises(HighRiskError):
        asked_by(cast.rep, waiting(cast, tool="update_opportunity", risk=Risk.LOW))
    assert nothing_was_made()
    # The tool was found to be of high risk between the request and the worker.
    bulk = asked_by(cast.rep, waiting(cast, tool=CallToday.key))
    call_today()
    run_bulk(bulk_id=bulk.pk, now=LATER)
    assert outcomes(bulk) == [("failed", "high_risk")]
    assert Task.objects.count() == 0


def test_another_teams_are_not_there_and_the_reach_is_on_record(cast: Cast) -> None:
    theirs = waiting(cast, assignee=cast.outsider)
    with pytest.raises(SuggestionNotFoundError):
        asked_by(cast.rep, waiting(cast), theirs)
    assert nothing_was_made()
    (entry,) = AuditEntry.objects.filter(event="permission.refused")
    assert (entry.suggestion_id, entry.actor_id) == (theirs.pk, cast.rep.pk)


def test_one_that_names_a_hidden_record_is_not_there(cast: Cast) -> None:
    suggestion = waiting(cast)
    hidden = LeadFactory(owner=cast.outsider)
    Suggestion.objects.filter(pk=suggestion.pk).update(
        guard_values={**suggestion.guard_values, f"lead:{hidden.pk}": {"status": "working"}}
    )
    with pytest.raises(SuggestionNotFoundError):
        asked_by(cast.rep, suggestion)
    assert nothing_was_made()


def test_another_tenants_ids_lead_nowhere(cast: Cast, globex: Tenant, globex_cast: Cast) -> None:
    own = waiting(cast)
    with globex:
        foreign = waiting(globex_cast)
    while Suggestion.objects.filter(pk=foreign.pk).exists():
        with globex:
            foreign = waiting(globex_cast)
    with pytest.raises(SuggestionNotFoundError):
        asked_by(cast.manager, own, foreign)
    assert nothing_was_made()
    with globex:
        assert Suggestion.objects.get(pk=foreign.pk).state == State.PENDING


def test_who_may_not_decide_or_not_change_this_kind_of_record(
    cast: Cast, without_permission: Any
) -> None:
    suggestion = waiting(cast)
    for permission, error in (
        ("suggestions.decide_suggestion", DecisionPermissionError),
        ("crm.add_task", PermissionRefusedError),
    ):
        person = without_permission(cast.rep, permission)
        with pytest.raises(error):
            asked_by(person, suggestion)
    assert nothing_was_made()
    assert AuditEntry.objects.filter(event="permission.refused").count() == 2


@pytest.fixture
def without_permission() -> Any:
    """Return a function: person, permission → the person as they are without it."""

    def take(user: User, name: str) -> User:
        person = User.objects.get(pk=user.pk)
        person._perm_cache = user.get_all_permissions() - {name}  # type: ignore[attr-defined]
        return person

    return take


def test_who_left_meanwhile_applies_nothing(cast: Cast) -> None:
    bulk = asked_by(cast.rep, waiting(cast))
    User.objects.filter(pk=cast.rep.pk).update(is_active=False)
    run_bulk(bulk_id=bulk.pk, now=LATER)
    assert outcomes(bulk) == [("failed", "permission_refused")]
    assert Task.objects.count() == 0


def test_switched_off_means_off(cast: Cast) -> None:
    suggestion = waiting(cast)
    bulk = asked_by(cast.rep, suggestion)
    ModuleGate.objects.filter(tenant__schema_name="acme", module=Module.SUGGESTIONS).update(
        is_on=False
    )
    with pytest.raises(ModuleOffError):
        asked_by(cast.rep, suggestion)
    run_bulk(bulk_id=bulk.pk, now=LATER)
    assert outcomes(bulk) == [("failed", "module_off")]


def test_our_own_fault_with_one_stops_no_other(cast: Cast) -> None:
    broken, fine = waiting(cast), waiting(cast)
    bulk = asked_by(cast.rep, broken, fine)
    # As if the column had been taken away while the suggestion waited.
    guards = {f"lead:{broken.record_id}": {"no_such_column": 1}}
    Suggestion.objects.filter(pk=broken.pk).update(guard_values=guards)
    run_bulk(bulk_id=bulk.pk, now=LATER)
    assert outcomes(bulk) == [("failed", "fault"), ("applied", "")]
    assert bulk.items.filter(outcome=Outcome.WAITING).count() == 0


def test_every_refusal_is_an_error_of_ours() -> None:
    for error in (BulkSizeError(1), BulkToolError(), BulkRetryError(), BulkNotFoundError()):
        assert isinstance(error, SuggestionError)
        assert error.message
