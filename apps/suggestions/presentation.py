"""What the pages, the admin and the API show of a suggestion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.crm.enums import RecordKind
from apps.execution.diff import build_diff, names_for
from apps.execution.exceptions import (
    ExecutionError,
    InvalidArgumentsError,
    RecordMergedError,
)
from apps.execution.models import Execution
from apps.execution.schemas import Diff, JsonValue
from apps.execution.services import UndoPlan, plan_undo
from apps.execution.tools import registry as tools
from apps.suggestions import rules
from apps.suggestions.enums import State
from apps.suggestions.learning.rules import MINIMUM_DECISIONS
from apps.suggestions.models import Suggestion
from apps.suggestions.services import may_decide, seen_of
from apps.suggestions.services.merges import later_merge_of
from apps.tenants.templatetags.aisha_ui import money, percent
from apps.triggers.enums import Severity
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class ShownUndo:
    """What an undo would do, or why it cannot be done (``refusal`` is empty when it can)."""

    refusal: str
    plan: UndoPlan | None
    side_effects: tuple[str, ...]
    # The merge that has to be undone first, where the person may see it.
    later_merge: Suggestion | None = None


def undo_of(suggestion: Suggestion, viewer: User, now: datetime) -> ShownUndo:
    """Say what taking back an applied suggestion would do, or why it cannot be done."""
    execution = suggestion.execution
    if suggestion.state != State.APPLIED or execution is None:
        return ShownUndo("It is not applied.", None, ())
    try:
        plan = plan_undo(execution, viewer=viewer, now=now)
    except ExecutionError as error:
        is_merged_on = isinstance(error, RecordMergedError)
        later = later_merge_of(suggestion, viewer) if is_merged_on else None
        return ShownUndo(error.message, None, (), later)
    refusal = refusal_for(viewer, suggestion)
    if not plan.is_worthwhile:
        names = ", ".join(row.label for row in plan.staying)
        refusal = f"What would be put back has been edited since: {names}."
    return ShownUndo(refusal, plan, _side_effects_of(execution))


def _side_effects_of(execution: Execution) -> tuple[str, ...]:
    """What an applied change did besides, as far as its arguments can still be read."""
    tool = tools.get(execution.tool)
    try:
        return tool.side_effects(tool.parse(execution.arguments))
    except InvalidArgumentsError:
        return (tool.consequences,)


def diffs_of(suggestions: Sequence[Suggestion], viewer: User) -> dict[int, Diff]:
    """What each of these suggestions would change, by id, without those that can no longer be made.

    Nor of those whose texts this person may not read.

    A constant number of queries for one tool, however many there are; of merges each asks more of its own.
    """
    by_tool: dict[str, list[Suggestion]] = {}
    for suggestion in suggestions:
        if suggestion.tool in tools and not suggestion.is_concealed:
            by_tool.setdefault(suggestion.tool, []).append(suggestion)
    diffs = {}
    for key, group in by_tool.items():
        changes = ((suggestion.arguments, seen_of(suggestion)) for suggestion in group)
        names = names_for(tools.get(key), changes, viewer)
        for suggestion in group:
            try:
                diffs[suggestion.pk] = diff_of(suggestion, viewer, names)
            except InvalidArgumentsError:
                continue
    return diffs


def diff_of(
    suggestion: Suggestion, viewer: User, names: Mapping[tuple[str, int], str] | None = None
) -> Diff:
    """Return what the suggestion would change, from the values it was shown with, as this person reads it.

    ``names`` are names of referenced rows, by (column, id), that need not be looked up.

    Raises:
        UnknownToolError, InvalidArgumentsError: the tool is gone or its schema has changed.
    """
    return build_diff(
        tools.get(suggestion.tool),
        suggestion.arguments,
        seen_of(suggestion),
        record_label=suggestion.record_label,
        viewer=viewer,
        known_names={**(names or {}), **_known_names(suggestion)},
        proposed=suggestion.proposed_arguments,
        edited_by=suggestion.edited_by.display_name if suggestion.edited_by else "",
        noted=_note_of(suggestion),
    )


def _note_of(suggestion: Suggestion) -> JsonValue:
    """What its tool noted when it was applied; nothing where it is not, or no longer."""
    if suggestion.state != State.APPLIED or suggestion.execution is None:
        return None
    note: JsonValue = suggestion.execution.note
    return note


def _known_names(suggestion: Suggestion) -> dict[tuple[str, int], str]:
    """What the packet itself knows of the rows that its change refers to."""
    names = {(f"{suggestion.record_kind}_id", suggestion.record_id): suggestion.record_label}
    if suggestion.assignee is not None:
        names["owner_id", suggestion.assignee.pk] = suggestion.assignee.display_name
    return names


def explain_rank(suggestion: Suggestion) -> str:
    """Why the suggestion stands where it does, for whoever points at it."""
    value = "an unknown value"
    if suggestion.value_at_stake is not None:
        value = money(suggestion.value_at_stake, suggestion.currency)
    urgency = Severity(suggestion.urgency).label.lower()
    if suggestion.is_asked:
        return f"Ranked by {value} at stake, urgency: {urgency}; it was asked for"
    acceptance = rules.acceptance_in(
        suggestion.rank, value_at_stake=suggestion.value_at_stake, urgency=suggestion.urgency
    )
    accepted = percent(min(acceptance, 1.0))
    return f"Ranked by {value} at stake, urgency: {urgency}, expected acceptance: {accepted}"


def explain_confidence(suggestion: Suggestion) -> str:
    """What the confidence rests on, in a sentence."""
    if suggestion.is_asked:
        return "Not measured: it was asked for"
    if suggestion.confidence is None:
        needed = MINIMUM_DECISIONS
        return f"Not yet measured: {suggestion.confidence_n} of {needed} decisions about this kind"
    rate, decided = percent(suggestion.confidence), suggestion.confidence_n
    if suggestion.likelihood is not None:
        # Kept in whole percent, what is nearly certain would read as if it were.
        probable = percent(min(suggestion.likelihood, 0.999))
        return (
            f"Expected to be accepted {rate} of the time: the finding itself is {probable} probable,"
            f" and there are {decided} decisions about this kind"
        )
    return f"Expected to be accepted {rate} of the time, by {decided} decisions about this kind"


def refusal_for(viewer: User, suggestion: Suggestion) -> str:
    """Why this person may not decide on it, whatever it says; an empty text when they may."""
    if not may_decide(viewer):
        return "You may look at suggestions but not decide on them."
    tool = tools.get(suggestion.tool)
    if not viewer.has_perms(tool.permissions(RecordKind(suggestion.record_kind))):
        return "Your role does not allow this kind of change."
    return ""
