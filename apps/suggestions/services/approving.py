"""Approving: the only way in.

``approve`` owns the transaction: claim, the trigger's second answer, the write, the audit entries and the new
state are committed together or not at all.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from django.db import DatabaseError

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.audit.services import Detail, acting
from apps.execution import services as execution
from apps.execution.models import Execution
from apps.execution.schemas import ApprovedChange, JsonValue, Seen
from apps.execution.tools import Tool
from apps.execution.tools import registry as tools
from apps.execution.tools.base import UpdateTool, to_json
from apps.suggestions.enums import State, Verdict
from apps.suggestions.exceptions import (
    AnotherOpenError,
    ApplyFailedError,
    ConcealedError,
    InvalidDecisionError,
    PartNotAllowedError,
    WithdrawnError,
)
from apps.suggestions.models import Suggestion
from apps.suggestions.rules import LIFETIME, sources_of
from apps.suggestions.services import merges
from apps.suggestions.services.access import decidable_with, record_of, seen_of
from apps.suggestions.services.moves import (
    APPLIED,
    Claim,
    TenantNow,
    already_decided,
    are_still_true_of,
    asking_firing,
    claim,
    decision_on,
    is_another_open,
    move,
    moving,
    name_of,
    noting,
    refusal_of,
    silence_after,
    withdraw,
)
from apps.suggestions.services.refusing import refusals_on_record
from apps.tenants.statements import Asked, with_new_plans
from apps.tenants.writing import insertion
from apps.triggers.second_look import SecondLook
from apps.users.models import User

_DATABASE_REFUSED = "the database refused it."


log = logging.getLogger(__name__)


class _ReasonGoneError(Exception):
    """Inside the transaction of an approval: no trigger holds any more."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What a person accepted of a change: the arguments, what is compared, and what they left out.

    ``values`` are the columns that a part changes in the suggestion; empty when all of it is accepted.
    """

    arguments: Mapping[str, JsonValue]
    seen: Seen
    left_out: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)


def approve(
    *,
    suggestion_id: int,
    user: User,
    now: datetime,
    seen_at: datetime | None = None,
    fields: Collection[str] | None = None,
    origin: Origin = Origin.PERSON,
) -> Suggestion:
    """Apply a suggestion because this person says so; also the way to try a failed one again.

    ``seen_at`` is the ``refreshed_at`` of the packet that the person looked at; ``fields`` are those that
    they accept of a change that may be taken in parts, None for all of it.

    Raises:
        SuggestionNotFoundError, DecisionPermissionError, PermissionRefusedError, PolicyRefusedError: refused.
        AlreadyDecidedError: somebody was first; the error says who and when.
        ChangedSinceSeenError: the packet was refreshed after the person had looked at it.
        ConcealedError: it was written from a record that the person may not see any more.
        InvalidDecisionError, PartNotAllowedError: these fields cannot be accepted by themselves.
        StaleError: a value has changed since; the error says which. Nothing was written.
        UnknownToolError, InvalidArgumentsError, ReferenceRefusedError, ChangeNotPossibleError,
            RecordGoneError: it can no longer be made like this; it is left as it was.
        WithdrawnError: the reason is gone; a waiting suggestion is withdrawn now.
        AnotherOpenError: it had failed, and a newer one for the same purpose waits.
        ApplyFailedError: the write failed; the suggestion is marked and can be tried again.
    """
    suggestion, answers = decidable_with(
        user, suggestion_id, Verdict.APPROVE, origin, *SecondLook.asked()
    )
    at = TenantNow(*SecondLook.of(now, answers))
    return approve_decidable(
        suggestion, user=user, at=at, seen_at=seen_at, fields=fields, origin=origin
    )


def approve_decidable(
    suggestion: Suggestion,
    *,
    user: User,
    at: TenantNow,
    seen_at: datetime | None = None,
    fields: Collection[str] | None = None,
    origin: Origin = Origin.PERSON,
) -> Suggestion:
    """Apply a suggestion that was read just now, on which this person may decide.

    Raises:
        As ``approve``.
    """
    actor = Actor.for_person(user, origin)
    with refusals_on_record(suggestion, actor, Verdict.APPROVE):
        if seen_at is not None and seen_at != suggestion.refreshed_at:
            raise refusal_of(suggestion, State.APPROVED, read_at=seen_at)
        if State(suggestion.state) not in sources_of(State.APPROVED):
            # Before what was ticked is looked at: whoever was first may have left another part.
            raise already_decided(suggestion.pk)
        if suggestion.is_concealed:
            raise ConcealedError()
        _apply(suggestion, fields, user, actor, at)
    return suggestion


def _apply(
    suggestion: Suggestion,
    fields: Collection[str] | None,
    user: User,
    actor: Actor,
    at: TenantNow,
) -> None:
    part = _part_of(suggestion, fields, user, at.now)
    change = _change_of(suggestion, part, user, actor, at.now)
    try:
        with_new_plans(partial(_write, suggestion, part, change, at))
    except _ReasonGoneError:
        withdraw(suggestion, actor)
        raise WithdrawnError() from None
    except DatabaseError as error:
        if is_another_open(error):
            raise AnotherOpenError() from error
        trouble = name_of(error)
        log.exception("an approved change could not be written", extra={"trouble": trouble})
        _mark_failed(suggestion, change, trouble)
        raise ApplyFailedError(_DATABASE_REFUSED) from error


def _write(suggestion: Suggestion, part: _Part, change: ApprovedChange, at: TenantNow) -> None:
    """The transaction of an approval."""
    user, actor, now = change.approved_by, change.actor, at.now
    claiming = Claim.of(suggestion, State.APPROVED, user=user, now=now, **part.values)
    # What is said here of an approval that comes to nothing goes with the transaction.
    noted = [noting(actor, Event.SUGGESTION_APPROVED, suggestion)]
    if part.left_out:
        left_out: list[Detail] = [*part.left_out]
        noted.insert(0, noting(actor, Event.SUGGESTION_EDITED, suggestion, left_out=left_out))
    # A record that was merged may have another duplicate, which comes next.
    is_merge = merges.is_merge(suggestion)

    def written(done: Execution) -> Iterator[Asked[Any]]:
        yield moving(suggestion, State.APPLIED, execution=done, applied_at=now, closed_because="")
        yield insertion(decision_on(suggestion, Verdict.APPROVE, user, now))
        quiet = silence_after(suggestion, user, now, APPLIED, tenant=at.tenant)
        if quiet and not is_merge:
            yield insertion(quiet)

    first = (claiming.asked(), asking_firing(suggestion), *noted)
    with acting(actor, *first) as (count, firing, *_):
        claiming.take(count)
        if not are_still_true_of(suggestion, firing, at) or merges.is_settled(suggestion):
            raise _ReasonGoneError
        execution.apply_change(change, now=now, then=written)
        if is_merge:
            merges.note_merged(suggestion, user, now)


def _part_of(
    suggestion: Suggestion, fields: Collection[str] | None, user: User, now: datetime
) -> _Part:
    """What of the change is accepted.

    Raises:
        InvalidDecisionError, PartNotAllowedError: see ``approve``.
    """
    whole = _Part(suggestion.arguments, seen_of(suggestion))
    if fields is None:
        return whole
    tool = tools.get(suggestion.tool)
    offered = _changed_by(tool, suggestion)
    chosen = set(fields)
    if not chosen:
        raise InvalidDecisionError("Tick at least one field, or reject the suggestion.")
    if not chosen <= offered:
        raise InvalidDecisionError()
    left_out = offered - chosen
    if not left_out:
        return whole
    is_torn = any(group & chosen and group & left_out for group in tool.together)
    if not isinstance(tool, UpdateTool) or not tool.partial or is_torn:
        raise PartNotAllowedError()
    # A currency that stands there already goes with the amount that is left out.
    dropped = left_out.union(*(group for group in tool.together if group & left_out))
    arguments = {name: value for name, value in suggestion.arguments.items() if name not in dropped}
    before = {
        key: {name: value for name, value in values.items() if name not in dropped}
        for key, values in suggestion.before_values.items()
    }
    return _Part(
        arguments,
        Seen(before=before, guards=suggestion.guard_values),
        tuple(sorted(left_out)),
        {
            "arguments": arguments,
            "proposed_arguments": suggestion.proposed_arguments or suggestion.arguments,
            # The values of somebody who edited before stay theirs; who left out what is in the log.
            "edited_by": suggestion.edited_by or user,
            "edited_at": suggestion.edited_at or now,
            "before_values": before,
        },
    )


def _changed_by(tool: Tool[Any], suggestion: Suggestion) -> set[str]:
    """The fields that a person sees change: what would be written as it stands is no choice of theirs."""
    before = suggestion.before_values.get(str(record_of(suggestion)), {})
    written = tool.values(tool.parse(suggestion.arguments))
    return {
        name
        for name, value in written.items()
        if name not in before or to_json(value) != before[name]
    }


def _change_of(
    suggestion: Suggestion, part: _Part, user: User, actor: Actor, now: datetime
) -> ApprovedChange:
    return ApprovedChange(
        tool=suggestion.tool,
        arguments=part.arguments,
        record=record_of(suggestion),
        seen=part.seen,
        approved_by=user,
        approved_at=now,
        actor=actor,
        idempotency_key=_key_of(suggestion),
        suggestion_id=suggestion.pk,
    )


def _key_of(suggestion: Suggestion) -> str:
    """What names this approval among all: the same for each try, another after it was taken back at once."""
    if suggestion.execution is None:
        return f"suggestion:{suggestion.pk}"
    if suggestion.state == State.FAILED:
        return suggestion.execution.idempotency_key
    return f"suggestion:{suggestion.pk}:{suggestion.execution_id}"


def _mark_failed(suggestion: Suggestion, change: ApprovedChange, trouble: str) -> None:
    """Keep the failed attempt where it can be found, tried again and, after a while, runs out.

    The suggestion stays whole, whatever part of it the attempt was about.
    """
    now = change.approved_at
    reason = f"the database refused it ({trouble})."
    with acting(change.actor):
        claim(suggestion, State.APPROVED, user=change.approved_by, now=now)
        attempt = execution.record_failure(change, code=trouble, message=reason, now=now)
        move(
            suggestion,
            State.FAILED,
            execution=attempt,
            closed_because=reason,
            expires_at=now + LIFETIME,
        )
