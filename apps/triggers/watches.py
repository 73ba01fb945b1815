"""Whose changes concern which records: what an incremental scan has to look at again.

A watch leads from changed rows to the records whose signals they may alter. It may name too many, never too
few: a test holds incremental scans against full ones on random histories.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower

from apps.crm.changelog import model_of
from apps.crm.enums import RecordKind
from apps.crm.services import all_records
from apps.duplicates.enums import Subject
from apps.duplicates.models import Pair
from apps.predictions.enums import Prediction

# The columns whose former values lead to records that a changed row has left.
PARENT_COLUMNS = ("lead_id", "contact_id", "account_id", "opportunity_id", "owner_id")
ADDRESS_COLUMNS = ("email", "counterpart_address")
# Those of which some watch asks whether they say something else than before.
WRITTEN_COLUMNS = (*ADDRESS_COLUMNS, "account_id")


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed since the last look: record ids by kind, former values by kind and column, and so on."""

    ids: Mapping[RecordKind, frozenset[int]] = field(default_factory=dict)
    former: Mapping[tuple[RecordKind, str], frozenset[str]] = field(default_factory=dict)
    scored: Mapping[Prediction, frozenset[int]] = field(default_factory=dict)
    # The records of pairs that were found, decided or found otherwise, by kind.
    paired: Mapping[RecordKind, frozenset[int]] = field(default_factory=dict)
    # New rows and those in which a column says something else, by kind and column; None where not known.
    written: Mapping[tuple[RecordKind, str], frozenset[int]] | None = None
    # What rows hang on, where paths lead, and what watches answered: many triggers ask the same.
    _holds: dict[tuple[RecordKind, tuple[str, ...]], Mapping[str, frozenset[int]]] = field(
        default_factory=dict, compare=False, repr=False
    )
    _ends: dict[tuple[RecordKind, tuple[str, ...]], frozenset[int]] = field(
        default_factory=dict, compare=False, repr=False
    )
    _concerned: dict[tuple[Watch, RecordKind], frozenset[int]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def __bool__(self) -> bool:
        return any(map(any, (self.ids.values(), self.scored.values(), self.paired.values())))

    def with_more(self, kind: RecordKind, ids: frozenset[int]) -> Changes:
        """The same with more changed records of a kind."""
        if not ids:
            return self
        written = self.written
        if written is not None:
            more = {(kind, name): self.written_of(kind, name) | ids for name in WRITTEN_COLUMNS}
            written = {**written, **more}
        return replace(
            self,
            ids={**self.ids, kind: self.of(kind) | ids},
            written=written,
            _holds={},
            _ends={},
            _concerned={},
        )

    def of(self, kind: RecordKind) -> frozenset[int]:
        """The changed records of a kind."""
        return self.ids.get(kind, frozenset())

    def written_of(self, kind: RecordKind, column: str) -> frozenset[int]:
        """The changed records of a kind in which this column may say something else than before."""
        if self.written is None:
            return self.of(kind)
        return self.written.get((kind, column), frozenset())

    def ends_of(self, source: RecordKind, path: tuple[str, ...]) -> frozenset[int]:
        """The records to which a path of foreign keys leads from the changed rows, now and before."""
        key = (source, path)
        if key not in self._ends:
            self._ends[key] = self._follow(source, path)
        return self._ends[key]

    def concerning(self, watch: Watch, kind: RecordKind) -> frozenset[int]:
        """The records of a kind that the changes concern by way of a watch, which is asked once."""
        key = (watch, kind)
        if key not in self._concerned:
            self._concerned[key] = frozenset(watch.touched(self, kind))
        return self._concerned[key]

    def former_ids(self, kind: RecordKind, column: str) -> frozenset[int]:
        """The records that changed rows of a kind hung on before."""
        return frozenset(map(int, self.former.get((kind, column), ())))

    def former_texts(self, kind: RecordKind, column: str) -> frozenset[str]:
        """What a text column of changed rows said before."""
        return self.former.get((kind, column), frozenset())

    def _follow(self, source: RecordKind, path: tuple[str, ...]) -> frozenset[int]:
        if not path:
            return self.of(source)
        *way, last = path
        column = f"{last}_id"
        ends = self._hold_of(source, tuple(way)).get(column, frozenset())
        return ends if way else ends | self.former_ids(source, column)

    def _hold_of(self, source: RecordKind, way: tuple[str, ...]) -> Mapping[str, frozenset[int]]:
        """What the rows at the end of a way hang on, by column: all is read at once, as most is asked for."""
        key = (source, way)
        if key not in self._holds:
            kind = RecordKind(way[-1]) if way else source
            self._holds[key] = _read_holds(kind, self.ends_of(source, way))
        return self._holds[key]


def _read_holds(kind: RecordKind, ids: frozenset[int]) -> Mapping[str, frozenset[int]]:
    names = {one.attname for one in model_of(kind)._meta.concrete_fields}
    columns = [name for name in PARENT_COLUMNS if name in names]
    if not ids or not columns:
        return {}
    rows = rows_of(kind).filter(pk__any_of=ids).values_list(*columns)
    # Where no row is left there is no column either.
    ends = (frozenset(values) - {None} for values in zip(*rows, strict=True))
    return dict(zip(columns, ends, strict=False))


class Watch(ABC):
    """One way from changed rows to the records of a trigger."""

    @abstractmethod
    def touched(self, changes: Changes, kind: RecordKind) -> set[int]:
        """The ids of records of ``kind`` that the changes concern."""

    def of_later_than(self, since: datetime) -> Watch:
        """The same for activities that happened later; those before may be named, too."""
        return self


@dataclass(frozen=True, slots=True)
class Own(Watch):
    """Changes of the record itself."""

    def touched(self, changes: Changes, kind: RecordKind) -> set[int]:
        """The changed records."""
        return set(changes.of(kind))


@dataclass(frozen=True, slots=True)
class Related(Watch):
    """Changes of rows that hang on the record, directly or by a path of foreign keys.

    ``Related(ACTIVITY, "contact", "account")`` leads from an activity to the account of its contact.
    """

    source: RecordKind
    path: tuple[str, ...]

    def __init__(self, source: RecordKind, *path: str) -> None:
        object.__setattr__(self, "source", source)
        object.__setattr__(self, "path", path)

    def touched(self, changes: Changes, kind: RecordKind) -> set[int]:
        """The records at the end of the path, as it leads now and as it led before."""
        return set(changes.ends_of(self.source, self.path))


@dataclass(frozen=True, slots=True)
class Moved(Watch):
    """Rows that came to hang on the record, or hang on it no longer.

    For a trigger that passes by them to what hangs on them in turn: whatever else changes in them is no
    matter. ``column`` is one of ``WRITTEN_COLUMNS``.
    """

    source: RecordKind
    column: str

    def touched(self, changes: Changes, kind: RecordKind) -> set[int]:
        """The records on which they hang now, and on which they hung before."""
        former = {*changes.former_ids(self.source, self.column)}
        moved = changes.written_of(self.source, self.column)
        if not moved:
            return former
        present = rows_of(self.source).filter(pk__any_of=moved).exclude(**{self.column: None})
        return former | {*present.values_list(self.column, flat=True)}


@dataclass(frozen=True, slots=True)
class Beside(Watch):
    """Changes that concern a record on which the trigger's records hang in turn.

    ``Beside("opportunity", (Related(TASK, "opportunity"),))`` leads from a task to its deal, and on to every
    record of the trigger's kind on that deal. A way without a path is a change of that record itself.
    ``only`` keeps those within its condition.
    """

    column: str
    ways: tuple[Related, ...]
    only: Q = field(default_factory=Q)

    def touched(self, changes: Changes, kind: RecordKind) -> set[int]:
        """The records on those at the end of any of the ways."""
        ends: set[int] = set().union(*(changes.ends_of(way.source, way.path) for way in self.ways))
        if not ends:
            return set()
        hanging = rows_of(kind).filter(self.only, **{f"{self.column}__any_of": ends})
        return set(hanging.values_list("pk", flat=True))

    def of_later_than(self, since: datetime) -> Beside:
        """Those that happened later: of what hangs on a record for years only the last weeks are read."""
        return replace(self, only=self.only & Q(occurred_at__gt=since))


@dataclass(frozen=True, slots=True)
class AnyOf(Watch):
    """Several ways to the same records."""

    ways: tuple[Watch, ...]

    def touched(self, changes: Changes, kind: RecordKind) -> set[int]:
        """The records at the end of any of the ways."""
        return set().union(*(changes.concerning(way, kind) for way in self.ways))


@dataclass(frozen=True, slots=True)
class SameAddress(Watch):
    """Changes of rows with an address, which concern the trigger's rows with the same one.

    ``only`` keeps those within its condition. Of rows of another kind only the address matters; a row of the
    trigger's own kind concerns the others whatever has changed in it. Both sides are lowered by the
    database, whose small letters are not always Python's.
    """

    source: RecordKind
    column: str
    own_column: str
    only: Q = field(default_factory=Q)

    def touched(self, changes: Changes, kind: RecordKind) -> set[int]:
        """The records that carry one of the addresses, whatever its case."""
        addresses = {*changes.former_texts(self.source, self.column)}
        changed = (
            changes.of(kind)
            if self.source == kind
            else changes.written_of(self.source, self.column)
        )
        if changed:
            present = rows_of(self.source).filter(pk__any_of=changed)
            addresses |= {*present.values_list(self.column, flat=True)}
        wanted = sorted(address for address in addresses if address)
        if not wanted:
            return set()
        lowered = RawSQL("SELECT lower(a) FROM unnest(%s::text[]) AS a", [wanted])
        carrying = (
            rows_of(kind)
            .alias(_address=Lower(self.own_column))
            .filter(self.only, _address__in=lowered)
        )
        return set(carrying.values_list("pk", flat=True))


@dataclass(frozen=True, slots=True)
class Scored(Watch):
    """New scores of the record."""

    prediction: Prediction

    def touched(self, changes: Changes, kind: RecordKind) -> set[int]:
        """The records that were scored."""
        return set(changes.scored.get(self.prediction, ()))


@dataclass(frozen=True, slots=True)
class Paired(Watch):
    """New and changed pairs of the record with others of its subject, and changes of the other records."""

    subject: Subject

    def touched(self, changes: Changes, kind: RecordKind) -> set[int]:
        """The records on either side of such pairs: one may have survived before."""
        touched = {*changes.paired.get(kind, ())}
        for other in self.subject.kinds:
            if changed := changes.of(other):
                with_changed = Pair.objects.open().filter(
                    survivor_kind=kind, duplicate_kind=other, duplicate_id__any_of=changed
                )
                touched.update(with_changed.order_by().values_list("survivor_id", flat=True))
        return touched


def rows_of(kind: RecordKind) -> models.QuerySet[Any]:
    """All rows of a kind of record, merged ones too, in no order."""
    return all_records(model_of(kind)).order_by()
