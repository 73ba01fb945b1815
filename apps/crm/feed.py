"""The change feed: what happened to records, in the order of transactions, for programs that follow it.

Rows are told once every transaction that began before theirs is over, so that a slow one is told late and
never missed, and each row stands at the same place whenever it is asked for. A long transaction holds the
feed up until it ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db import connection

from apps.crm.changelog import record_models
from apps.crm.enums import Operation, RecordKind
from apps.crm.exceptions import CursorUnknownError
from apps.crm.models import ChangeLog
from apps.crm.presentation import field_of
from apps.crm.services import all_records, permission_name
from apps.tenants.transactions import Place, read_snapshot
from apps.users.models import User

# Of so many rows those for this person are chosen; more would make an answer slow for whoever sees few.
LOOKED_AT = 1000

_NEXT_ROWS = """
SELECT transaction_id, id, record_kind, record_id,
       CASE WHEN operation = 'deleted' THEN coalesce(changes ->> 'owner_id', '') END
FROM crm_changelog
WHERE (transaction_id, id) > (%s, %s) AND transaction_id < %s
ORDER BY transaction_id, id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class _Row:
    """What is needed of a change to know whether a person may be told of it.

    ``last_owner`` is that of a deleted record: an id as text, empty for nobody; None for other changes.
    """

    place: Place
    kind: RecordKind
    record_id: int
    last_owner: str | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """The rows of a page of any feed, where the next ones begin, and whether there are any by now."""

    row_ids: tuple[int, ...]
    next_place: Place
    has_more: bool


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Some changes, where the next ones begin, and whether there are any by now."""

    changes: tuple[ChangeLog, ...]
    next_place: Place
    has_more: bool


def kinds_for(viewer: User) -> frozenset[RecordKind]:
    """The kinds of record that the person's role includes."""
    return frozenset(
        model.kind for model in record_models() if viewer.has_perm(permission_name("view", model))
    )


def present_place() -> Place:
    """Where what happens from now on begins; what is under way belongs to it."""
    return Place(read_snapshot().oldest_open, 0)


def read_feed(viewer: User, after: Place, *, kinds: Collection[RecordKind], limit: int) -> FeedPage:
    """Return the changes after a place of records that this person may see now, at most ``limit``.

    ``kinds`` are looked at, as far as the role includes them. A page may hold few changes or none and have
    more behind it. A constant number of queries for each kind of record.

    Raises:
        CursorUnknownError: the place lies in another database's future: it was restored from a backup.
    """
    oldest_open = settled_before(after)
    wanted = kinds_for(viewer) & frozenset(kinds)
    rows = _read_rows(after, oldest_open)
    told = _visible([row for row in rows if row.kind in wanted], viewer)
    page = stretch_of(
        [row.place for row in told], [row.place for row in rows], after=after, limit=limit
    )
    found = ChangeLog.objects.in_bulk(page.row_ids)
    changes = tuple(found[row_id] for row_id in page.row_ids)
    return FeedPage(changes, page.next_place, page.has_more)


def settled_before(after: Place) -> int:
    """The transaction before which all are over, for whoever has read up to a place.

    Raises:
        CursorUnknownError: the place lies in another database's future: it was restored from a backup.
    """
    snapshot = read_snapshot()
    if after.transaction_id > snapshot.next_one:
        raise CursorUnknownError()
    return snapshot.oldest_open


def stretch_of(
    told: Sequence[Place], looked_at: Sequence[Place], *, after: Place, limit: int
) -> Stretch:
    """Cut a page from what may be told of the rows that were looked at, ``LOOKED_AT`` at most."""
    page = told[:limit]
    last = page if len(told) > limit else looked_at
    return Stretch(
        row_ids=tuple(place.row_id for place in page),
        next_place=last[-1] if last else after,
        has_more=len(told) > limit or len(looked_at) == LOOKED_AT,
    )


def changed_fields(change: ChangeLog) -> list[str]:
    """The fields that a change names, as the API calls them; none for a new or a deleted record."""
    if change.operation != Operation.CHANGED:
        return []
    model = next(model for model in record_models() if model.kind == change.record_kind)
    columns = [name for name in model.tracked_fields if name in change.changes]
    return [field_of(model, column).name for column in columns]


def _read_rows(after: Place, oldest_open: int) -> list[_Row]:
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_ROWS, [after.transaction_id, after.row_id, oldest_open, LOOKED_AT])
        return [
            _Row(Place(transaction_id, pk), RecordKind(kind), record_id, last_owner)
            for transaction_id, pk, kind, record_id, last_owner in cursor.fetchall()
        ]


def _visible(rows: Iterable[_Row], viewer: User) -> list[_Row]:
    """Those of records that the person may see; of a deleted one, by whose it was."""
    kept = list(rows)
    if viewer.sees_all:
        return kept
    ids: defaultdict[RecordKind, set[int]] = defaultdict(set)
    for row in kept:
        ids[row.kind].add(row.record_id)
    seen = {
        (model.kind, pk)
        for model in record_models()
        if model.kind in ids
        for pk in all_records(model)
        .visible_to(viewer)
        .filter(pk__in=ids[model.kind])
        .values_list("pk", flat=True)
    }
    owners = {"", str(viewer.pk)}
    if viewer.team_id is not None and any(row.last_owner for row in kept):
        team = User.objects.filter(team_id=viewer.team_id).values_list("pk", flat=True)
        owners.update(map(str, team))
    return [
        row
        for row in kept
        if (row.kind, row.record_id) in seen
        or (row.last_owner is not None and row.last_owner in owners)
    ]
