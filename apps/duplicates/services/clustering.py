"""Which likely pairs belong together: clusters, found anew for all pairs or around some records.

A pair is likely where it reaches the threshold, nothing stands against the two, and the other pairs of both
agree (``matching.clustering``): in a chain of weak pairs not every link is. Whose names are different, at one
company and with one telephone, are colleagues or relatives until an address says otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q, QuerySet

from apps.duplicates.enums import PairState, Subject
from apps.duplicates.matching.clustering import clusters
from apps.duplicates.matching.others import have_other_names
from apps.duplicates.models import Pair
from apps.execution.schemas import RecordRef, ids_by_kind
from apps.tenants.chunks import chunks

_CHUNK = 5_000
_KNOWN_STATES = (PairState.OPEN, PairState.NOT_DUPLICATE)

_WRITE = """
UPDATE duplicates_pair p
SET cluster = c.cluster, is_likely = c.is_likely,
    transaction_id = CASE WHEN p.is_likely <> c.is_likely THEN pg_current_xact_id()::text::bigint
                          ELSE p.transaction_id END
FROM unnest(%s::bigint[], %s::bigint[], %s::boolean[]) AS c(id, cluster, is_likely)
WHERE p.id = c.id
  AND (p.cluster IS DISTINCT FROM c.cluster OR p.is_likely <> c.is_likely)
"""


@dataclass(frozen=True, slots=True)
class _Link:
    """One pair, as far as clusters are concerned."""

    id: int
    one: RecordRef
    other: RecordRef
    probability: float
    is_refused: bool


def cluster_all(subject: Subject, threshold: float) -> None:
    """Find the clusters of all pairs of a subject anew."""
    _write(_read(_known(subject)), threshold)


def cluster_around(subject: Subject, refs: Collection[RecordRef], threshold: float) -> None:
    """Find the clusters anew to which these records, or those that hang together with them, belong."""
    reached = {*refs}
    newest = reached
    while newest:
        joined = {
            ref
            for link in _read(_touching(_known(subject), newest))
            if _joins(link, threshold)
            for ref in (link.one, link.other)
        }
        newest = joined - reached
        reached |= newest
    _write(_read(_touching(_known(subject), reached)), threshold)


def neighbours_of(refs: Collection[RecordRef]) -> set[RecordRef]:
    """Who shares a cluster with these records at present."""
    held = _touching(Pair.objects.exclude(cluster=None), refs)
    numbers = {cluster for chunk in held for cluster in chunk.values_list("cluster", flat=True)}
    links = _read([Pair.objects.filter(cluster__in=numbers)])
    return {ref for link in links for ref in (link.one, link.other)}


def _write(links: Sequence[_Link], threshold: float) -> None:
    groups = clusters(
        [(link.one, link.other, link.probability) for link in links if not link.is_refused],
        [(link.one, link.other) for link in links if link.is_refused],
        threshold=threshold,
    )
    group_of = {ref: number for number, group in enumerate(groups) for ref in group}
    likely = [
        link
        for link in links
        if _joins(link, threshold) and group_of.get(link.one, -1) == group_of.get(link.other, -2)
    ]
    smallest: dict[int, int] = {}
    for link in likely:
        number = group_of[link.one]
        smallest[number] = min(smallest.get(number, link.id), link.id)
    cluster_of = {link.id: smallest[group_of[link.one]] for link in likely}
    with connection.cursor() as cursor:
        for ids in chunks((link.id for link in links), _CHUNK):
            found = [cluster_of.get(pk) for pk in ids]
            cursor.execute(_WRITE, [ids, found, [cluster is not None for cluster in found]])


def _joins(link: _Link, threshold: float) -> bool:
    return not link.is_refused and link.probability >= threshold


def _known(subject: Subject) -> QuerySet[Pair]:
    return Pair.objects.filter(subject=subject, state__in=_KNOWN_STATES)


def _touching(pairs: QuerySet[Pair], refs: Collection[RecordRef]) -> list[QuerySet[Pair]]:
    """The pairs of some records, in a few queries by index."""
    return [
        pairs.filter(
            Q(survivor_kind=kind, survivor_id__in=chunk)
            | Q(duplicate_kind=kind, duplicate_id__in=chunk)
        )
        for kind, ids in ids_by_kind(refs).items()
        for chunk in chunks(sorted(ids), _CHUNK)
    ]


def _read(pairs: QuerySet[Pair] | Iterable[QuerySet[Pair]]) -> list[_Link]:
    parts = [pairs] if isinstance(pairs, QuerySet) else pairs
    columns = (
        "id", "survivor_kind", "survivor_id", "duplicate_kind", "duplicate_id", "probability",
        "state", "has_conflict", "weights",
    )  # fmt: skip
    links = {
        pair.pk: _Link(
            pair.pk,
            pair.survivor,
            pair.duplicate,
            pair.probability,
            pair.has_conflict
            or pair.state == PairState.NOT_DUPLICATE
            or have_other_names(pair.weights),
        )
        for part in parts
        for pair in part.order_by().only(*columns).iterator()
    }
    return [links[pk] for pk in sorted(links)]
