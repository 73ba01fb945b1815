"""What hangs on a record, found from the models' relations, and how it moves to another record and back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Q, Value
from pydantic import BaseModel, ConfigDict

from apps.crm.arriving import MERGE_MARKS
from apps.crm.changelog import model_of
from apps.crm.enums import RecordKind
from apps.crm.models import Record
from apps.crm.presentation import field_of
from apps.execution.schemas import RecordRef
from apps.execution.tools.base import every_row_of

# The record that is left, and the one to which its records go.
FromTo: TypeAlias = tuple[RecordRef, RecordRef]


class Move(BaseModel):
    """Records of one kind that go from one record to another, and the columns by which they hang there.

    ``left`` is the column of the record that they leave, ``taken`` that of the one they come to: the same, or
    another where a lead's become a contact's. ``ids`` are theirs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: RecordKind
    left: str
    taken: str
    ids: tuple[int, ...] = ()

    @property
    def rows(self) -> Any:
        """The records, as they stand now; those that were merged themselves among them."""
        return every_row_of(self.kind).filter(pk__in=self.ids)

    def those_on(self, record_id: int) -> Any:
        """Those of them that hang on the record to which they came, and nowhere that they had left."""
        still = self.rows.filter(**{self.taken: record_id})
        return still if self.left == self.taken else still.filter(**{self.left: None})


@cache
def moves_between(left: RecordKind, taken: RecordKind) -> tuple[Move, ...]:
    """How all that may hang on a record of one kind comes to hang on one of another kind, or of the same."""
    moves = []
    for relation in model_of(left)._meta.related_objects:
        child = relation.related_model
        if relation.field.name in MERGE_MARKS or not issubclass(child, Record):
            continue
        column = relation.field.attname
        # A contact's columns are named like a lead's.
        target = column if left == taken else field_of(child, taken.value).attname
        moves.append(Move(kind=child.kind, left=column, taken=target))
    return tuple(sorted(moves, key=lambda move: (move.kind, move.left)))


def hanging_on(record: RecordRef, other: RecordRef) -> list[Move]:
    """What would move from the record to the other one. What hangs on another of its kind already stays."""
    found = []
    for move in moves_between(record.kind, other.kind):
        rows = _movable(move, every_row_of(move.kind)).filter(**{move.left: record.id})
        if move.kind == other.kind:
            # An account below its duplicate does not come below itself.
            rows = rows.exclude(pk=other.id)
        ids = tuple(rows.order_by("pk").values_list("pk", flat=True))
        if ids:
            found.append(move.model_copy(update={"ids": ids}))
    return found


def _movable(move: Move, rows: Any) -> Any:
    """Those of the rows that nothing keeps where they are, whatever record they would leave."""
    return rows if move.left == move.taken else rows.filter(**{move.taken: None})


def count_hanging(pairs: Iterable[FromTo]) -> dict[FromTo, Counter[RecordKind]]:
    """How many records would move from the first of two to the second, of those that lists show.

    A query for each way of hanging, however many pairs there are.
    """
    counts: dict[FromTo, Counter[RecordKind]] = {pair: Counter() for pair in pairs}
    by_kinds: defaultdict[tuple[RecordKind, RecordKind], list[FromTo]] = defaultdict(list)
    for record, other in counts:
        by_kinds[record.kind, other.kind].append((record, other))
    for (left, taken), of_kinds in sorted(by_kinds.items()):
        for move in moves_between(left, taken):
            found = _count_on(move, of_kinds)
            for record, other in of_kinds:
                count, among = found.get(record.id, (0, []))
                stays = move.kind == other.kind and other.id in among
                counts[record, other][move.kind] += count - stays
    return {pair: +of_pair for pair, of_pair in counts.items()}


def _count_on(move: Move, pairs: Iterable[FromTo]) -> dict[int, tuple[int, list[int]]]:
    """How many hang on each record that they would leave; with the ids that the others have, too."""
    records, others = ({ref.id for ref in refs} for refs in zip(*pairs, strict=True))
    rows = _movable(move, model_of(move.kind)._default_manager.all())
    hanging = rows.filter(**{f"{move.left}__in": records}).order_by().values_list(move.left)
    among = ArrayAgg("pk", filter=Q(pk__in=others), default=Value([]))
    return {pk: (count, ids) for pk, count, ids in hanging.annotate(Count("pk"), among=among)}


def move_to(moves: Iterable[Move], record: RecordRef) -> None:
    """Hang them on this record; they are locked in the order of their ids."""
    for move in moves:
        _lock(move.rows)
        emptied = {} if move.left == move.taken else {move.left: None}
        move.rows.update(**emptied, **{move.taken: record.id})


def part_moved(
    moves: Sequence[Move], survivor_id: int, *, is_locked: bool
) -> tuple[list[Move], list[RecordRef]]:
    """Those that are still on the survivor, and those that have gone elsewhere since."""
    still: list[Move] = []
    gone: list[RecordRef] = []
    for move in moves:
        if is_locked:
            _lock(move.rows)
        there = {*move.those_on(survivor_id).values_list("pk", flat=True)}
        still.append(move.model_copy(update={"ids": tuple(sorted(there))}))
        gone += [RecordRef(move.kind, pk) for pk in move.ids if pk not in there]
    return still, gone


def move_back(moves: Iterable[Move], duplicate_id: int) -> None:
    """Hang them on the duplicate again."""
    for move in moves:
        emptied = {} if move.left == move.taken else {move.taken: None}
        move.rows.update(**emptied, **{move.left: duplicate_id})


def _lock(rows: Any) -> None:
    list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))


def count_moved(moves: Iterable[Move]) -> Counter[RecordKind]:
    """How many records of each kind move."""
    counts: Counter[RecordKind] = Counter()
    for move in moves:
        counts[move.kind] += len(move.ids)
    return +counts


def said(counts: Mapping[RecordKind, int], one: str, many: str) -> str:
    """So many of each kind do something: the verb for one of them, or for more."""
    return f"{', '.join(counted(counts))} {one if sum(counts.values()) == 1 else many}"


def counted(counts: Mapping[RecordKind, int]) -> list[str]:
    """How many of each kind, in words."""
    words = []
    for kind, count in sorted(counts.items()):
        noun = kind.label if count == 1 else model_of(kind)._meta.verbose_name_plural
        words.append(f"{count:,} {str(noun).lower()}")
    return words
