"""Approving many suggestions of one low-risk tool by one decision, each applied or refused by itself."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime

from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_event
from apps.crm.enums import RecordKind
from apps.execution.enums import Risk
from apps.execution.exceptions import ExecutionError
from apps.execution.services import check_permission
from apps.execution.tools import registry as tools
from apps.suggestions.enums import Outcome, State, Verdict
from apps.suggestions.exceptions import (
    BulkNotFoundError,
    BulkRetryError,
    BulkSizeError,
    BulkToolError,
    DecisionPermissionError,
    HighRiskError,
    SuggestionNotFoundError,
)
from apps.suggestions.models import BulkApproval, BulkItem, Suggestion
from apps.suggestions.services.access import decidable, may_decide, visible_by_id
from apps.suggestions.services.approving import approve_decidable
from apps.suggestions.services.moves import TenantNow
from apps.suggestions.services.refusing import event_of, record_reach, refusals_on_record
from apps.tenants.enums import Module
from apps.tenants.exceptions import AishaError, ModuleOffError
from apps.tenants.locks import holding
from apps.tenants.models import Tenant
from apps.tenants.services import is_module_on, require_module
from apps.users.models import User

log = logging.getLogger(__name__)

# As many as one person can answer for, and a worker applies within its time limit.
MOST_ITEMS = 1000
# The person, whose permissions and team may change while a long one runs, is read again so often.
_ITEMS_PER_LOOK = 50
# A killed worker's lock is free when its session has ended, a moment after the next worker is there.
_LOCK_WAIT_MS = 2000
# What became of an item whose failure was our own fault.
_FAULT = "fault", "Something went wrong on our side. Nothing was changed; try again."

# A suggestion by id, and the ``refreshed_at`` of the packet that the person looked at.
Chosen = tuple[int, datetime]


def request_bulk(
    *, user: User, items: Sequence[Chosen], now: datetime, origin: Origin = Origin.PERSON
) -> BulkApproval:
    """Keep a person's yes to many suggestions; the caller sends it to a worker.

    Whether each can still be applied is told by its own result.

    Raises:
        ModuleOffError, DecisionPermissionError, PermissionRefusedError: refused.
        BulkSizeError: none, too many, or one twice.
        SuggestionNotFoundError: one is not there, or not for this person.
        BulkToolError, HighRiskError, UnknownToolError: they cannot be decided together.
    """
    actor = Actor.for_person(user, origin)
    tool = _check_together(user, actor, items)
    with transaction.atomic():
        bulk = BulkApproval.objects.create(
            tool=tool, requested_by=user, requested_at=now, origin=origin
        )
        BulkItem.objects.bulk_create(
            BulkItem(bulk=bulk, suggestion_id=suggestion_id, seen_at=seen)
            for suggestion_id, seen in items
        )
        _put_on_record(actor, bulk, len(items))
    return bulk


def retry_bulk(
    *,
    user: User,
    bulk_id: int,
    items: Sequence[Chosen],
    now: datetime,
    origin: Origin = Origin.PERSON,
) -> BulkApproval:
    """Let what failed wait again, in the edition that the person sees now; the caller sends it to a worker.

    Raises:
        BulkRetryError: one of them did not fail, or is none of this bulk approval's.
        BulkNotFoundError: there is no such bulk approval of this person.
        As ``request_bulk``: refused.
    """
    actor = Actor.for_person(user, origin)
    bulk = find_bulk(user, bulk_id, origin)
    if bulk.requested_by_id != user.pk:
        raise _not_found(actor, bulk_id)
    _check_together(user, actor, items)
    seen_at = dict(items)
    with transaction.atomic():
        failed = list(
            bulk.items.select_for_update().filter(suggestion_id__in=seen_at, outcome=Outcome.FAILED)
        )
        if len(failed) != len(seen_at):
            raise BulkRetryError()
        for item in failed:
            item.seen_at = seen_at[item.suggestion_id]
            item.outcome, item.code, item.message, item.done_at = Outcome.WAITING, "", "", None
        BulkItem.objects.bulk_update(failed, ["seen_at", "outcome", "code", "message", "done_at"])
        BulkApproval.objects.filter(pk=bulk.pk).update(finished_at=None)
        _put_on_record(actor, bulk, len(failed), is_retry=True)
    bulk.refresh_from_db()
    return bulk


def find_bulk(user: User, bulk_id: int, origin: Origin = Origin.PERSON) -> BulkApproval:
    """Return a bulk approval that the person may see and wants to go on with; a refusal is on record.

    Raises:
        BulkNotFoundError: there is no such one for them.
    """
    bulk: BulkApproval | None = BulkApproval.objects.visible_to(user).filter(pk=bulk_id).first()
    if bulk is None:
        raise _not_found(Actor.for_person(user, origin), bulk_id)
    return bulk


def _not_found(actor: Actor, bulk_id: int) -> BulkNotFoundError:
    error = BulkNotFoundError()
    _record_refusal(actor, error, bulk_id=bulk_id)
    return error


def require_decider(user: User, origin: Origin = Origin.PERSON) -> None:
    """Refuse, on record, who may not decide on suggestions, whatever they ask for.

    Raises:
        ModuleOffError, DecisionPermissionError: refused.
    """
    try:
        require_module(Module.SUGGESTIONS)
        if not may_decide(user):
            raise DecisionPermissionError()
    except (ModuleOffError, DecisionPermissionError) as error:
        _record_refusal(Actor.for_person(user, origin), error)
        raise


def run_bulk(*, bulk_id: int, now: datetime) -> None:
    """Approve what waits of a bulk approval, one after the other, each in its own transaction.

    One worker at a time does it; another one finds the lock taken and leaves. Safe to run again: what a
    killed worker had applied and not yet written down is found applied.
    """
    while BulkApproval.objects.unfinished().filter(pk=bulk_id).exists():
        with holding(lock_name(bulk_id), wait_ms=_LOCK_WAIT_MS) as is_ours:
            if not is_ours:
                return
            while _run_some(bulk_id, now):
                pass
            _finish(bulk_id, now)
        # What was set to wait again between the last look and the end is taken up here.


def lock_name(bulk_id: int) -> str:
    """The lock that whoever applies a bulk approval holds."""
    return f"bulk:{bulk_id}"


def _run_some(bulk_id: int, now: datetime) -> int:
    """Decide the next few items; return how many there were.

    Those that were applied are written down together: what a killed worker has left out is found applied.
    """
    bulk = BulkApproval.objects.select_related("requested_by").get(pk=bulk_id)
    waiting = bulk.items.filter(outcome=Outcome.WAITING).order_by("id")[:_ITEMS_PER_LOOK]
    chosen = list(waiting)
    at = TenantNow.read(now)
    decidable_now = _decidable(bulk.requested_by, at.tenant, chosen)
    applied: list[int] = []
    try:
        # What is said of an item is kept as it was said: in the words of who asked for it.
        with timezone.override(bulk.requested_by.zone(at.tenant.zone)):
            for item in chosen:
                if _decide(bulk, item, decidable_now.get(item.suggestion_id), at):
                    applied.append(item.pk)  # noqa: PERF401 - also of those before an exception
    finally:
        BulkItem.objects.filter(pk__in=applied).update(
            outcome=Outcome.APPLIED, code="", message="", done_at=now
        )
    return len(chosen)


def _decidable(user: User, tenant: Tenant, items: Iterable[BulkItem]) -> dict[int, Suggestion]:
    """What the person may decide on, in few queries; each of the others is refused by itself."""
    if not is_module_on(tenant, Module.SUGGESTIONS) or not may_decide(user):
        return {}
    return visible_by_id(user, [item.suggestion_id for item in items])


def _decide(
    bulk: BulkApproval, item: BulkItem, suggestion: Suggestion | None, at: TenantNow
) -> bool:
    """Approve one item; return whether it is applied, and else write down why not."""
    code = message = ""
    user, origin, now = bulk.requested_by, Origin(bulk.origin), at.now
    try:
        found = suggestion or decidable(user, item.suggestion_id, Verdict.APPROVE, origin)
        with refusals_on_record(found, Actor.for_person(user, origin), Verdict.APPROVE):
            _refuse_high_risk(bulk.tool)
        approve_decidable(
            found,
            user=user,
            at=at,
            seen_at=item.seen_at,
            origin=origin,
        )
    except SoftTimeLimitExceeded:
        # The rest waits for the upkeep.
        raise
    except AishaError as error:
        code, message = error.code, error.message
    except Exception:
        log.exception("an item of a bulk approval failed", extra={"bulk_item_id": item.pk})
        code, message = _FAULT
    if not code or _has_applied(bulk, item):
        return True
    # A worker that lost its lock with its connection does not contradict the one that went on.
    BulkItem.objects.filter(pk=item.pk, outcome=Outcome.WAITING).update(
        outcome=Outcome.FAILED, code=code, message=message, done_at=now
    )
    return False


def _has_applied(bulk: BulkApproval, item: BulkItem) -> bool:
    """Whether this person has applied it: a worker that was killed, or they themselves beside it.

    It may have been undone before the next worker came.
    """
    return (
        Suggestion.objects.filter(pk=item.suggestion_id, reviewed_by_id=bulk.requested_by_id)
        .filter(Q(state=State.APPLIED) | Q(state=State.UNDONE, applied_at__gte=bulk.requested_at))
        .exists()
    )


def _finish(bulk_id: int, now: datetime) -> None:
    """Close it, unless something was set to wait again meanwhile."""
    with transaction.atomic():
        bulk = BulkApproval.objects.select_for_update().get(pk=bulk_id)
        if not bulk.items.filter(outcome=Outcome.WAITING).exists():
            bulk.finished_at = now
            bulk.save(update_fields=["finished_at"])


def _check_together(user: User, actor: Actor, items: Sequence[Chosen]) -> str:
    """See that this person may decide these together; return the key of their tool.

    Raises:
        As ``request_bulk``.
    """
    wanted = {pk for pk, _ in items}
    require_decider(user, actor.origin)
    if not 1 <= len(items) <= MOST_ITEMS or len(wanted) != len(items):
        raise BulkSizeError(MOST_ITEMS)
    found = visible_by_id(user, wanted)
    if missing := wanted - set(found):
        not_there = SuggestionNotFoundError()
        record_reach(actor, Verdict.APPROVE, missing, not_there)
        raise not_there
    keys = {suggestion.tool for suggestion in found.values()}
    if len(keys) > 1:
        raise BulkToolError()
    (key,) = keys
    try:
        _refuse_high_risk(key)
        if any(suggestion.risk != Risk.LOW for suggestion in found.values()):
            raise HighRiskError()
        for kind in {RecordKind(suggestion.record_kind) for suggestion in found.values()}:
            check_permission(tools.get(key), kind, user)
    except (ExecutionError, HighRiskError) as error:
        _record_refusal(actor, error, tool=key, count=len(items))
        raise
    return key


def _refuse_high_risk(key: str) -> None:
    """By the tool as it is registered now, whatever the packets were told.

    Raises:
        HighRiskError, UnknownToolError: it is not for bulk, or gone.
    """
    if tools.get(key).risk != Risk.LOW:
        raise HighRiskError()


def _record_refusal(actor: Actor, error: AishaError, **details: Detail) -> None:
    """Put on record, by one entry, that none of those asked for was taken."""
    told = {**details, "verb": Verdict.APPROVE.value, "code": error.code}
    record_event(actor, Entry(event_of(error) or Event.POLICY_REFUSED, details=told))


def _put_on_record(actor: Actor, bulk: BulkApproval, count: int, *, is_retry: bool = False) -> None:
    details: dict[str, Detail] = {
        "bulk_id": bulk.pk, "tool": bulk.tool, "count": count, "is_retry": is_retry,
    }  # fmt: skip
    record_event(actor, Entry(Event.BULK_REQUESTED, details=details))
