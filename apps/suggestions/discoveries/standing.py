"""How the suggestion of a finding stands: waiting, held back, snoozed, or why there is none."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format

from apps.suggestions.enums import HeldBack, State
from apps.suggestions.models import NothingProposed, Suggestion
from apps.suggestions.services import may_view, visible_by_id
from apps.triggers.models import Signal, Silence
from apps.triggers.rules import registry as triggers
from apps.users.models import User

# The record and the goal that a suggestion is for.
Key = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """The open suggestion of a finding, as far as the person may see it, and how it stands.

    ``note`` says why there is none, or why it does not wait in the queue; it is empty where it does.
    """

    suggestion: Suggestion | None
    note: str
    is_inhibited: bool = False


def read_standings(user: User, signals: Collection[Signal], now: datetime) -> dict[int, Standing]:
    """How the suggestion of each signal stands, by the signal's id; the signals know their inhibitors.

    A constant number of statements, however many signals there are.
    """
    if not signals:
        return {}
    waiting = _open_suggestions(signals)
    visible = visible_by_id(user, waiting.keys()) if may_view(user) else {}
    seen = {key: visible[pk] for pk, key in waiting.items() if pk in visible}
    waiting_for = {*waiting.values()}
    silences = _silences(signals, now)
    fruitless = {
        _key_of(row): row.asked_at for row in NothingProposed.objects.filter(_of_records(signals))
    }
    standings = {}
    for signal in signals:
        key = _key_of(signal)
        above: str | None = signal.inhibited_by  # type: ignore[attr-defined]
        if (suggestion := seen.get(key)) is not None:
            standings[signal.pk] = Standing(suggestion, _note_of(suggestion))
        elif key in waiting_for:
            standings[signal.pk] = Standing(None, "A colleague of another team decides on it")
        elif above:
            note = f"Settled together with “{triggers.label(above)}”"
            standings[signal.pk] = Standing(None, note, is_inhibited=True)
        elif silence := _silence_of(signal, silences):
            standings[signal.pk] = Standing(None, f"Silenced until {short_day(silence.until)}")
        elif key in fruitless and fruitless[key] >= signal.refreshed_at:
            standings[signal.pk] = Standing(None, "Nothing sensible to suggest so far")
        else:
            standings[signal.pk] = Standing(None, "Waits for its turn to be suggested")
    return standings


def _note_of(suggestion: Suggestion) -> str:
    match suggestion.state:
        case State.SNOOZED:
            assert suggestion.snoozed_until is not None  # noqa: S101 - the database sees to it
            return f"Snoozed until {short_day(suggestion.snoozed_until)}"
        case State.PENDING if suggestion.held_back != HeldBack.NO:
            why = str(suggestion.get_held_back_display())
            return f"Held back: {why[0].lower()}{why[1:]}"
        case State.FAILED:
            return "Approved, but it could not be written"
        case _:
            return ""


def _open_suggestions(signals: Iterable[Signal]) -> dict[int, Key]:
    """Those of the records of the signals by id, whoever may see them, the best first."""
    of_records = Suggestion.objects.filter(_of_records(signals), state__in=State.open_values())
    rows = of_records.order_by("-rank", "-id").values_list("pk", "record_kind", "record_id", "goal")
    return {pk: (kind, record_id, goal) for pk, kind, record_id, goal in rows}


def _of_records(signals: Iterable[Signal]) -> Q:
    """Rows about the records of the signals."""
    ids: dict[str, set[int]] = {}
    for signal in signals:
        ids.setdefault(signal.record_kind, set()).add(signal.record_id)
    about = Q(pk=None)
    for kind, of_kind in ids.items():
        about |= Q(record_kind=kind, record_id__in=of_kind)
    return about


def _silences(signals: Iterable[Signal], now: datetime) -> list[Silence]:
    """Those that may stand in the way of a suggestion as a whole, those of the records first."""
    in_force = Silence.objects.in_force(now).filter(tool="")
    about = in_force.filter(_of_records(signals) | Q(record_id=None))
    return sorted(about, key=lambda silence: silence.record_id is None)


def _silence_of(signal: Signal, silences: Iterable[Silence]) -> Silence | None:
    for silence in silences:
        if silence.covers(
            record_kind=signal.record_kind,
            record_id=signal.record_id,
            goal=signal.goal,
            trigger=signal.trigger,
        ):
            return silence
    return None


def _key_of(row: Signal | NothingProposed) -> Key:
    return (row.record_kind, row.record_id, row.goal)


def short_day(at: date) -> str:
    """A day, or that of a moment where the reader is: ``3 Nov``."""
    return date_format(timezone.localdate(at) if isinstance(at, datetime) else at, "j M")
