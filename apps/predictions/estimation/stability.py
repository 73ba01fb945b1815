"""How the values of each column were spread in training, to see later how far they have moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from apps.predictions.documents import AnyColumn, CategoryColumn
from apps.predictions.estimation.bulk import places
from apps.predictions.estimation.encoding import EncodedTable, encode
from apps.predictions.estimation.measures import population_stability
from apps.predictions.estimation.tables import Floats, Table

_BINS = 10
# Categories beyond these are counted together.
_VALUES = 20


@dataclass(frozen=True, slots=True)
class Reference:
    """The spread of a column in training.

    ``edges`` part numbers into ranges; ``categories`` are the frequent ones, with a place behind them for all
    others. ``shares`` are those of the ranges or categories, then of what is not known.
    """

    column: str
    edges: tuple[float, ...]
    categories: tuple[str, ...]
    shares: tuple[float, ...]


def references(encoded: EncodedTable) -> tuple[Reference, ...]:
    """The spread of every column."""
    found = []
    for column, values in zip(encoded.columns, encoded.values, strict=True):
        is_category = isinstance(column, CategoryColumn)
        edges = () if is_category else _edges(values)
        categories = column.values[:_VALUES] if isinstance(column, CategoryColumn) else ()
        shares = tuple(float(share) for share in _shares(column, edges, values))
        found.append(Reference(column.name, edges, categories, shares))
    return tuple(found)


def instability(
    known: tuple[Reference, ...], columns: tuple[AnyColumn, ...], table: Table
) -> dict[str, float]:
    """The population stability index of every column of a document, for the rows of today."""
    encoded = encode(columns, table)
    return {
        reference.column: population_stability(
            np.array(reference.shares), _shares(column, reference.edges, values)
        )
        for reference, column, values in zip(known, encoded.columns, encoded.values, strict=True)
    }


def _edges(values: Floats) -> tuple[float, ...]:
    numbers = values[~np.isnan(values)]
    if not len(numbers):
        return ()
    inner = np.quantile(numbers, np.arange(1, _BINS) / _BINS, method="lower")
    return tuple(float(edge) for edge in np.unique(inner))


def _shares(column: AnyColumn, edges: tuple[float, ...], values: Floats) -> Floats:
    if isinstance(column, CategoryColumn):
        count = len(column.values[:_VALUES]) + 1
        codes = np.minimum(values, count - 1)
    else:
        count = len(edges) + 1
        codes = np.where(np.isnan(values), np.nan, np.searchsorted(edges, values, side="left"))
    rows = np.bincount(places(codes, count), minlength=count + 1)
    shares: Floats = rows / max(len(values), 1)
    return shares
