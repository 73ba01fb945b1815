"""Recognising the columns of a file by their names.

Headers are compared by ``fold`` (letters and digits only), so "Lead Source", "LeadSource" and "lead_source"
are one. The words stand in ``headers``: those of all sources together, because no header means two things
for one kind of record. A column nobody knows is left for the person to map.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from apps.crm.enums import RecordKind
from apps.crm.importing.fields import fields_of
from apps.crm.importing.headers import HALLMARKS, KNOWN_FILES, WORDS
from apps.crm.importing.values import fold


@dataclass(frozen=True, slots=True)
class Recognised:
    """What is known about a file from its header.

    ``targets`` has, for each recognised column, the keys it is mapped to (see ``mapping``); ``scale``
    factors for columns that count in thousands or millions; ``identity`` "row" when rows have no name.
    """

    source: str
    label: str
    targets: Mapping[str, tuple[str, ...]]
    scale: Mapping[str, int] = field(default_factory=dict)
    identity: str = ""


DEFAULT_SOURCE = "import"


def recognise(kind: RecordKind, header: Sequence[str]) -> Recognised:
    """Say where a file comes from and what its columns are; unknown columns are not in ``targets``.

    When two columns mean the same field, the one whose header stands first in the table wins: "Id" before
    "Deal ID", "Mobile" only where there is no "Phone".
    """
    folded = {name: fold(name) for name in header}
    present = set(folded.values())
    known = next(
        (file for file in KNOWN_FILES if file.kind == kind and file.signature <= present), None
    )
    chosen = _targets_by_words(kind, folded, set(known.targets) if known else set())
    if known is not None:
        for name, word in folded.items():
            if word in known.targets:
                chosen[name] = known.targets[word]
        scale = {name: known.scale[word] for name, word in folded.items() if word in known.scale}
        return Recognised(
            known.source, known.label, _in_order(header, chosen), scale, known.identity
        )
    source, label = _find_source(present)
    return Recognised(source, label, _in_order(header, chosen))


def _in_order(
    header: Sequence[str], chosen: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    return {name: chosen[name] for name in header if name in chosen}


def _targets_by_words(
    kind: RecordKind, folded: Mapping[str, str], taken: set[str]
) -> dict[str, tuple[str, ...]]:
    """Map columns by the tables; each field is given to one column only."""
    best: dict[str, tuple[int, str]] = {}
    ranks = _ranks(kind)
    for name, word in folded.items():
        if word in taken or word not in ranks:
            continue
        for key, rank in ranks[word]:
            if key not in best or rank < best[key][0]:
                best[key] = (rank, name)
    chosen: dict[str, tuple[str, ...]] = {}
    for key, (_, name) in sorted(best.items(), key=lambda item: item[1][0]):
        # A header that could mean two fields ("Create Date") goes to the first it was best for.
        chosen.setdefault(name, (key,))
    return chosen


def _ranks(kind: RecordKind) -> dict[str, list[tuple[str, int]]]:
    """Folded header → the fields it may mean, each with its rank (0 is best)."""
    ranks: dict[str, list[tuple[str, int]]] = {}
    for key, field_ in fields_of(kind).fields.items():
        own = [key, field_.label]
        listed = WORDS[kind].get(key, "").split(",")
        for rank, word in enumerate([*own, *listed]):
            if folded := fold(word):
                ranks.setdefault(folded, []).append((key, rank))
    return ranks


def _find_source(present: set[str]) -> tuple[str, str]:
    counts = {source: len(words & present) for source, (_, words) in HALLMARKS.items()}
    source = max(counts, key=lambda name: counts[name])
    if counts[source] == 0:
        return DEFAULT_SOURCE, ""
    return source, HALLMARKS[source][0]
