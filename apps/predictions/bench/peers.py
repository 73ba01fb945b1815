"""What others do with the same tables, as good as they do it: each peer learns and scores in one call."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import OneHotEncoder

from apps.predictions.estimation.bulk import signed_log
from apps.predictions.estimation.examples import Examples
from apps.predictions.estimation.tables import UNKNOWN_CODE, Floats, Table

# Learns from the first, scores the rows of the second.
Peer = Callable[[Examples, Table], Floats]


def base_rate(train: Examples, test: Table) -> Floats:
    """The training mean."""
    return np.full(len(test), train.labels.mean())


def odoo(train: Examples, test: Table) -> Floats:
    """Odoo's lead scoring (addons/crm): naive Bayes over categories, counts plus 0.1, numbers ignored."""
    won, lost = train.labels, ~train.labels
    log_won = np.full(len(test), np.log(won.mean()))
    log_lost = np.full(len(test), np.log(lost.mean()))
    for name, column in train.table.categories.items():
        codes, size = column.codes, len(column.vocabulary)
        known = codes != UNKNOWN_CODE
        counts = [np.bincount(codes[known & side], minlength=size) for side in (won, lost)]
        is_seen = np.append(counts[0] + counts[1] > 0, False)
        places = test.categories[name].codes
        for total, count in zip((log_won, log_lost), counts, strict=True):
            shares = np.log((count + 0.1) / np.sum(count + 0.1, where=is_seen[:-1]))
            total += np.where(is_seen[places], np.append(shares, 0.0)[places], 0.0)
    scores = 1 / (1 + np.exp(np.clip(log_lost - log_won, -50, 50)))
    rounded: Floats = np.round(scores, 4)
    return rounded


def logistic(train: Examples, test: Table) -> Floats:
    """One-hot categories, rare ones pooled, logged and standardised numbers, L2 with C = 0.1."""
    parts = [_one_hot(train.table, test, name) for name in train.table.categories]
    parts += [_standardised(train.table, test, name) for name in train.table.numbers]
    taught, judged = (np.hstack(side) for side in zip(*parts, strict=True))
    model = LogisticRegression(C=0.1, max_iter=2_000).fit(taught, train.labels)
    scores: Floats = model.predict_proba(judged)[:, 1]
    return scores


def histogram_boosting(train: Examples, test: Table) -> Floats:
    """scikit-learn's, with ordinal codes as categories, learning rate 0.06, early stopping."""
    model = HistGradientBoostingClassifier(
        learning_rate=0.06,
        max_iter=300,
        early_stopping=True,
        categorical_features=[name in train.table.categories for name in _names(train.table)],
        random_state=0,
    )
    model.fit(_codes(train.table, train.table), train.labels)
    scores: Floats = model.predict_proba(_codes(train.table, test))[:, 1]
    return scores


def lightgbm(train: Examples, test: Table) -> Floats:
    """LightGBM as it comes out."""
    model = _lightgbm_model().fit(_codes(train.table, train.table), train.labels)
    scores: Floats = model.predict_proba(_codes(train.table, test))[:, 1]
    return scores


def lightgbm_sigmoid(train: Examples, test: Table) -> Floats:
    """LightGBM with Platt's calibration on shuffled folds."""
    return _calibrated_lightgbm(train, test, "sigmoid")


def lightgbm_isotonic(train: Examples, test: Table) -> Floats:
    """LightGBM with isotonic calibration on shuffled folds."""
    return _calibrated_lightgbm(train, test, "isotonic")


def peers() -> dict[str, Peer]:
    """Every peer that can run here; LightGBM is a development tool and needs a library of the system."""
    found: dict[str, Peer] = {
        "base rate": base_rate,
        "Odoo's": odoo,
        "logistic": logistic,
        "HistGradientBoosting": histogram_boosting,
    }
    if _lightgbm_loads():
        found |= {
            "LightGBM": lightgbm,
            "LightGBM, sigmoid": lightgbm_sigmoid,
            "LightGBM, isotonic": lightgbm_isotonic,
        }
    return found


def _lightgbm_loads() -> bool:
    try:
        importlib.import_module("lightgbm")
    except (ImportError, OSError):
        return False
    return True


def _lightgbm_model() -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(
        n_estimators=200, learning_rate=0.05, num_leaves=31, min_child_samples=20, subsample=0.8,
        subsample_freq=1, colsample_bytree=0.8, n_jobs=1, random_state=0, verbose=-1,
    )  # fmt: skip


def _calibrated_lightgbm(train: Examples, test: Table, method: str) -> Floats:
    folds = max(2, min(5, int(train.labels.sum()), int((~train.labels).sum())))
    calibrated = CalibratedClassifierCV(
        _lightgbm_model(), method=method, cv=StratifiedKFold(folds, shuffle=True, random_state=0)
    )
    calibrated.fit(_codes(train.table, train.table), train.labels)
    scores: Floats = calibrated.predict_proba(_codes(train.table, test))[:, 1]
    return scores


def _names(table: Table) -> list[str]:
    return [*table.categories, *table.numbers]


def _codes(train: Table, table: Table) -> Floats:
    """Categories as the 254 most frequent codes of training, the others and what is not known as NaN."""
    columns = []
    for name, column in table.categories.items():
        known = train.categories[name].codes
        counts = np.bincount(known[known >= 0], minlength=len(column.vocabulary) + 1)
        frequent = np.argsort(-counts, kind="stable")[:254]
        codes = np.full(len(counts) + 1, np.nan)
        kept = frequent[counts[frequent] > 0]
        codes[kept] = np.arange(len(kept))
        columns.append(codes[column.codes])
    return np.column_stack([*columns, *table.numbers.values()])


def _one_hot(train: Table, test: Table, name: str) -> tuple[NDArray[np.float64], ...]:
    encoder = OneHotEncoder(
        min_frequency=5, handle_unknown="infrequent_if_exist", sparse_output=False
    )
    encoder.fit(train.categories[name].codes[:, None])
    return tuple(encoder.transform(side.categories[name].codes[:, None]) for side in (train, test))


def _standardised(train: Table, test: Table, name: str) -> tuple[NDArray[np.float64], ...]:
    numbers = train.numbers[name]
    median = np.nanmedian(numbers) if not np.isnan(numbers).all() else 0.0
    filled = [
        signed_log(np.where(np.isnan(side.numbers[name]), median, side.numbers[name]))
        for side in (train, test)
    ]
    mean, deviation = filled[0].mean(), filled[0].std() or 1.0
    return tuple(
        np.column_stack([(logs - mean) / deviation, np.isnan(side.numbers[name])])
        for logs, side in zip(filled, (train, test), strict=True)
    )
