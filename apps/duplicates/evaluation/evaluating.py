"""The matcher on a whole table, timed, and held against the truth where there is one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

from apps.crm.importing.formats import OpenFile
from apps.duplicates.evaluation.exports import Export, Question, read_export
from apps.duplicates.evaluation.measures import Accuracy, measure
from apps.duplicates.matching.clustering import clusters
from apps.duplicates.matching.explaining import Comparison, compare
from apps.duplicates.matching.fields import Table
from apps.duplicates.matching.finding import Found, Told, find_pairs_and_others
from apps.tenants.process_size import own_peak_size_mb

# So many pairs are told with their reasons.
_TOLD = 20


@dataclass(frozen=True)
class ToldPair:
    """One of the strongest pairs: the names of its rows, and the comparison."""

    left: str
    right: str
    comparison: Comparison


@dataclass(frozen=True)
class Evaluation:
    """What came of a table. ``pairs`` are those at the threshold; ``seconds`` count from opening the file."""

    export: Export
    found: Found
    groups: Sequence[frozenset[int]]
    accuracy: Accuracy | None
    seconds: float
    peak_mb: int

    @property
    def expected_precision(self) -> float:
        """How right the matcher itself thinks that the pairs at the threshold are; 1 where there are none."""
        likely = self.found.probabilities[: self.found.likely]
        return float(likely.mean()) if len(likely) else 1.0

    @property
    def expected_recall(self) -> float:
        """How complete it thinks they are; 1 where no pair is likely at all."""
        probabilities = self.found.probabilities
        expected = float(probabilities.sum())
        return float(probabilities[: self.found.likely].sum()) / expected if expected else 1.0

    def to_json(self) -> dict[str, float | int | None]:
        """The figures; those that need the truth are None without it."""
        accuracy: dict[str, float | None]
        if self.accuracy is None:
            accuracy = {field.name: None for field in fields(Accuracy)}
        else:
            accuracy = {name: round(value, 6) for name, value in asdict(self.accuracy).items()}
        return {
            "rows": self.export.table.size,
            "pairs": self.found.likely,
            "threshold": round(self.found.document.threshold, 6),
            **accuracy,
            "seconds": round(self.seconds, 3),
            "peak_mb": self.peak_mb,
        }

    def strongest(self) -> Sequence[ToldPair]:
        """The likeliest pairs, with what speaks for each."""
        table, names = self.export.table, self.export.names
        shown = min(self.found.likely, _TOLD)
        return [
            ToldPair(
                names[left],
                names[right],
                compare(self.found.document, table.row(left), table.row(right)),
            )
            for left, right in zip(
                self.found.left[:shown].tolist(), self.found.right[:shown].tolist(), strict=True
            )
        ]


def evaluate(
    open_file: OpenFile, question: Question, *, region: str, max_bytes: int, told: Told
) -> Evaluation:
    """Read a file and find its pairs and groups.

    Raises:
        FileRefusedError: the file is not to be read as a table.
        TableRefusedError: nothing in it can be compared.
    """
    began = time.monotonic()
    told("reading the file")
    export = read_export(open_file, question, max_bytes=max_bytes)
    found, groups = find_groups(export.table, region=region, told=told)
    return Evaluation(
        export=export,
        found=found,
        groups=groups,
        accuracy=None if export.truth is None else measure(found, groups, export.truth),
        seconds=time.monotonic() - began,
        peak_mb=own_peak_size_mb(),
    )


def find_groups(
    table: Table, *, region: str = "", told: Told = lambda stage: None
) -> tuple[Found, Sequence[frozenset[int]]]:
    """The pairs of a table, short of those whose names say that two are others, and its groups.

    As the product does it with a tenant's records (``services.clustering``): two with other names stand in no
    group together.
    """
    found, others = find_pairs_and_others(table, progress=told, region=region)
    told("grouping")
    said = found.only(~others)
    pairs = zip(said.left.tolist(), said.right.tolist(), said.probabilities.tolist(), strict=True)
    conflicts = zip(found.left[others].tolist(), found.right[others].tolist(), strict=True)
    return said, clusters(pairs, conflicts, threshold=found.document.threshold)
