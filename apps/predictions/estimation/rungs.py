"""The learners of the ladder: from encoded rows with outcomes to one part of a document."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from apps.predictions.documents import (
    AdditivePart,
    CategoryColumn,
    CategoryTerm,
    LinearTerm,
    NumberColumn,
    Term,
    Tree,
    TreesPart,
    log_odds_of,
    probability_of,
)
from apps.predictions.estimation.bulk import places, signed_log
from apps.predictions.estimation.encoding import EncodedTable
from apps.predictions.estimation.examples import Labels
from apps.predictions.estimation.tables import Floats

# Frequencies: a value's rate counts as if so many more rows had come out at the base rate (a beta prior;
# Gelman et al., Bayesian Data Analysis, ch. 5). Of 5, 10 and 20, with and without a shrinkage of whole
# columns, 20 alone was nearest to the best at 30 and at 100 rows of the tables of the bench.
PRIOR_ROWS = 20.0
SMALLEST_VARIANCE = 0.05
# The inverse strength of the logistic regression's L2 penalty.
LOGISTIC_C = 0.1
LOGISTIC_ITERATIONS = 500


@dataclass(frozen=True, slots=True)
class Boosting:
    """How trees are grown. The learning rate is small and leaves are few where data is little."""

    learning_rate: float = 0.06
    max_rounds: int = 300
    max_leaves: int = 15
    fewest_rows_of_a_leaf: int = 20
    l2: float = 5.0
    patience: int = 15


BOOSTING = Boosting()


def base_rate_part(labels: Labels) -> AdditivePart:
    """The share of outcomes alone."""
    return AdditivePart(intercept=_base_log_odds(labels), terms=())


def learn_frequencies(encoded: EncodedTable, labels: Labels) -> AdditivePart:
    """How often it came about for each value of each column, drawn towards the base rate; columns add up.

    Of a number it is how far the means of the two outcomes lie apart, in standard deviations within them
    (Fisher's linear discriminant with one column at a time). Added up in log-odds it is naive Bayes.
    """
    terms: list[Term] = []
    for column, values in zip(encoded.columns, encoded.values, strict=True):
        if isinstance(column, CategoryColumn):
            codes = places(values, column.code_count)
            *weights, missing = _shrunken(codes, column.code_count, labels)
            terms.append(CategoryTerm(weights=tuple(weights), missing=missing))
        else:
            terms.append(_mean_shift(values, labels))
    return AdditivePart(intercept=_base_log_odds(labels), terms=tuple(terms))


def learn_logistic(encoded: EncodedTable, labels: Labels) -> AdditivePart:
    """A logistic regression with an L2 penalty, on categories as indicators and standardised numbers."""
    if not encoded.columns:
        return base_rate_part(labels)
    offsets = _offsets(encoded)
    matrix, scales = _design(encoded, offsets)
    model = LogisticRegression(C=LOGISTIC_C, max_iter=LOGISTIC_ITERATIONS, tol=1e-5)
    model.fit(matrix, labels)
    weights = [float(weight) for weight in model.coef_[0]]
    terms: list[Term] = []
    for column, scale, (start, end) in zip(encoded.columns, scales, pairwise(offsets), strict=True):
        *own, missing = weights[start:end]
        if isinstance(column, NumberColumn):
            mean, deviation = scale
            terms.append(LinearTerm(mean=mean, deviation=deviation, slope=own[0], missing=missing))
        else:
            terms.append(CategoryTerm(weights=tuple(own), missing=missing))
    return AdditivePart(intercept=float(model.intercept_[0]), terms=tuple(terms))


def learn_trees(
    encoded: EncodedTable,
    labels: Labels,
    *,
    seed: int,
    watched: tuple[EncodedTable, Labels] | None = None,
    rounds: int | None = None,
) -> TreesPart:
    """Boosted trees over histograms (Friedman 2001; Ke et al. 2017).

    They stop when the rows of ``watched`` are no longer predicted better, or else after so many rounds.
    """
    order = _categories_first(encoded)
    if not order:
        return TreesPart(baseline=_base_log_odds(labels), trees=())
    model = HistGradientBoostingClassifier(
        learning_rate=BOOSTING.learning_rate,
        max_iter=BOOSTING.max_rounds if rounds is None else rounds,
        max_leaf_nodes=BOOSTING.max_leaves,
        min_samples_leaf=BOOSTING.fewest_rows_of_a_leaf,
        l2_regularization=BOOSTING.l2,
        early_stopping=watched is not None,
        n_iter_no_change=BOOSTING.patience,
        categorical_features=[
            isinstance(encoded.columns[place], CategoryColumn) for place in order
        ],
        random_state=seed,
    )
    matrix = _matrix(encoded, order)
    if watched is None:
        model.fit(matrix, labels)
    else:
        model.fit(matrix, labels, X_val=_matrix(watched[0], order), y_val=watched[1])
    # The library's own fields are read, because it exports no trees; a test holds the outcome against it.
    trees = tuple(_tree(predictor, order) for (predictor,) in model._predictors)
    return TreesPart(baseline=float(model._baseline_prediction.ravel()[0]), trees=trees)


def _base_log_odds(labels: Labels) -> float:
    """The share of outcomes; where one was never seen, as if half a row of each had been (Jeffreys 1946)."""
    unseen = 0.0 if labels.any() and not labels.all() else 0.5
    return log_odds_of((float(labels.sum()) + unseen) / (len(labels) + 2 * unseen))


def _shrunken(codes: NDArray[np.intp], count: int, labels: Labels) -> list[float]:
    """The weight of each of ``count`` values, and of what is not known, against the base rate."""
    rows = np.bincount(codes, minlength=count + 1)
    positives = np.bincount(codes, weights=labels, minlength=count + 1)
    base = _base_log_odds(labels)
    rates = (positives + PRIOR_ROWS * probability_of(base)) / (rows + PRIOR_ROWS)
    return [float(weight) for weight in np.log(rates / (1 - rates)) - base]


def _mean_shift(values: Floats, labels: Labels) -> LinearTerm:
    """The term of a number: the difference of means over the variance within, drawn towards none."""
    is_known = ~np.isnan(values)
    logs, outcome = signed_log(values[is_known]), labels[is_known]
    mean, deviation = _scale(logs)
    _, missing = _shrunken((~is_known).astype(np.intp), 1, labels)
    slope = 0.0
    if outcome.any() and not outcome.all():
        deviations = (logs - mean) / deviation
        shift = float(deviations[outcome].mean() - deviations[~outcome].mean())
        share = float(outcome.mean())
        # The variance is 1 over all; what lies between the outcomes is taken from it.
        within = max(1 - share * (1 - share) * shift**2, SMALLEST_VARIANCE)
        slope = shift / within * len(logs) / (len(logs) + PRIOR_ROWS)
    return LinearTerm(mean=mean, deviation=deviation, slope=slope, missing=missing)


def _offsets(encoded: EncodedTable) -> list[int]:
    """Where each column's weights begin, and where the last one's end: its values, then what is not known."""
    widths = [
        2 if isinstance(column, NumberColumn) else column.code_count + 1
        for column in encoded.columns
    ]
    return [0, *(int(end) for end in np.cumsum(widths))]


def _design(
    encoded: EncodedTable, offsets: list[int]
) -> tuple[csr_matrix, list[tuple[float, float]]]:
    """The sparse matrix of the regression, one entry for each row and column, and the numbers' scales."""
    rows, width = len(encoded), len(encoded.columns)
    cells = np.empty((rows, width), dtype=np.int32)
    entries = np.ones((rows, width))
    scales = []
    for place, (column, values) in enumerate(zip(encoded.columns, encoded.values, strict=True)):
        is_known = ~np.isnan(values)
        if isinstance(column, NumberColumn):
            logs = signed_log(values)
            mean, deviation = _scale(logs[is_known])
            entries[is_known, place] = (logs[is_known] - mean) / deviation
            cells[:, place] = offsets[place] + ~is_known
            scales.append((mean, deviation))
        else:
            cells[:, place] = offsets[place] + places(values, column.code_count)
            scales.append((0.0, 1.0))
    row_ends = np.arange(0, rows * width + 1, max(width, 1), dtype=np.int32)
    matrix = csr_matrix(
        (entries.ravel(), cells.ravel(), row_ends if width else np.zeros(rows + 1, dtype=np.int32)),
        shape=(rows, offsets[-1]),
    )
    return matrix, scales


def _scale(logs: Floats) -> tuple[float, float]:
    """Mean and standard deviation; a column of one number has the deviation 1, and so has one of none."""
    if not len(logs):
        return 0.0, 1.0
    deviation = float(logs.std())
    return float(logs.mean()), deviation if deviation > 1e-12 else 1.0


def _categories_first(encoded: EncodedTable) -> list[int]:
    """The order into which the library itself would put the columns; it numbers its features by it.

    A column of which these rows know nothing is left out: the library has no bins for it.
    """
    known = (place for place, values in enumerate(encoded.values) if not np.isnan(values).all())
    return sorted(
        known,
        key=lambda place: not isinstance(encoded.columns[place], CategoryColumn),
    )


def _matrix(encoded: EncodedTable, order: list[int]) -> Floats:
    matrix: Floats = np.column_stack([encoded.values[place] for place in order])
    return matrix


def _tree(predictor: object, order: list[int]) -> Tree:
    """A tree of the library as the document's."""
    nodes = predictor.nodes  # type: ignore[attr-defined]
    bits = predictor.raw_left_cat_bitsets  # type: ignore[attr-defined]
    masks = [sum(int(word) << 32 * place for place, word in enumerate(words)) for words in bits]
    is_leaf = nodes["is_leaf"].astype(bool)
    is_category = nodes["is_categorical"].astype(bool) & ~is_leaf
    # Infinity parts what is known from what is not; JSON has none, and every number is finite.
    thresholds = np.minimum(nodes["num_threshold"], np.finfo(np.float64).max)
    features = [order[feature] for feature in nodes["feature_idx"].tolist()]
    return Tree(
        feature=tuple(
            -1 if leaf else feature for leaf, feature in zip(is_leaf, features, strict=True)
        ),
        threshold=tuple(np.where(is_leaf | is_category, 0.0, thresholds).tolist()),
        left_codes=tuple(
            masks[place] if is_one else 0
            for place, is_one in zip(nodes["bitset_idx"].tolist(), is_category, strict=True)
        ),
        missing_left=tuple(nodes["missing_go_to_left"].astype(bool).tolist()),
        left=tuple(nodes["left"].tolist()),
        right=tuple(nodes["right"].tolist()),
        value=tuple(np.where(is_leaf, nodes["value"], 0.0).tolist()),
        is_category=tuple(is_category.tolist()),
    )
