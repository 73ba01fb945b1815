"""What the pages, the admin and the API show of a suggestion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils import timezone

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.crm.enums import RecordKind
from apps.crm.look_alikes import LookAlikes
from apps.crm.models import ChangeLog
from apps.execution.custom_names import column_of
from apps.execution.descriptions import arguments_of
from apps.execution.diff import build_diff, label_of, names_for, text_of
from apps.execution.exceptions import (
    ExecutionError,
    InvalidArgumentsError,
    RecordGoneError,
    RecordMergedError,
)
from apps.execution.models import Execution
from apps.execution.schemas import Diff, FieldDiff, JsonValue, RecordRef, Seen, ValueMoved
from apps.execution.services import UndoPlan, find_moved, hidden_records, plan_undo, undoable_until
from apps.execution.tools import registry as tools
from apps.execution.tools.base import CURRENCY_FIELD
from apps.suggestions import rules
from apps.suggestions.enums import State
from apps.suggestions.learning.rules import MINIMUM_DECISIONS
from apps.suggestions.likeness import look_alikes_of
from apps.suggestions.models import Suggestion
from apps.suggestions.rules import sources_of
from apps.suggestions.services import may_decide, record_of, seen_of
from apps.suggestions.services.merges import later_merge_of
from apps.suggestions.wishes import WISH, Wish, is_own_wish, sees_words, wish_of
from apps.tenants.templatetags.aisha_ui import money, percent
from apps.triggers.enums import Severity
from apps.triggers.rules import registry as triggers
from apps.users.models import User

# Why a suggestion cannot be approved whose tool has changed since; an edit mends it.
OUTGROWN = (
    "What can be written here has changed since this was suggested."
    " Edit it: what no longer fits is marked."
)
HOSTILE_NOTICE = (
    "A text of this record reads like instructions to an AI; it was not shown to the language"
    " model."
)
ASKED_HOSTILE_NOTICE = (
    "What was asked, or a text of this record, reads like instructions to an AI."
    " Read what would change with care."
)
HIDDEN_CLAIM = "This stands in a record that you may not see any more."


@dataclass(frozen=True, slots=True)
class ShownFact:
    """One numbered fact with the way to its record."""

    number: int
    label: str
    text: str
    occurred_at: datetime | None
    url: str | None


@dataclass(frozen=True, slots=True)
class ShownClaim:
    """One sentence of the evidence with its facts."""

    text: str
    facts: tuple[ShownFact, ...]


@dataclass(frozen=True, slots=True)
class ShownChange:
    """One value that has changed since the suggestion was made."""

    label: str
    seen_text: str
    now_text: str
    changed_by: str
    changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Stale:
    """What has changed since; empty when it was written from what the reader may not see any more."""

    changes: tuple[ShownChange, ...]


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One thing that happened to the suggestion."""

    occurred_at: datetime
    actor_name: str
    wording: str
    detail: str


@dataclass(frozen=True, slots=True)
class Detail:
    """Everything that the right-hand pane shows."""

    diff: Diff | None
    evidence: tuple[ShownClaim, ...]
    # Who asked for it, and how; None where a trigger led to it.
    wish: Wish | None
    # What the reader is to know of its texts, empty as a rule.
    notice: str
    side_effects: tuple[str, ...]
    # The records like the one that would be made.
    look_alikes: LookAlikes
    history: tuple[HistoryLine, ...]
    stale: Stale | None
    can_decide: bool
    refusal: str
    trigger_labels: tuple[str, ...]
    tool_label: str
    rank_basis: str
    confidence_basis: str
    # Whether single fields may be accepted, whether it may be edited, and until when an applied one can be
    # undone.
    takes_parts: bool
    can_edit: bool
    undoable_until: datetime | None
    # The editions that the viewer has been shown before (``shown.edition_of``).
    editions_shown: frozenset[str]


@dataclass(frozen=True, slots=True)
class ShownUndo:
    """What an undo would do, or why it cannot be done (``refusal`` is empty when it can)."""

    refusal: str
    plan: UndoPlan | None
    side_effects: tuple[str, ...]
    # The merge that has to be undone first, where the person may see it.
    later_merge: Suggestion | None = None


