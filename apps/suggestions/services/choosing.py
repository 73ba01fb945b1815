"""Choosing what survives a merge, field by field, or which record: an edit like any other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from apps.audit.enums import Origin
from apps.execution import merge_choices
from apps.execution.custom_fields import definitions_of
from apps.execution.custom_names import custom_names, flat
from apps.execution.enums import ValueChoice
from apps.execution.schemas import JsonValue, Seen
from apps.execution.tools import registry as tools
from apps.execution.tools.merge_arguments import MergeDuplicatesArguments
from apps.suggestions.exceptions import InvalidDecisionError
from apps.suggestions.models import Suggestion
from apps.suggestions.services.access import seen_of
from apps.suggestions.services.updating import edit, editable
from apps.users.models import User


def choose(
    *,
    suggestion_id: int,
    user: User,
    choices: Mapping[str, ValueChoice],
    is_swapped: bool,
    seen_at: datetime,
    now: datetime,
) -> Suggestion:
    """Save whose values survive a merge or, with ``is_swapped``, that the other record does.

    Where that is what stands there already, the suggestion stays as it is.

    Raises:
        InvalidDecisionError: it merges nothing, or a field is chosen that it has not.
        As ``edit``.
    """
    suggestion = editable(user, suggestion_id, Origin.PERSON)
    typed = tools.get(suggestion.tool).parse(suggestion.arguments)
    if not isinstance(typed, MergeDuplicatesArguments):
        raise InvalidDecisionError()
    seen = seen_of(suggestion)
    arguments = merge_choices.swap(typed, seen) if is_swapped else _chosen(typed, seen, choices)
    if arguments == suggestion.arguments:
        return suggestion
    return edit(
        suggestion_id=suggestion_id, user=user, arguments=arguments, seen_at=seen_at, now=now
    )


def _chosen(
    typed: MergeDuplicatesArguments, seen: Seen, choices: Mapping[str, ValueChoice]
) -> dict[str, JsonValue]:
    own = flat(seen.by_record()[typed.survivor])
    own |= dict.fromkeys(custom_names(definitions_of(typed.survivor.kind)))
    if not choices.keys() <= own.keys():
        raise InvalidDecisionError()
    return merge_choices.choose(typed, seen, choices)
