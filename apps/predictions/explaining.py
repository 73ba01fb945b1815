"""What raised and what lowered a score, and what would change it: by scoring again, from the model itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apps.predictions.columns import Row, Value
from apps.predictions.documents import ModelDocument

# A smaller change than half a tenth of a percentage point is shown as none.
_SMALLEST_POINTS = 0.05


@dataclass(frozen=True, slots=True)
class Factor:
    """Columns that belong together and are told as one thing, such as all about meetings."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Influence:
    """What a factor does to one score.

    Attributes:
        points: by how many percentage points the score lies above (or below, negative) what it would be if
            the factor were as usual.
        values, usual: the record's values of the factor's columns, and what is usual in training.
    """

    factor: str
    points: float
    values: Mapping[str, Value]
    usual: Mapping[str, Value]

    @property
    def raises(self) -> bool:
        """Whether the score is higher for it."""
        return self.points > 0


def explain(
    document: ModelDocument, row: Row, factors: Sequence[Factor] | None = None
) -> list[Influence]:
    """What each factor does to the score of a record, the strongest first; what changes nothing is left out.

    A factor's columns are put to their typical value, the others left as they are, and the record is scored
    again (the conditional version of Robnik-Šikonja and Kononenko 2008). Effects do not add up to the score.

    Args:
        factors: how columns are grouped; without any, each column is a factor of its own.
    """
    typical = document.typical()
    score = document.probability(row)
    influences = []
    for factor in factors if factors is not None else column_factors(document):
        usual = {name: typical[name] for name in factor.columns if name in typical}
        values = {name: row.get(name) for name in usual}
        if values == usual:
            continue
        points = 100 * (score - document.probability({**row, **usual}))
        if abs(points) >= _SMALLEST_POINTS:
            influences.append(Influence(factor.name, points, values, usual))
    return sorted(influences, key=lambda influence: (-abs(influence.points), influence.factor))


def counterfactual(document: ModelDocument, row: Row, changes: Row) -> float:
    """The score that a record would have with these values in place of its own."""
    return document.probability({**row, **changes})


def column_factors(document: ModelDocument) -> list[Factor]:
    """Each column as a factor of its own."""
    return [Factor(column.name, (column.name,)) for column in document.columns]
