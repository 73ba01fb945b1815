"""The part of a digest that tells what was discovered."""

from __future__ import annotations

from apps.crm.forms.filters import ME
from apps.suggestions.digest.sections import (
    ROWS_PER_SECTION,
    Content,
    Reader,
    Row,
    Section,
    plain,
)
from apps.suggestions.discoveries.asked import Asked
from apps.suggestions.discoveries.looking import seen_until
from apps.suggestions.discoveries.presentation import PLURALS, address_of, worth_words
from apps.suggestions.discoveries.reading import (
    DiscoveredRecord,
    DiscoveredRecords,
    Found,
    summarise,
)
from apps.triggers.enums import VIEW_SIGNALS, Discovery


class DiscoveredSection(Section):
    """The kinds with their numbers, then the records that matter most, as the page begins with them."""

    key = "discovered"
    title = "Discovered"

    def content(self, reader: Reader) -> Content:
        """One line for each kind that is there, and the strongest records."""
        person = reader.person
        if not person.has_perm(VIEW_SIGNALS):
            return Content((), 0, "")
        owner = "" if person.sees_all else ME
        asked = Asked(person, reader.now, seen_until(person, reader.now), owner=owner)
        summary = summarise(asked)
        kinds = [
            self._kind(asked, found, found.discovery)
            for found in summary.kinds
            if found.records and found.discovery is not None
        ]
        records = DiscoveredRecords(asked)[0:ROWS_PER_SECTION] if summary.fitting else []
        rows = (*kinds, *(self._record(record) for record in records))
        # The lines of kinds are no records: what is not shown is told of these alone.
        return Content(rows, summary.fitting + len(kinds), address_of(asked, None))

    def _kind(self, asked: Asked, found: Found, discovery: Discovery) -> Row:
        new = f"{found.new:,} new to you" if found.new else ""
        return Row(
            text=f"{PLURALS[discovery]}: {found.records:,}",
            path=address_of(asked, discovery),
            note=" · ".join(filter(None, (worth_words(found.worth), new))),
        )

    def _record(self, row: DiscoveredRecord) -> Row:
        worth = worth_words((row.worth,)) if row.worth else ""
        found = "; ".join(dict.fromkeys(finding.label for finding in row.findings))
        return Row(
            text=plain(str(row.record)),
            path=row.record.get_absolute_url(),
            note=" · ".join(filter(None, (row.kind_label, worth, found))),
            group="Strongest first",
        )
