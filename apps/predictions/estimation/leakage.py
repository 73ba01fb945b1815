"""Columns that exist only after the outcome: a model that reads them is right in training alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.predictions.columns import Column, ColumnKind
from apps.predictions.estimation.encoding import LeftOut
from apps.predictions.estimation.examples import Examples, Labels
from apps.predictions.estimation.measures import auc
from apps.predictions.estimation.tables import UNKNOWN_CODE, Floats, Table

# With fewer outcomes of one kind a column may part them by chance.
FEWEST_OF_ONE_OUTCOME = 5
# What is known beforehand never tells so much: of the shared data sets' honest columns the best reaches 0.78.
SEPARATING_AUC = 0.99
# A column that is filled for one outcome only: in at least so many rows and such a share of that outcome,
# with so few exceptions, and so unlikely by chance.
FEWEST_FILLED = 10
FILLED_SHARE_OF_OUTCOME = 0.2
EXCEPTION_SHARE = 0.005
UNLIKELY_LOG = float(np.log(1e-6))
_BINS = 128


def find_leaks(examples: Examples) -> tuple[LeftOut, ...]:
    """The columns that seem to be filled in after the outcome, each with the reason in words."""
    labels = examples.labels
    if min(labels.sum(), (~labels).sum()) < FEWEST_OF_ONE_OUTCOME:
        return ()
    found = ((column, _reason(examples.table, column, labels)) for column in examples.table.columns)
    return tuple(LeftOut(column.name, reason) for column, reason in found if reason)


def _reason(table: Table, column: Column, labels: Labels) -> str | None:
    codes = _codes(table, column)
    if (side := _only_filled_for(codes != UNKNOWN_CODE, labels)) is not None:
        outcome = "where it came about" if side else "where it did not come about"
        return f"It is filled in only {outcome}: it is known after the outcome, not before."
    separation = _separation(codes, labels)
    if column.kind is ColumnKind.NUMBER:
        numbers = table.numbers[column.name]
        plain = auc(labels, np.where(np.isnan(numbers), np.nanmin(numbers, initial=0), numbers))
        separation = max(separation, plain, 1 - plain)
    if separation < SEPARATING_AUC:
        return None
    return (
        f"Alone it tells the outcomes apart almost perfectly (AUC {separation:.3f}): "
        "it is known after the outcome, not before."
    )


def _only_filled_for(is_filled: NDArray[np.bool_], labels: Labels) -> bool | None:
    """The outcome for which alone a column is filled; None when it is filled for both, or by chance."""
    filled, positives = int(is_filled.sum()), int(labels[is_filled].sum())
    if filled < FEWEST_FILLED or filled == len(labels):
        return None
    side = 2 * positives >= filled
    exceptions = filled - positives if side else positives
    of_outcome = int((labels == side).sum())
    share = of_outcome / len(labels)
    is_one_sided = exceptions <= EXCEPTION_SHARE * filled
    is_common = filled >= FILLED_SHARE_OF_OUTCOME * of_outcome
    is_unlikely = (filled - exceptions) * np.log(share) < UNLIKELY_LOG
    return side if is_one_sided and is_common and is_unlikely else None


def _separation(codes: NDArray[np.intp], labels: Labels) -> float:
    """The AUC of the rates of a column's values, each half of the rows rated by the other half.

    A value that stands in one row alone therefore tells nothing.
    """
    places = codes + 1
    count = int(places.max()) + 1
    # Alternate rows of each outcome, so that both halves hold both in either order of the file.
    half = np.empty(len(labels), dtype=bool)
    for side in (True, False):
        half[labels == side] = np.arange((labels == side).sum()) % 2
    base = labels.mean()
    scores = np.empty(len(labels))
    for taught, judged in ((half, ~half), (~half, half)):
        rows = np.bincount(places[taught], minlength=count)
        positives = np.bincount(places[taught], weights=labels[taught], minlength=count)
        rates: Floats = (positives + base) / (rows + 1)
        scores[judged] = rates[places[judged]]
    return auc(labels, scores)


def _codes(table: Table, column: Column) -> NDArray[np.intp]:
    """The column's values as codes, numbers in narrow bins; -1 is not known."""
    if column.kind is ColumnKind.CATEGORY:
        return table.categories[column.name].codes.astype(np.intp)
    numbers = table.numbers[column.name]
    is_known = ~np.isnan(numbers)
    codes = np.full(len(numbers), UNKNOWN_CODE, dtype=np.intp)
    if is_known.any():
        inner = np.arange(1, _BINS) / _BINS
        edges = np.unique(np.quantile(numbers[is_known], inner, method="lower"))
        codes[is_known] = np.searchsorted(edges, numbers[is_known], side="left")
    return codes
