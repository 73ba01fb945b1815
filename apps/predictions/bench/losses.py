"""Log loss beside the best peer's on every table and size, and what calibration was reached."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

import numpy as np

from apps.predictions.bench.comparing import (
    DRAWS,
    OURS,
    Comparison,
    compare,
    compare_folds,
    reproduce,
)
from apps.predictions.bench.data_sets import SHARED, DataSet, generated_sets, shared_sets
from apps.predictions.estimation.examples import Examples
from apps.predictions.estimation.measures import calibration_error

# Tables with fewer rows are judged on all of them, in folds.
_FEW_ROWS = 1_000
_REPETITIONS = 3
_SIMULATIONS = 1_000

Row = dict[str, object]


def measure_peers() -> Iterator[Row]:
    """Whether the peers are as good here as they were published to be; else no comparison would count."""
    for data_set in _here():
        if not data_set.published:
            continue
        found = list(reproduce(data_set, data_set.load()))
        yield {
            "name": f"peers reproduced: {data_set.name}",
            "value": round(max(shortfall for *_, shortfall in found), 2),
            "unit": "of what is allowed",
            "target": 1.0,
            "remark": "; ".join(
                f"{name} AUC {auc:.3f} log loss {loss:.3f}" for name, auc, loss, _ in found
            ),
        }


def measure_log_loss() -> Iterator[Row]:
    """Log loss against the best peer and the base rate, by table and rows; calibration where all are used."""
    for data_set in [*_here(), *generated_sets()]:
        examples = data_set.load()
        for size in DRAWS:
            if 2 * size <= len(examples):
                yield _against_best(f"{data_set.name}, {size:,} rows", compare(examples, size))
        whole = _compare_whole(examples)
        yield _against_best(f"{data_set.name}, all rows", whole)
        if all(np.ptp(scores) > 0 for _, scores in whole.judgings(OURS)):
            yield _calibration(data_set.name, whole)


def _here() -> list[DataSet]:
    """The real tables, where they are."""
    return shared_sets() if SHARED.is_dir() else []


def _compare_whole(examples: Examples) -> Comparison:
    if len(examples) < _FEW_ROWS:
        return compare_folds(examples, _REPETITIONS)
    return compare(examples, None)


def _against_best(what: str, comparison: Comparison) -> Row:
    peer = comparison.best_peer()
    ours, best = comparison.log_loss(OURS), comparison.log_loss(peer)
    base = comparison.log_loss("base rate")
    return {
        "name": f"log loss against the best peer: {what}",
        "value": round(ours, 4),
        "unit": "nats",
        "target": round(best + comparison.within_noise(peer), 4),
        "baseline": round(best, 4),
        "remark": f"ratio {ours / best:.3f} to {peer}, {ours / base:.3f} to the base rate; "
        "the target is the best peer's and half a bootstrap interval of 95 %",
    }


def _calibration(what: str, comparison: Comparison) -> Row:
    """The calibration error beside those that a perfectly calibrated model of the same scores would show."""
    rng = np.random.default_rng(0)
    judgings = list(comparison.judgings(OURS))
    _, scores = judgings[0]
    perfect = [
        calibration_error(rng.random(len(scores)) < scores, scores) for _ in range(_SIMULATIONS)
    ]
    found = fmean(calibration_error(labels, scores) for labels, scores in judgings)
    return {
        "name": f"calibration: {what}",
        "value": round(found, 4),
        "unit": "mean distance",
        "target": round(float(np.quantile(perfect, 0.95)), 4),
        "baseline": round(fmean(perfect), 4),
        "remark": f"{len(scores):,} rows, judged {len(judgings)} times; baseline and target: mean and 95th "
        "percentile of a perfect model",
    }
