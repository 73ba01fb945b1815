"""Pairs as a person reads them: both records by name, side by side, and what hangs on each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count

from apps.crm.enums import RecordKind
from apps.crm.layouts import LAYOUTS, Layout
from apps.crm.models import MergeableRecord
from apps.crm.presentation import Shown, label_of, show_field
from apps.crm.services import visible_records
from apps.duplicates.bands import Band, HeldBack, band_of, held_back
from apps.duplicates.enums import Subject
from apps.duplicates.models import Pair
from apps.duplicates.querysets import RECORD_MODELS
from apps.duplicates.services.judging import current_document
from apps.execution.schemas import RecordRef, ids_by_kind
from apps.execution.signs import with_unseen_named
from apps.execution.tools.base import every_row_of
from apps.execution.tools.repointing import counted, moves_between
from apps.users.models import User

# Another record that a page of the kind names.
_NAMED = {RecordKind.CONTACT: ("account",), RecordKind.ACCOUNT: ("parent",)}


@dataclass(frozen=True, slots=True)
class Side:
    """One record of a pair, with what tells it from its namesakes."""

    ref: RecordRef
    record: MergeableRecord
    layout: Layout
    gist: tuple[Shown, ...]

    @property
    def name(self) -> str:
        """What the record is called, with what nobody would see of it named."""
        return with_unseen_named(str(self.record))


@dataclass(frozen=True, slots=True)
class ShownPair:
    """A pair with both records; ``in_group`` is how many pairs its group has, 1 where nobody asked.

    ``held_back`` is what keeps it from being likely, where something does.
    """

    pair: Pair
    survivor: Side
    duplicate: Side
    band: Band
    in_group: int
    held_back: HeldBack | None

    @property
    def sides(self) -> tuple[Side, Side]:
        """Both records, the one to keep first."""
        return (self.survivor, self.duplicate)


@dataclass(frozen=True, slots=True)
class ComparedField:
    """One field of both records, the survivor's value first; None where a kind has no such field."""

    label: str
    values: tuple[Shown | None, Shown | None]

    @property
    def differs(self) -> bool:
        """Whether the two say different things."""
        first, second = ("" if value is None else value.text for value in self.values)
        return first != second


def show_pairs(
    pairs: Sequence[Pair], user: User, *, sizes: Mapping[int, int] | None = None
) -> list[ShownPair]:
    """Each pair with its records, as far as the person may see both: one query for each kind.

    ``sizes`` are ``group_sizes``, where they are shown.
    """
    sides = read_sides((ref for pair in pairs for ref in (pair.survivor, pair.duplicate)), user)
    known = sizes or {}
    thresholds = _thresholds(pairs)
    return [
        ShownPair(
            pair,
            sides[pair.survivor],
            sides[pair.duplicate],
            band_of(pair),
            known.get(pair.cluster or 0, 1),
            held_back(pair, thresholds.get(pair.subject, 1.0)),
        )
        for pair in pairs
        if pair.survivor in sides and pair.duplicate in sides
    ]


def _thresholds(pairs: Iterable[Pair]) -> dict[str, float]:
    """By subject of the pairs that are not likely, from where on they would be: one query for each."""
    subjects = {pair.subject for pair in pairs if not pair.is_likely}
    return {subject: current_document(Subject(subject)).threshold for subject in sorted(subjects)}


def read_sides(refs: Iterable[RecordRef], user: User) -> dict[RecordRef, Side]:
    """The records that the person may see: one query for each kind."""
    ids = ids_by_kind(refs)
    found: dict[RecordRef, Side] = {}
    for kind, model in RECORD_MODELS.items():
        if kind in ids:
            named = _NAMED.get(kind, ())
            paths = ("owner", *named, *(f"{name}__owner" for name in named))
            rows: Any = visible_records(user, model).select_related(*paths)
            for pk, row in rows.in_bulk(ids[kind]).items():
                found[RecordRef(kind, pk)] = _side_of(RecordRef(kind, pk), row)
    return found


def group_sizes(pairs: Iterable[Pair], user: User) -> dict[int, int]:
    """By cluster, how many open pairs of it the person sees: one query."""
    clusters = {pair.cluster for pair in pairs if pair.cluster is not None}
    visible = Pair.objects.visible_to(user).open().filter(cluster__in=clusters).order_by()
    return dict(visible.values_list("cluster").annotate(pairs=Count("pk")))


def compare_fields(shown: ShownPair, user: User) -> list[ComparedField]:
    """The facts of both records' pages one beside the other, without those that neither has."""
    names = dict.fromkeys(
        name for side in shown.sides for name in (*side.layout.facts, "source", "created_at")
    )
    rows = []
    for name in names:
        model = next(type(side.record) for side in shown.sides if _has(side, name))
        values = tuple(
            show_named(side.record, name, user) if _has(side, name) else None
            for side in shown.sides
        )
        if any(value is not None and not value.is_empty for value in values):
            rows.append(ComparedField(label_of(model, name), (values[0], values[1])))
    return rows


def show_named(record: MergeableRecord, name: str, viewer: User | None = None) -> Shown:
    """``show_field``, with the signs named that nobody would see: they may be all in which two differ."""
    shown = show_field(record, name, viewer)
    is_text = isinstance(shown.value, str)
    return replace(shown, value=with_unseen_named(shown.value)) if is_text else shown


def hanging_on(ref: RecordRef) -> list[str]:
    """What hangs on a record, in words such as "3 deals": a count for each way of hanging."""
    counts: Counter[RecordKind] = Counter()
    for move in moves_between(ref.kind, ref.kind):
        counts[move.kind] += every_row_of(move.kind).filter(**{move.left: ref.id}).count()
    return counted(+counts)


def _has(side: Side, name: str) -> bool:
    return name in (*side.layout.facts, "source", "created_at")


def _side_of(ref: RecordRef, record: MergeableRecord) -> Side:
    layout = LAYOUTS[ref.kind]
    gist = (show_named(record, name) for name in layout.gist)
    return Side(ref, record, layout, tuple(value for value in gist if not value.is_empty))
