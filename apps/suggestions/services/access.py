"""Who may see a suggestion and decide on it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from apps.audit.enums import Origin
from apps.audit.schemas import Actor
from apps.crm.enums import RecordKind
from apps.execution import services as execution
from apps.execution.exceptions import InvalidArgumentsError, UnknownToolError
from apps.execution.schemas import RecordRef, Seen
from apps.execution.tools import registry as tools
from apps.suggestions.enums import Verdict
from apps.suggestions.exceptions import (
    ChangedSinceSeenError,
    DecisionPermissionError,
    SuggestionNotFoundError,
)
from apps.suggestions.models import Suggestion
from apps.suggestions.services.refusing import record_reach
from apps.tenants.enums import Module
from apps.tenants.exceptions import ModuleOffError
from apps.tenants.services import require_module
from apps.triggers.services import current_tenant
from apps.users.models import User

VIEW_PERMISSION = "suggestions.view_suggestion"


def may_view(user: User) -> bool:
    """Whether the person's role includes to see suggestions at all."""
    return user.has_perm(VIEW_PERMISSION)


def get_for(user: User, suggestion_id: int) -> Suggestion:
    """Return a suggestion that this person may see, with every record that it names.

    Raises:
        SuggestionNotFoundError: there is none, or they may not.
    """
    found: Suggestion | None = (
        Suggestion.objects.visible_to(user)
        .select_related("assignee", "reviewed_by", "edited_by", "execution")
        .with_fall_back()
        .filter(pk=suggestion_id)
        .first()
    )
    if found is None or not sees_records_of(user, found):
        raise SuggestionNotFoundError()
    return found


def visible_by_id(user: User, ids: Collection[int]) -> dict[int, Suggestion]:
    """Return those of the suggestions that this person may see, with every record that they name.

    A constant number of queries, however many there are.
    """
    found = (
        Suggestion.objects.visible_to(user)
        .select_related("assignee", "edited_by")
        .filter(pk__in=ids)
    )
    return {suggestion.pk: suggestion for suggestion in without_hidden(user, found)}


def without_hidden(user: User, suggestions: Iterable[Suggestion]) -> list[Suggestion]:
    """Leave out those that name a record which the person does not see, by a query for each kind."""
    named = [(suggestion, _named_besides(suggestion)) for suggestion in suggestions]
    hidden = execution.hidden_records(user, {ref for _, refs in named for ref in refs})
    return [suggestion for suggestion, refs in named if not refs & hidden]


def sees_records_of(user: User, suggestion: Suggestion) -> bool:
    """Whether the person may see what a suggestion names besides its own record, as it stands now."""
    return execution.sees_records(user, _named_besides(suggestion))


def _named_besides(suggestion: Suggestion) -> set[RecordRef]:
    named = {*seen_of(suggestion).by_record(), *_mentions_of(suggestion)}
    return named - {record_of(suggestion)}


def seen_of(suggestion: Suggestion) -> Seen:
    """The values that the suggestion was shown with."""
    return Seen(before=suggestion.before_values, guards=suggestion.guard_values)


def record_of(suggestion: Suggestion) -> RecordRef:
    """The record that the suggestion is about."""
    return RecordRef(RecordKind(suggestion.record_kind), suggestion.record_id)


def _mentions_of(suggestion: Suggestion) -> tuple[RecordRef, ...]:
    """The records in the change's arguments; none when the change can no longer be read."""
    try:
        tool = tools.get(suggestion.tool)
        return tool.mentions(tool.parse(suggestion.arguments))
    except (UnknownToolError, InvalidArgumentsError):
        return ()


def may_decide(user: User) -> bool:
    """Whether the person may decide on suggestions at all; who may not see them may not."""
    return may_view(user) and user.has_perm("suggestions.decide_suggestion")


def decidable(
    user: User,
    suggestion_id: int,
    verdict: Verdict,
    origin: Origin,
    seen_at: datetime | None = None,
) -> Suggestion:
    """Return what this person may decide on; a refusal is on record with what they wanted.

    ``seen_at`` is the ``refreshed_at`` of the packet that they looked at.

    Raises:
        ChangedSinceSeenError: the packet was refreshed after they had looked at it.
        ModuleOffError: suggestions are switched off for the company.
        SuggestionNotFoundError, DecisionPermissionError: see there.
    """
    try:
        require_module(current_tenant(), Module.SUGGESTIONS)
        suggestion = get_for(user, suggestion_id)
        if not may_decide(user):
            raise DecisionPermissionError()
    except (ModuleOffError, SuggestionNotFoundError, DecisionPermissionError) as error:
        record_reach(Actor.for_person(user, origin), verdict, [suggestion_id], error)
        raise
    if seen_at is not None and seen_at != suggestion.refreshed_at:
        raise ChangedSinceSeenError()
    return suggestion
