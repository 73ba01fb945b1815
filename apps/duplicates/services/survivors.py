"""What a survivor is to take from its duplicate, read from the records as they stand."""

from __future__ import annotations

from apps.duplicates.models import Pair
from apps.duplicates.querysets import RECORD_MODELS
from apps.duplicates.services.standing import read_standings
from apps.duplicates.survivorship import ProposedValue, values
from apps.execution.schemas import JsonValue, RecordRef
from apps.execution.tools.base import to_json
from apps.execution.tools.merging import MergeDuplicates


def propose(pair: Pair) -> tuple[ProposedValue, ...]:
    """Which values of the duplicate the survivor takes, each with its reason; none where one is gone."""
    writable = MergeDuplicates.writes
    fields = writable[pair.survivor.kind] & writable[pair.duplicate.kind]
    kept, other = _values(pair.survivor, fields), _values(pair.duplicate, fields)
    standings = read_standings((pair.survivor, pair.duplicate))
    if kept is None or other is None or len(standings) < 2:
        return ()
    return values(fields, kept, other, standings[pair.survivor], standings[pair.duplicate])


def _values(ref: RecordRef, fields: frozenset[str]) -> dict[str, JsonValue] | None:
    records = RECORD_MODELS[ref.kind]._default_manager.filter(pk=ref.id, merged_at=None)
    row = records.values(*sorted(fields)).first()
    return None if row is None else {name: to_json(value) for name, value in row.items()}
