"""What a climb of the whole ladder costs beside one bare fit of the library that it uses most."""

from __future__ import annotations

import time

from threadpoolctl import threadpool_limits

from apps.predictions.bench.data_sets import large_examples
from apps.predictions.bench.peers import histogram_boosting
from apps.predictions.estimation.ladder import climb
from apps.predictions.estimation.splits import plan_folds

_ROWS = 100_000
_TIMES_A_FIT = 3


def measure_training() -> dict[str, object]:
    """Every rung on every fold, calibrated, judged and learned again, in processor seconds of one thread."""
    examples = large_examples(_ROWS)
    first = examples.table.take(slice(0, 1))
    with threadpool_limits(limits=1):
        began = time.process_time()
        histogram_boosting(examples, first)
        bare_s = time.process_time() - began
    began = time.process_time()
    found = climb(examples)
    climb_s = time.process_time() - began
    # Each fold is learned from once, and everything once more.
    fits = len(plan_folds(examples, seed=0).folds) + 1
    return {
        "name": "train on 100k outcomes",
        "value": round(climb_s, 2),
        "unit": "s",
        "target": round(_TIMES_A_FIT * bare_s * fits, 2),
        "baseline": round(bare_s, 2),
        "remark": f"{climb_s / bare_s:.1f} times one bare fit, the baseline; target: {_TIMES_A_FIT} for each "
        f"of {fits} fits; ends on {found.rung.label}",
    }
