"""Scoring a whole table from the same document that scores one record, to the same figures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

from apps.predictions.documents import (
    FARTHEST_DEVIATIONS,
    HIGHEST_0_1,
    LOWEST_0_1,
    CategoryColumn,
    CategoryTerm,
    LinearTerm,
    ModelDocument,
    Part,
    Term,
    Tree,
    TreesPart,
)
from apps.predictions.estimation.encoding import EncodedTable, encode
from apps.predictions.estimation.tables import Floats, Table

# So many rows are encoded at a time, which bounds the memory beside the table.
ROWS_AT_A_TIME = 100_000
# The library's sets of codes are bits of eight words.
_CODE_WORDS, _BITS_PER_WORD = 8, 32


def probabilities(document: ModelDocument, table: Table) -> Floats:
    """The score of every row, as ``document.probability`` gives it for one record."""
    scores = np.empty(len(table))
    for start in range(0, len(table), ROWS_AT_A_TIME):
        rows = slice(start, start + ROWS_AT_A_TIME)
        encoded = encode(document.columns, table.take(rows))
        total = np.full(len(encoded), document.calibration.intercept)
        for weight, part in zip(document.calibration.weights, document.parts, strict=True):
            total += weight * part_log_odds(part, encoded)
        scores[rows] = served(total)
    return scores


def part_log_odds(part: Part, encoded: EncodedTable) -> Floats:
    """What a part of a model makes of every row."""
    if isinstance(part, TreesPart):
        return _trees_log_odds(part, encoded)
    total = np.full(len(encoded), part.intercept)
    for term, values in zip(part.terms, encoded.values, strict=False):
        total += _share(term, values)
    return total


def served(log_odds: Floats) -> Floats:
    """The scores that are shown for log-odds: never 0 or 1."""
    raised = np.exp(-np.abs(log_odds))
    scores = np.where(log_odds >= 0, 1 / (1 + raised), raised / (1 + raised))
    return np.clip(scores, LOWEST_0_1, HIGHEST_0_1)


def _share(term: Term, values: Floats) -> Floats:
    """What a column adds in every row: the terms' ``add`` for arrays."""
    match term:
        case LinearTerm():
            deviations = (signed_log(values) - term.mean) / term.deviation
            near = np.clip(deviations, -FARTHEST_DEVIATIONS, FARTHEST_DEVIATIONS)
            return np.where(np.isnan(values), term.missing, term.slope * near)
        case CategoryTerm():
            return np.array([*term.weights, term.missing])[places(values, len(term.weights))]


def signed_log(values: Floats) -> Floats:
    """The document's ``signed_log`` for arrays."""
    result: Floats = np.copysign(np.log1p(np.abs(values)), values)
    return result


def places(codes: Floats, count: int) -> NDArray[np.intp]:
    """Codes as places in a list whose last item, behind ``count`` others, is for what is not known."""
    return np.where(np.isnan(codes), count, codes).astype(np.intp)


def _trees_log_odds(part: TreesPart, encoded: EncodedTable) -> Floats:
    matrix = np.column_stack(encoded.values) if encoded.values else np.empty((len(encoded), 0))
    matrix = np.ascontiguousarray(matrix, dtype=np.float64)
    # Every code of a column was seen in training, so that none is the library's "unknown category".
    category_places = np.zeros(len(encoded.columns), dtype=np.uint32)
    is_category = [isinstance(column, CategoryColumn) for column in encoded.columns]
    category_places[is_category] = np.arange(sum(is_category))
    known = np.full((sum(is_category), _CODE_WORDS), 2**_BITS_PER_WORD - 1, dtype=np.uint32)
    total = np.full(len(encoded), part.baseline)
    for tree in part.trees:
        total += _predictor(tree).predict(matrix, known, category_places, 1)
    return total


def _predictor(tree: Tree) -> TreePredictor:
    nodes = np.zeros(len(tree.feature), dtype=PREDICTOR_RECORD_DTYPE)
    feature = np.array(tree.feature)
    is_category = np.array(tree.is_category)
    nodes["is_leaf"] = feature < 0
    nodes["feature_idx"] = np.maximum(feature, 0)
    nodes["num_threshold"] = tree.threshold
    nodes["missing_go_to_left"] = tree.missing_left
    nodes["left"] = tree.left
    nodes["right"] = tree.right
    nodes["value"] = tree.value
    nodes["is_categorical"] = is_category
    nodes["bitset_idx"][is_category] = np.arange(is_category.sum())
    masks = [mask for mask, is_one in zip(tree.left_codes, tree.is_category, strict=True) if is_one]
    bits = np.array([_words(mask) for mask in masks], dtype=np.uint32).reshape(-1, _CODE_WORDS)
    return TreePredictor(nodes, bits, bits)


def _words(mask: int) -> list[int]:
    ones = 2**_BITS_PER_WORD - 1
    return [mask >> _BITS_PER_WORD * word & ones for word in range(_CODE_WORDS)]
