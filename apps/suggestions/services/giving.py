"""Giving a suggestion to somebody else, or to nobody in particular."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.execution.exceptions import UnknownToolError
from apps.execution.schemas import JsonValue
from apps.execution.tools import registry as tools
from apps.suggestions.enums import AWAITING_PERSON, HeldBack, State, Verdict
from apps.suggestions.exceptions import AssigneeRefusedError
from apps.suggestions.models import Suggestion
from apps.suggestions.rules import edition_after
from apps.suggestions.services.access import decidable, may_decide, sees_records_of
from apps.suggestions.services.moves import (
    already_decided,
    decision_on,
    record,
    refusal_of,
    telling_another_open,
)
from apps.tenants.writing import insert
from apps.users.models import User
from apps.users.rules import assignable_people

# What is decided, or being written, stays where it is.
REASSIGNABLE = AWAITING_PERSON


def reassign(
    *,
    suggestion_id: int,
    user: User,
    to: User | None,
    now: datetime,
    seen_at: datetime | None = None,
    origin: Origin = Origin.PERSON,
) -> Suggestion:
    """Give an undecided suggestion to somebody, or with None to whoever takes it; nothing is written.

    It enters their queue at once, whatever their number a day. A task that it would make for the former
    assignee is for the new one then. The pipeline leaves it with them while the record is whose it was.

    Raises:
        SuggestionNotFoundError, DecisionPermissionError, AlreadyDecidedError: refused.
        AssigneeRefusedError: the person has left, may not decide, or may not see the records; or a rep
            gives to somebody outside of their team.
        ChangedSinceSeenError: it was refreshed after the person had looked at it (``seen_at``), or given to
            somebody at this moment.
        AnotherOpenError: it was asked for, and they have asked for such a change themselves.
    """
    suggestion = decidable(user, suggestion_id, Verdict.REASSIGN, origin, seen_at)
    if State(suggestion.state) not in REASSIGNABLE:
        raise already_decided(suggestion.pk)
    if to == suggestion.assignee:
        return suggestion
    if to is not None:
        _require_assignable(suggestion, to, by=user)
    with telling_another_open(), transaction.atomic():
        moved = Suggestion.objects.filter(
            pk=suggestion.pk,
            state=suggestion.state,
            refreshed_at=suggestion.refreshed_at,
            assignee=suggestion.assignee,
        ).update(**_given_values(suggestion, to, user, now))
        if not moved:
            raise refusal_of(suggestion, State.APPROVED)
        insert(decision_on(suggestion, Verdict.REASSIGN, user, now))
        record(
            Actor.for_person(user, origin),
            Event.SUGGESTION_REASSIGNED,
            suggestion,
            to_id=to.pk if to else None,
            to_name=to.display_name if to else "",
            from_id=suggestion.assignee_id,
        )
    suggestion.refresh_from_db()
    return suggestion


def possible_assignees(suggestion: Suggestion, by: User) -> QuerySet[User]:
    """To whom this person can offer it, by name; who may not see a record in it is told so when chosen."""
    people = User.objects.filter(assignable_people(by))
    if suggestion.assignee is not None:
        people = people.exclude(pk=suggestion.assignee.pk)
    meant_for = suggestion.meant_for
    if meant_for is not None:
        overseers = User.objects.with_perm("users.see_all_records")
        colleagues = Q(pk=meant_for.pk) | Q(pk__in=overseers)
        if meant_for.team_id is not None:
            colleagues |= Q(team_id=meant_for.team_id)
        people = people.filter(colleagues)
    deciders = User.objects.with_perm("suggestions.decide_suggestion")
    return people.filter(pk__in=deciders).order_by("first_name", "last_name", "pk")


def _require_assignable(suggestion: Suggestion, to: User, *, by: User) -> None:
    if not User.objects.filter(assignable_people(by), username=to.username).exists():
        raise AssigneeRefusedError("You cannot give suggestions to this person.")
    if why := _why_not(suggestion, to):
        raise AssigneeRefusedError(why)


def _why_not(suggestion: Suggestion, person: User) -> str:
    """Why it cannot be this person's; empty when it can."""
    if not may_decide(person):
        return f"{person} may not decide on suggestions."
    # As if it were theirs already: what they see of others' makes no difference then.
    is_visible = Suggestion.objects.filter(pk=suggestion.pk).of_seen_records(person).exists()
    if not is_visible or not sees_records_of(person, suggestion):
        return f"{person} may not see a record that this is about."
    return ""


def _given_values(
    suggestion: Suggestion, to: User | None, by: User, now: datetime
) -> dict[str, Any]:
    is_taken_back = to == suggestion.meant_for
    values: dict[str, Any] = {
        "assignee": to,
        "given_by": None if is_taken_back else by,
        "given_for": None if is_taken_back else suggestion.meant_for,
        "held_back": HeldBack.NO,
        "queued_at": suggestion.queued_at or now,
    }
    arguments = _for_new_doer(suggestion, to)
    if arguments is not None:
        edition = edition_after(suggestion.refreshed_at, now)
        values |= {"arguments": arguments, "refreshed_at": edition}
    return values


def _for_new_doer(suggestion: Suggestion, to: User | None) -> Mapping[str, JsonValue] | None:
    """The arguments with the new assignee in the place of the former; None where they say nothing of it."""
    try:
        tool = tools.get(suggestion.tool)
    except UnknownToolError:
        return None
    owner_id = suggestion.arguments.get("owner_id")
    if not tool.is_creation or owner_id is None or owner_id != suggestion.assignee_id:
        return None
    return {**suggestion.arguments, "owner_id": to.pk if to else None}
