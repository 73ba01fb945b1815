"""Bringing a suggestion up to date, and editing what it would change: a new preview, nothing written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.execution import services as execution
from apps.execution.custom_names import flat
from apps.execution.descriptions import arguments_of
from apps.execution.exceptions import InvalidArgumentsError, StaleError
from apps.execution.reading import read_seen
from apps.execution.schemas import JsonValue, Seen
from apps.execution.tools import Tool
from apps.execution.tools import registry as tools
from apps.suggestions.enums import State, Verdict
from apps.suggestions.exceptions import ConcealedError, WithdrawnError
from apps.suggestions.models import Suggestion
from apps.suggestions.pipeline.run import bring_up_to_date
from apps.suggestions.rules import edition_after, sources_of
from apps.suggestions.services.access import decidable, find_moved_of, record_of
from apps.suggestions.services.moves import (
    TenantNow,
    already_decided,
    decision_on,
    is_still_true_of,
    record,
    refusal_of,
    withdraw,
)
from apps.suggestions.services.refusing import refusals_on_record
from apps.tenants.writing import insert
from apps.users.models import User


def rebase(
    *,
    suggestion_id: int,
    user: User,
    now: datetime,
    seen_at: datetime | None = None,
    origin: Origin = Origin.PERSON,
) -> Suggestion:
    """Bring a stale suggestion up to date: a new preview to approve, nothing written to the record.

    One that a trigger made is written anew, reason and evidence included; of any other, and of one that a
    person has edited, only the values that it was shown with are read again. What was asked for, and rests on
    a record that this person may not see any more, is withdrawn.

    Raises:
        SuggestionNotFoundError, DecisionPermissionError, AlreadyDecidedError: refused.
        ChangedSinceSeenError: it was brought up to date after the person had looked at it (``seen_at``).
        WithdrawnError: the reason is gone; the suggestion is withdrawn now.
        RecordGoneError, InvalidArgumentsError: there is nothing left to change.
    """
    suggestion = _changeable(user, suggestion_id, Verdict.REBASE, origin, seen_at)
    actor = Actor.for_person(user, origin)
    # What was asked for cannot be written anew without what it was written from.
    is_spoilt = suggestion.is_asked and suggestion.is_concealed
    if is_spoilt or not is_still_true_of(suggestion, TenantNow.read(now)):
        withdraw(suggestion, actor)
        raise WithdrawnError()
    if suggestion.origin != Origin.TRIGGER or suggestion.edited_at is not None:
        with refusals_on_record(suggestion, actor, Verdict.REBASE), transaction.atomic():
            _read_again(suggestion, now)
            _note_rebase(suggestion, user, actor, now)
    elif bring_up_to_date(suggestion, actor=actor, now=now):
        with transaction.atomic():
            _note_rebase(suggestion, user, actor, now)
    else:
        suggestion.refresh_from_db(fields=["state"])
        if State(suggestion.state) not in sources_of(State.APPROVED):
            raise already_decided(suggestion.pk)
        withdraw(suggestion, actor)
        raise WithdrawnError()
    suggestion.refresh_from_db()
    suggestion.is_concealed = None
    return suggestion


def edit(
    *,
    suggestion_id: int,
    user: User,
    arguments: Mapping[str, JsonValue],
    now: datetime,
    seen_at: datetime | None = None,
    origin: Origin = Origin.PERSON,
) -> Suggestion:
    """Change what a suggestion would change; the record that it is about stays the same.

    Both versions are kept. What no longer fits a tool that has changed since may be mended like this.
    ``seen_at`` is the ``refreshed_at`` of the packet that the person looked at.

    Raises:
        SuggestionNotFoundError, DecisionPermissionError, PermissionRefusedError: refused.
        AlreadyDecidedError: somebody was first.
        ChangedSinceSeenError: the packet was refreshed after the person had looked at it.
        StaleError: the record has changed since; it is to be brought up to date first.
        UnknownToolError, InvalidArgumentsError, ReferenceRefusedError, ChangeNotPossibleError,
            RecordGoneError: it cannot be changed like this.
    """
    suggestion = editable(user, suggestion_id, origin)
    actor = Actor.for_person(user, origin)
    if seen_at is not None and seen_at != suggestion.refreshed_at:
        raise refusal_of(suggestion, State.APPROVED, read_at=seen_at)
    tool = tools.get(suggestion.tool)
    # What does not fit is said at its field, like that of any form, and is no refusal.
    typed = tool.parse(arguments)
    fixed = _fixed_of(tool, suggestion)
    if not tool.is_same_matter(fixed, typed):
        raise InvalidArgumentsError(tool.key, ["the record that it is about stays the same"])
    if not tool.values(typed) and not tool.is_more_than_fields:
        raise InvalidArgumentsError(tool.key, ["nothing is left to change"])
    with refusals_on_record(suggestion, actor, Verdict.EDIT):
        execution.check_permission(tool, tool.subject(typed).kind, user)
        execution.check_sight(tool.mentions(typed), user)
    tool.check(typed, user)
    edited = _edit_values(suggestion, tool, arguments, user=user, now=now)
    seen = read_seen(tool, typed)
    # Compared once more after it was read: what was edited outside meanwhile is not taken for seen.
    if moved := find_moved_of(suggestion):
        raise StaleError(moved)
    with transaction.atomic():
        _renew(suggestion, {**edited, **_seen_values(seen)}, now)
        insert(decision_on(suggestion, Verdict.EDIT, user, now))
        record(
            actor,
            Event.SUGGESTION_EDITED,
            suggestion,
            fields=[*changed_names(suggestion.arguments, arguments)],
        )
    suggestion.refresh_from_db()
    return suggestion


def _edit_values(
    suggestion: Suggestion,
    tool: Tool[Any],
    arguments: Mapping[str, JsonValue],
    *,
    user: User,
    now: datetime,
) -> dict[str, Any]:
    """The columns of a suggestion that a person has edited; back to the proposal is no edit."""
    proposed = suggestion.proposed_arguments or suggestion.arguments
    is_as_proposed = set(proposed) == set(arguments) and tool.fit(proposed) == tool.fit(arguments)
    return {
        "arguments": dict(arguments),
        "proposed_arguments": None if is_as_proposed else proposed,
        "edited_by": None if is_as_proposed else user,
        "edited_at": None if is_as_proposed else now,
    }


def changed_names(
    before: Mapping[str, JsonValue], after: Mapping[str, JsonValue]
) -> tuple[str, ...]:
    """The arguments that differ, those left out and those added among them; own fields each by its name."""
    one, other = flat(before), flat(after)
    names = {*one, *other}
    return tuple(sorted(name for name in names if one.get(name) != other.get(name)))


def _fixed_of(tool: Tool[Any], suggestion: Suggestion) -> dict[str, Any]:
    """What says which record is meant, also where the tool has changed since and the rest no longer fits.

    Raises:
        InvalidArgumentsError: that can no longer be told.
    """
    fitted = tool.fit(suggestion.arguments)
    names = [argument.name for argument in arguments_of(tool) if argument.is_fixed]
    if any(name not in fitted.values for name in names):
        raise InvalidArgumentsError(tool.key, [*fitted.problems])
    return {name: fitted.values[name] for name in names}


def editable(user: User, suggestion_id: int, origin: Origin) -> Suggestion:
    """Return what this person may edit as it stands; a refusal is on record.

    Raises:
        SuggestionNotFoundError, DecisionPermissionError, PermissionRefusedError, AlreadyDecidedError,
            StaleError, UnknownToolError, InvalidArgumentsError, RecordGoneError: as ``edit``.
    """
    suggestion = _changeable(user, suggestion_id, Verdict.EDIT, origin)
    with refusals_on_record(suggestion, Actor.for_person(user, origin), Verdict.EDIT):
        if suggestion.is_concealed:
            raise ConcealedError()
        tool = tools.get(suggestion.tool)
        _fixed_of(tool, suggestion)
        execution.check_permission(tool, record_of(suggestion).kind, user)
        if moved := find_moved_of(suggestion):
            raise StaleError(moved)
    return suggestion


def _changeable(
    user: User,
    suggestion_id: int,
    verdict: Verdict,
    origin: Origin,
    seen_at: datetime | None = None,
) -> Suggestion:
    suggestion = decidable(user, suggestion_id, verdict, origin, seen_at)
    if State(suggestion.state) not in sources_of(State.APPROVED):
        raise already_decided(suggestion.pk)
    return suggestion


def _note_rebase(suggestion: Suggestion, user: User, actor: Actor, now: datetime) -> None:
    insert(decision_on(suggestion, Verdict.REBASE, user, now))
    record(actor, Event.SUGGESTION_REBASED, suggestion)


def _read_again(suggestion: Suggestion, now: datetime) -> None:
    """Take over the values as they stand now, unless the packet has changed meanwhile."""
    tool = tools.get(suggestion.tool)
    seen = read_seen(tool, tool.parse(suggestion.arguments))
    _renew(suggestion, _seen_values(seen), now)


def _seen_values(seen: Seen) -> dict[str, Any]:
    return {
        "before_values": {key: dict(values) for key, values in seen.before.items()},
        "guard_values": {key: dict(values) for key, values in seen.guards.items()},
    }


def _renew(suggestion: Suggestion, values: Mapping[str, Any], now: datetime) -> None:
    """Write a new edition of the packet, unless it was decided or refreshed meanwhile."""
    moved = Suggestion.objects.filter(
        pk=suggestion.pk,
        state__in=sources_of(State.APPROVED),
        refreshed_at=suggestion.refreshed_at,
    ).update(**values, refreshed_at=edition_after(suggestion.refreshed_at, now))
    if not moved:
        raise refusal_of(suggestion, State.APPROVED)