def present(suggestion: Suggestion, viewer: User) -> Detail:
    """Gather what one person sees of one suggestion."""
    diff, stale, refusal = _compare(suggestion, viewer)
    entries = list(AuditEntry.objects.of_suggestion(suggestion.pk))
    if diff is not None and suggestion.edited_at is not None:
        diff = _with_editors(diff, entries)
    if not refusal:
        refusal = _refusal(suggestion, viewer)
    is_undecided = State(suggestion.state) in sources_of(State.APPROVED)
    is_mendable = diff is None and is_undecided and _can_be_mended(suggestion, viewer)
    if is_mendable:
        refusal = OUTGROWN
    return Detail(
        diff=diff,
        evidence=evidence_of(suggestion, viewer),
        wish=wish_of(suggestion, viewer),
        notice=_notice_of(suggestion),
        side_effects=diff.side_effects if diff else (),
        look_alikes=look_alikes_of(suggestion, viewer),
        history=history_of(entries),
        stale=stale,
        can_decide=not refusal,
        refusal=refusal,
        trigger_labels=trigger_labels_of(suggestion),
        tool_label=diff.tool_label if diff else suggestion.tool,
        rank_basis=explain_rank(suggestion),
        confidence_basis=explain_confidence(suggestion),
        takes_parts=diff is not None and len(diff.rows) > 1 and tools.get(suggestion.tool).partial,
        can_edit=is_mendable or (is_undecided and not refusal and stale is None),
        undoable_until=_undoable_until(suggestion, viewer),
        editions_shown=frozenset(
            entry.details["edition"]
            for entry in entries
            if entry.event == Event.SUGGESTION_SHOWN and entry.actor_id == viewer.pk
        ),
    )


def _notice_of(suggestion: Suggestion) -> str:
    if not suggestion.hostile_codes:
        return ""
    return ASKED_HOSTILE_NOTICE if suggestion.is_asked else HOSTILE_NOTICE


def _can_be_mended(suggestion: Suggestion, viewer: User) -> bool:
    """Whether its tool is there and reads other arguments than were stored."""
    if suggestion.is_concealed or suggestion.tool not in tools or _refusal(suggestion, viewer):
        return False
    tool = tools.get(suggestion.tool)
    fitted = tool.fit(suggestion.arguments).values
    return all(argument.name in fitted for argument in arguments_of(tool) if argument.is_fixed)


def _with_editors(diff: Diff, entries: Sequence[AuditEntry]) -> Diff:
    """Say of each field who changed it last or left it out, as the log has it."""
    editors: dict[str, str] = {}
    for entry in entries:
        if entry.event == Event.SUGGESTION_EDITED:
            names = (*entry.details.get("fields", ()), *entry.details.get("left_out", ()))
            editors |= dict.fromkeys(names, entry.actor_name)

    def named(rows: Sequence[FieldDiff]) -> tuple[FieldDiff, ...]:
        return tuple(
            row
            if row.origin_label == "proposed"
            else replace(row, edited_by=editors.get(row.field, diff.edited_by))
            for row in rows
        )

    return replace(diff, rows=named(diff.rows), left_out=named(diff.left_out))


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
    refusal = _refusal(suggestion, viewer)
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


def _undoable_until(suggestion: Suggestion, viewer: User) -> datetime | None:
    execution = suggestion.execution
    if suggestion.state != State.APPLIED or execution is None:
        return None
    until = undoable_until(execution, now=timezone.now())
    # Only a tool that is there can say who may use it.
    return None if until is None or _refusal(suggestion, viewer) else until


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


def evidence_of(suggestion: Suggestion, viewer: User) -> tuple[ShownClaim, ...]:
    """Return the claims with their facts.

    A fact was readable for the assignee when it was gathered. One whose record has been given to others since
    is left out, and so is what was said of it.
    """
    refs = {
        row["number"]: RecordRef.parse(row["record"]) for row in suggestion.facts if row["record"]
    }
    others = {ref for ref in refs.values() if ref != record_of(suggestion)}
    hidden = hidden_records(viewer, others)
    facts = {
        row["number"]: ShownFact(
            number=row["number"],
            label=_label_of(row, suggestion, viewer),
            text=row["text"],
            occurred_at=datetime.fromisoformat(row["occurred_at"]) if row["occurred_at"] else None,
            url=refs[row["number"]].address if row["number"] in refs else None,
        )
        for row in suggestion.facts
        if refs.get(row["number"]) not in hidden
    }
    left_out = {number for number, ref in refs.items() if ref in hidden}
    if suggestion.is_asked and not sees_words(suggestion, viewer):
        left_out.add(WISH)
        facts.pop(WISH, None)
    return tuple(
        ShownClaim(HIDDEN_CLAIM, ())
        if left_out & {*claim["facts"]}
        else ShownClaim(
            claim["text"], tuple(facts[number] for number in claim["facts"] if number in facts)
        )
        for claim in suggestion.evidence
    )


