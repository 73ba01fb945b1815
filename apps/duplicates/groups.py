"""Groups: clusters of more than one pair, with their records and what tells these apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from django.db.models import Count, Max, Min, Q, QuerySet

from apps.crm.presentation import Shown, Style
from apps.duplicates.bands import BY_SURENESS, Band, band_of, sureness
from apps.duplicates.models import Pair
from apps.duplicates.querysets import PairQuerySet
from apps.duplicates.reading import Side, read_sides, show_named
from apps.execution.schemas import RecordRef
from apps.users.models import User

# One pair alone is a pair, and stands among those.
LEAST_PAIRS = 2
# So much of a group fits a card; the rest is behind the link to its pairs.
RECORDS_SHOWN = 12
PAIRS_SHOWN = 12
FIELDS_SHOWN = 5
# When something was last heard differs always, and tells nobody from anybody.
_TELLS_NOTHING = frozenset({"last_activity_at"})


class GroupRow(TypedDict):
    """A cluster as the database counts it, by the pairs that the person sees."""

    cluster: int
    subject: str
    head: int
    pairs: int
    weakest_0_1: float
    strongest_0_1: float
    least_sure: int
    surest: int


GroupRows = QuerySet[Pair, GroupRow]


@dataclass(frozen=True, slots=True)
class Member:
    """One record of a group; ``number`` counts from 1. ``apart``: its values where the records differ."""

    number: int
    side: Side
    apart: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class GroupPair:
    """One pair of a group, between two of its members."""

    pair: Pair
    band: Band
    numbers: tuple[int, int]
    sides: tuple[Side, Side]


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """A group as far as the person sees it; ``refs`` are all its records, ``members`` those on the card."""

    row: GroupRow
    refs: tuple[RecordRef, ...]
    members: tuple[Member, ...]
    shared: tuple[Shown, ...]
    pairs: tuple[GroupPair, ...]

    @property
    def weakest(self) -> Band:
        """The band of its weakest pair: as sure as that is, it is one group."""
        return BY_SURENESS[self.row["least_sure"]]

    @property
    def strongest(self) -> Band:
        """The band of its strongest pair."""
        return BY_SURENESS[self.row["surest"]]


def groups_among(pairs: PairQuerySet, user: User, *, band: Band | None = None) -> GroupRows:
    """Groups of open pairs of which some of ``pairs`` are part, the surest first.

    Args:
        pairs: what the groups are narrowed by.
        user: who looks: pairs of which they may not see both records do not count.
        band: of the weakest pair.
    """
    open_pairs = (
        Pair.objects.visible_to(user)
        .open()
        .filter(cluster__in=pairs.open().exclude(cluster=None).order_by().values("cluster"))
    )
    rows: Any = (
        open_pairs.order_by()
        .values("cluster", "subject")
        .annotate(
            head=Min("pk"),
            pairs=Count("pk"),
            weakest_0_1=Min("probability"),
            strongest_0_1=Max("probability"),
            least_sure=Min(sureness()),
            surest=Max(sureness()),
        )
        .filter(pairs__gte=LEAST_PAIRS)
        .order_by("-least_sure", "-weakest_0_1", "cluster")
    )
    narrowed: GroupRows = rows if band is None else rows.filter(least_sure=BY_SURENESS.index(band))
    return narrowed


def count_bands(groups: GroupRows) -> list[tuple[Band, int]]:
    """How many groups there are by the band of their weakest pair: one query."""
    counted = groups.order_by().aggregate(
        **{
            band.value: Count("cluster", filter=Q(least_sure=place))
            for place, band in enumerate(BY_SURENESS)
        }
    )
    return [(band, counted[band.value]) for band in Band]


def show_groups(
    rows: Sequence[GroupRow], user: User, *, most_records: int | None = RECORDS_SHOWN
) -> list[ShownGroup]:
    """Each group with its records: a query for the pairs, and one for each kind of record.

    ``most_records`` are members of each; None for all.
    """
    by_cluster = _pairs_of(rows, user)
    refs = {number: _refs_of(pairs) for number, pairs in by_cluster.items()}
    sides = read_sides((ref for some in refs.values() for ref in some[:most_records]), user)
    return [
        _show(row, by_cluster[row["cluster"]], refs[row["cluster"]], sides, user)
        for row in rows
        # One that has gone between two statements is left out.
        if row["cluster"] in by_cluster
    ]


def refs_by_cluster(rows: Iterable[GroupRow], user: User) -> dict[int, tuple[RecordRef, ...]]:
    """By cluster, the records of its pairs, those of the likeliest pair first: one query."""
    return {number: _refs_of(pairs) for number, pairs in _pairs_of(rows, user).items()}


def _pairs_of(rows: Iterable[GroupRow], user: User) -> dict[int, list[Pair]]:
    found: dict[int, list[Pair]] = defaultdict(list)
    clusters = [row["cluster"] for row in rows]
    for pair in Pair.objects.visible_to(user).open().filter(cluster__in=clusters).defer("weights"):
        found[pair.cluster or 0].append(pair)
    return found


def _refs_of(pairs: Iterable[Pair]) -> tuple[RecordRef, ...]:
    return tuple(dict.fromkeys(ref for pair in pairs for ref in (pair.survivor, pair.duplicate)))


def _show(
    row: GroupRow,
    pairs: Sequence[Pair],
    refs: tuple[RecordRef, ...],
    sides: Mapping[RecordRef, Side],
    user: User,
) -> ShownGroup:
    shown = [sides[ref] for ref in refs if ref in sides]
    apart, shared = _tell_apart(shown, user)
    numbers = {side.ref: number for number, side in enumerate(shown, start=1)}
    members = (
        Member(numbers[side.ref], side, values) for side, values in zip(shown, apart, strict=True)
    )
    links = (
        GroupPair(
            pair,
            band_of(pair),
            (numbers[pair.survivor], numbers[pair.duplicate]),
            (sides[pair.survivor], sides[pair.duplicate]),
        )
        for pair in pairs
        if pair.survivor in numbers and pair.duplicate in numbers
    )
    return ShownGroup(row, refs, tuple(members), shared, tuple(links)[:PAIRS_SHOWN])


def _tell_apart(
    sides: Sequence[Side], user: User
) -> tuple[list[tuple[Shown, ...]], tuple[Shown, ...]]:
    """For each record its values of the first fields that differ, and the values that all share.

    A field that only some of the kinds have differs where those that have it say different things.
    """
    values: dict[str, dict[RecordRef, Shown]] = defaultdict(dict)
    for side in sides:
        for name in side.layout.facts:
            shown = show_named(side.record, name, user)
            if shown.style != Style.LONG and name not in _TELLS_NOTHING:
                values[name][side.ref] = shown
    apart: list[str] = []
    shared: list[Shown] = []
    for name, by_ref in values.items():
        texts = {value.text for value in by_ref.values()}
        one = next(iter(by_ref.values()))
        if len(texts) > 1:
            apart.append(name)
        elif len(by_ref) == len(sides) and not one.is_empty:
            shared.append(one)
    told = [
        tuple(
            values[name][side.ref]
            for name in apart[:FIELDS_SHOWN]
            if side.ref in values[name] and not values[name][side.ref].is_empty
        )
        for side in sides
    ]
    return told, tuple(shared[:FIELDS_SHOWN])
