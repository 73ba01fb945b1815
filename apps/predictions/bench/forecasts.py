"""The measures of forecasts: generated companies, and the peers' figures on Maven's deals.

The companies have other seeds than those on which the priors were chosen. Each is forecast at the last
twelve starts of a month, as it would have been then: chosen and tuned at cut-offs before.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import fmean

from django.conf import settings

from apps.predictions.bench.companies import end_of, history_of
from apps.predictions.forecasting.backtest import backtest
from apps.predictions.forecasting.deals import Deal, DealHistory, read_history
from apps.predictions.forecasting.results import NAIVE_METHODS, CutoffResult, Method
from apps.predictions.forecasting.windows import months_before

_SEEDS = range(40)
_HORIZONS_DAYS = (30, 90)
_CUTOFFS = 12
_LEAST_0_1, _AIM_0_1, _MOST_OFF_POINTS = 0.75, 0.80, 5.0

_MAVEN = Path(settings.BASE_DIR).parent / "shared" / "data" / "maven_crm"


@dataclass(frozen=True, slots=True)
class _Peer:
    """A published MAPE on Maven's deals, with the product's price as the value of a deal.

    Which cut-offs it rests on is not published; these reproduce all four.
    """

    method: Method
    horizon_days: int
    mape: float

    @property
    def cutoffs(self) -> list[date]:
        """Starts of months in 2017: from June on for 30 days, from July for 90, as the windows allow."""
        months = range(6, 13) if self.horizon_days == 30 else range(7, 11)
        return [date(2017, month, 1) for month in months]


_PEERS = (
    _Peer(Method.STAGE_WIN_RATE, 30, 2.46),
    _Peer(Method.STAGE_WIN_RATE, 90, 0.18),
    _Peer(Method.LAST_QUARTER, 30, 0.10),
    _Peer(Method.LAST_QUARTER, 90, 0.05),
)
# The published figures are rounded to 0.01.
_MOST_DIFFERENCE = 0.02
# Won within the window per deal, plus a run rate of new business: the peer that is ours in kind.
_PER_DEAL_MAPE = {30: 0.25, 90: 0.13}


def measure_forecasts() -> Iterator[dict[str, object]]:
    """Coverage of the interval and error of P50 over generated companies, later cut-offs pooled."""
    tested = [_tested(seed, days) for seed in _SEEDS for days in _HORIZONS_DAYS]
    results = [row for rows in tested for row in rows]
    inside = fmean(row.shown.p10 <= row.actual <= row.shown.p90 for row in results)
    below = fmean(row.actual < row.shown.p10 for row in results)
    ours = sum(row.chosen is Method.SIMULATION for row in results)
    yield {
        "name": "interval coverage",
        "value": round(100 * inside, 1),
        "unit": "%",
        "target": 100 * _LEAST_0_1,
        "better": "higher",
        "remark": f"{len(_SEEDS)} companies, {len(results)} later cut-offs; {below:.1%} lay below P10,"
        f" {1 - inside - below:.1%} above P90; ours was shown at {ours}",
    }
    yield {
        "name": "interval coverage, off 80 %",
        "value": round(100 * abs(inside - _AIM_0_1), 1),
        "unit": "points",
        "target": _MOST_OFF_POINTS,
    }
    naive = {
        method: fmean(_error(rows, method) for rows in tested if rows) for method in NAIVE_METHODS
    }
    best = min(naive, key=lambda method: naive[method])
    others = ", ".join(f"{method.label} {error:.1%}" for method, error in naive.items())
    yield {
        "name": "P50 error",
        "value": round(100 * fmean(_error(rows, None) for rows in tested if rows), 2),
        "unit": "%",
        "target": round(100 * naive[best], 2),
        "baseline": round(100 * naive[best], 2),
        "remark": f"sum of errors ÷ sum won, mean of companies and horizons; {others}",
    }


def measure_maven() -> Iterator[dict[str, object]]:
    """The peers' figures reproduced, and what would have been shown beside them."""
    if not _MAVEN.is_dir():
        return
    priced, plain = _maven(is_priced=True), _maven(is_priced=False)
    differences = []
    for peer in _PEERS:
        told = backtest(priced, horizon_days=peer.horizon_days, cutoffs=peer.cutoffs)
        found = next(row.accuracy for row in told.figures if row.method is peer.method)
        differences.append((abs((found.mape or 0.0) - peer.mape), found.mape, peer))
    yield {
        "name": "peers' MAPE on Maven, largest difference",
        "value": round(max(row[0] for row in differences), 3),
        "unit": "",
        "target": _MOST_DIFFERENCE,
        "remark": "; ".join(
            f"{peer.method.label}, {peer.horizon_days} days: {mape:.3f} (published {peer.mape})"
            for _, mape, peer in differences
        ),
    }
    for peer in _PEERS[2:]:
        told = backtest(plain, horizon_days=peer.horizon_days, cutoffs=peer.cutoffs)
        best = min(row.accuracy.mape or 0.0 for row in told.figures if row.method in NAIVE_METHODS)
        yield {
            "name": f"Maven, MAPE of what is shown, {peer.horizon_days} days",
            "value": round(told.shown.mape or 0.0, 3) if told.shown else 1.0,
            "unit": "",
            "baseline": round(best, 3),
            "remark": "baseline: the best naive method;"
            f" per deal plus run rate, published: {_PER_DEAL_MAPE[peer.horizon_days]}",
        }


def _tested(seed: int, horizon_days: int) -> tuple[CutoffResult, ...]:
    """The last cut-offs of a company whose windows were over at its end."""
    end = end_of(seed)
    starts = (months_before(end.replace(day=1), months) for months in range(_CUTOFFS + 4))
    over = [day for day in starts if (end - day).days >= horizon_days]
    return backtest(history_of(seed), horizon_days=horizon_days, cutoffs=over[:_CUTOFFS]).cutoffs


def _error(rows: tuple[CutoffResult, ...], method: Method | None) -> float:
    """Sum of absolute errors ÷ sum won, of a method or of what was shown."""
    said = [row.shown if method is None else row.by_method[method] for row in rows]
    off = sum(abs(row.actual - interval.p50) for row, interval in zip(rows, said, strict=True))
    return off / sum(row.actual for row in rows)


def _maven(*, is_priced: bool) -> DealHistory:
    """Maven's deals; the open and the lost ones at the price of the product, or at no amount."""
    with (_MAVEN / "products.csv").open(encoding="utf-8", newline="") as file:
        prices = {row["product"]: float(row["sales_price"]) for row in csv.DictReader(file)}
    # The pipeline spells this one otherwise.
    prices["GTXPro"] = prices["GTX Pro"]
    with (_MAVEN / "sales_pipeline.csv").open(encoding="utf-8", newline="") as file:
        return read_history(
            [_maven_deal(row, prices if is_priced else {}) for row in csv.DictReader(file)]
        )


def _maven_deal(row: dict[str, str], prices: dict[str, float]) -> Deal:
    is_won = row["deal_stage"] == "Won"
    return Deal(
        id=row["opportunity_id"],
        opened=date.fromisoformat(row["engage_date"]) if row["engage_date"] else None,
        closed=date.fromisoformat(row["close_date"]) if row["close_date"] else None,
        won=is_won,
        amount=float(row["close_value"]) if is_won else prices.get(row["product"]),
    )