def _label_of(fact: Mapping[str, Any], suggestion: Suggestion, viewer: User) -> str:
    """The label of a fact; what a person asked is told to others as what was asked."""
    is_of_others = suggestion.is_asked and not is_own_wish(suggestion, viewer)
    return "Asked" if is_of_others and fact["number"] == WISH else str(fact["label"])


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


def trigger_labels_of(suggestion: Suggestion) -> tuple[str, ...]:
    """Return the names of the triggers whose signals the suggestion rests on."""
    keys = suggestion.links.order_by().values_list("signal__trigger", flat=True)
    return tuple(sorted({triggers.label(key) for key in keys}))


def history_of(entries: Sequence[AuditEntry]) -> tuple[HistoryLine, ...]:
    """Return what was done with the suggestion, in the order of the entries; who read it tells the story."""
    return tuple(
        HistoryLine(
            occurred_at=entry.occurred_at,
            actor_name=entry.actor_name if entry.actor_id else "AiSHA",
            wording=Event(entry.event).label,
            detail=str(entry.details.get("reason", "")).replace("_", " "),
        )
        for entry in entries
        if entry.event != Event.SUGGESTION_SHOWN
    )


def _compare(suggestion: Suggestion, viewer: User) -> tuple[Diff | None, Stale | None, str]:
    """The diff, what has changed since, and why it cannot be decided (an empty text when it can)."""
    if suggestion.is_concealed:
        is_undecided = State(suggestion.state) in sources_of(State.APPROVED)
        return None, Stale(()) if is_undecided else None, ""
    try:
        diff = diff_of(suggestion, viewer)
        if suggestion.state not in State.open_values():
            return diff, None, ""
        seen = seen_of(suggestion)
        moved = find_moved(seen)
    except RecordGoneError as error:
        return diff, None, error.message
    except InvalidArgumentsError as error:
        # What was decided stays decided, and an applied one can be undone, whatever its tool reads now.
        is_undecided = State(suggestion.state) in sources_of(State.APPROVED)
        return None, None, error.message if is_undecided else ""
    except ExecutionError as error:
        return None, None, error.message
    return diff, Stale(_shown_changes(seen, moved, viewer)) if moved else None, ""


def _shown_changes(
    seen: Seen, moved: Sequence[ValueMoved], viewer: User
) -> tuple[ShownChange, ...]:
    """Each moved value then and now, amounts in the currency of then and of now."""
    then = {ref: str(values.get(CURRENCY_FIELD) or "") for ref, values in seen.by_record().items()}
    now = then | {
        change.record: str(change.now or "") for change in moved if change.field == CURRENCY_FIELD
    }
    shown = []
    for change in moved:
        ref, field = change.record, change.field
        last = (
            ChangeLog.objects.of_record(ref.kind, ref.id)
            .filter(changes__has_key=column_of(field))
            .first()
        )
        shown.append(
            ShownChange(
                label=label_of(ref.kind, field),
                seen_text=text_of(ref.kind, field, change.seen, viewer=viewer, currency=then[ref]),
                now_text=text_of(ref.kind, field, change.now, viewer=viewer, currency=now[ref]),
                changed_by=last.actor_name if last else "",
                changed_at=last.changed_at if last else None,
            )
        )
    return tuple(shown)


def _refusal(suggestion: Suggestion, viewer: User) -> str:
    if not may_decide(viewer):
        return "You may look at suggestions but not decide on them."
    tool = tools.get(suggestion.tool)
    if not viewer.has_perms(tool.permissions(RecordKind(suggestion.record_kind))):
        return "Your role does not allow this kind of change."
    return ""
