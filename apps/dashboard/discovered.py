"""What was discovered about the records of the people asked for."""

from __future__ import annotations

from dataclasses import dataclass

from apps.crm.forms.filters import ME
from apps.dashboard.asked import Asked
from apps.dashboard.enums import Scope
from apps.suggestions.discoveries.asked import Asked as Wanted
from apps.suggestions.discoveries.looking import seen_until
from apps.suggestions.discoveries.presentation import Tile, address_of, tiles_of
from apps.suggestions.discoveries.reading import (
    DiscoveredRecord,
    DiscoveredRecords,
    Summary,
    summarise,
)
from apps.suggestions.services import may_view

RECORDS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Discovered:
    """The kinds that are there, the strongest records, and the page that shows all of it."""

    summary: Summary
    tiles: tuple[Tile, ...]
    records: tuple[DiscoveredRecord, ...]
    address: str


def read_discovered(asked: Asked) -> Discovered:
    """Read it as the page does."""
    person = asked.person
    wanted = Wanted(
        person=person,
        now=asked.now,
        seen_until=seen_until(person, asked.now),
        owner=ME if asked.scope == Scope.ME else "",
        team=str(person.team_id) if asked.scope == Scope.TEAM else "",
    )
    summary = summarise(wanted)
    tiles = tiles_of(summary, wanted, sees_suggestions=may_view(person))
    return Discovered(
        summary=summary,
        tiles=tuple(tile for tile in tiles if tile.found.records),
        records=tuple(DiscoveredRecords(wanted)[0:RECORDS_SHOWN]) if summary.fitting else (),
        address=address_of(wanted, None),
    )
