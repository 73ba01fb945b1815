"""Everything that the right-hand pane of the queue shows of a suggestion; the API tells it too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

from django.utils import timezone

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.crm.look_alikes import LookAlikes
from apps.crm.models import ChangeLog
from apps.execution.custom_names import column_of
from apps.execution.descriptions import arguments_of
from apps.execution.diff import label_of, text_of
from apps.execution.exceptions import (
    ExecutionError,
    InvalidArgumentsError,
    RecordGoneError,
)
from apps.execution.schemas import Diff, FieldDiff, Seen, ValueMoved
from apps.execution.services import undoable_until
from apps.execution.tools import registry as tools
from apps.execution.tools.base import CURRENCY_FIELD
from apps.suggestions.enums import State
from apps.suggestions.evidence import ShownClaim, evidence_of
from apps.suggestions.likeness import look_alikes_of
from apps.suggestions.models import Suggestion, SuggestionSignal
from apps.suggestions.presentation import (
    diff_of,
    explain_confidence,
    explain_rank,
    refusal_for,
)
from apps.suggestions.rules import sources_of
from apps.suggestions.services import find_moved_of, seen_of
from apps.suggestions.wishes import Wish, wish_of
from apps.tenants.statements import ID_PLACE, Prepared, prepare_rows
from apps.triggers.rules import registry as triggers
from apps.users.models import User
from apps.users.statements import ROW_PLACE, RowsStatement

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


def present(suggestion: Suggestion, viewer: User) -> Detail:
    """Gather what one person sees of one suggestion."""
    diff, stale, refusal = _compare(suggestion, viewer)
    entries: list[AuditEntry] = _statement_of_entries().rows_for(None, suggestion.pk)
    if diff is not None and suggestion.edited_at is not None:
        diff = _with_editors(diff, entries)
    if not refusal:
        refusal = refusal_for(viewer, suggestion)
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
        history=history_of(suggestion, entries),
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
            str(entry.details.get("edition"))
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
    if suggestion.is_concealed or suggestion.tool not in tools or refusal_for(viewer, suggestion):
        return False
    tool = tools.get(suggestion.tool)
    fitted = tool.fit(suggestion.arguments).values
    return all(argument.name in fitted for argument in arguments_of(tool) if argument.is_fixed)


def _with_editors(diff: Diff, entries: Sequence[AuditEntry]) -> Diff:
    """Say of each field who changed it last or left it out, as the log has it."""
    editors: dict[str, str] = {}
    for entry in entries:
        if entry.event == Event.SUGGESTION_EDITED:
            for part in ("fields", "left_out"):
                names = entry.details.get(part)
                if isinstance(names, list):
                    editors |= dict.fromkeys(map(str, names), entry.actor_name)

    def named(rows: Sequence[FieldDiff]) -> tuple[FieldDiff, ...]:
        return tuple(
            row
            if row.origin_label == "proposed"
            else replace(row, edited_by=editors.get(row.field, diff.edited_by))
            for row in rows
        )

    return replace(diff, rows=named(diff.rows), left_out=named(diff.left_out))


def _undoable_until(suggestion: Suggestion, viewer: User) -> datetime | None:
    execution = suggestion.execution
    if suggestion.state != State.APPLIED or execution is None:
        return None
    until = undoable_until(execution, now=timezone.now())
    # Only a tool that is there can say who may use it.
    return None if until is None or refusal_for(viewer, suggestion) else until


def trigger_labels_of(suggestion: Suggestion) -> tuple[str, ...]:
    """Return the names of the triggers whose signals the suggestion rests on."""
    keys = _statement_of_triggers().fetch(suggestion.pk)
    return tuple(sorted({triggers.label(key) for (key,) in keys}))


@cache
def _statement_of_triggers() -> Prepared:
    """The triggers of the signals behind one suggestion."""
    links = SuggestionSignal.objects.filter(suggestion=ID_PLACE.mark).order_by()
    return prepare_rows(links.values_list("signal__trigger"), ID_PLACE)


@cache
def _statement_of_entries() -> RowsStatement:
    """What is on record of one suggestion, oldest first."""
    return RowsStatement.of(AuditEntry.objects.of_suggestion(ROW_PLACE))


def history_of(suggestion: Suggestion, entries: Sequence[AuditEntry]) -> tuple[HistoryLine, ...]:
    """Return what was done with the suggestion, in the order of the entries; who read it tells the story."""
    is_rejected = any(entry.event == Event.SUGGESTION_REJECTED for entry in entries)
    remarks = suggestion.remarks() if is_rejected else iter(())
    return tuple(
        HistoryLine(
            occurred_at=entry.occurred_at,
            actor_name=entry.actor_name if entry.actor_id else "AiSHA",
            wording=Event.wording(entry.event),
            detail=_detail_of(entry, remarks),
        )
        for entry in entries
        if entry.event != Event.SUGGESTION_SHOWN
    )


def _detail_of(entry: AuditEntry, remarks: Iterator[str]) -> str:
    """Why it was done, and what the person wrote beside it."""
    reason = str(entry.details.get("reason", "")).replace("_", " ")
    remark = next(remarks, "") if entry.event == Event.SUGGESTION_REJECTED else ""
    return ": ".join(filter(None, (reason, remark)))


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
        moved = find_moved_of(suggestion)
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
                seen_text=text_of(
                    ref.kind, field, change.seen, viewer=viewer, currency=then.get(ref, "")
                ),
                now_text=text_of(
                    ref.kind, field, change.now, viewer=viewer, currency=now.get(ref, "")
                ),
                changed_by=last.actor_name if last else "",
                changed_at=last.changed_at if last else None,
            )
        )
    return tuple(shown)
