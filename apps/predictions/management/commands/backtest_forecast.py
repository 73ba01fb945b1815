"""``manage.py backtest_forecast``: how right forecasts would have been for the deals of a file."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.crm.importing.exceptions import FileRefusedError
from apps.predictions.exceptions import ExportRefusedError
from apps.predictions.forecasting.results import Accuracy, Backtest, CutoffResult, Interval

if TYPE_CHECKING:
    from apps.predictions.forecasting.deals import DealHistory

_MOST_DAYS = 1_830
# Beyond these a year is a slip of the pen.
_FIRST_YEAR, _LAST_YEAR = 1900, 2200


class Command(BaseCommand):
    """Backtests."""

    help = (
        "Forecast the won value of the deals in a CSV file at earlier cut-offs, from what was known then,"
        " beside naive methods. Needs no database."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """The files, the windows, and how the columns are named."""
        parser.add_argument(
            "--csv",
            type=Path,
            required=True,
            help="deals: opened, closed, won, amount; if known deal (or id), owner, team",
        )
        parser.add_argument(
            "--history", type=Path, help="changes of stage: deal, stage, entered (a day)"
        )
        parser.add_argument("--horizon-days", type=int, required=True, metavar="N")
        parser.add_argument(
            "--cutoffs", required=True, metavar="D1,D2,...", help="days such as 2026-03-01"
        )
        parser.add_argument(
            "--columns",
            default="",
            metavar="NAME=COLUMN,...",
            help="other names of columns, as in opened=engage_date,won=deal_stage:Won",
        )
        parser.add_argument("--seed", type=int, default=0, help="of what is drawn")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read, test, print."""
        from apps.predictions.forecasting.backtest import backtest
        from apps.predictions.forecasting.exports import read_choices, read_deals

        days, cutoffs = options["horizon_days"], _cutoffs_of(options["cutoffs"])
        if not 1 <= days <= _MOST_DAYS:
            raise CommandError(f"--horizon-days is a number from 1 to {_MOST_DAYS}.")
        try:
            choices = read_choices(options["columns"])
            history = read_deals(options["csv"], choices, options["history"])
        except (ExportRefusedError, FileRefusedError) as error:
            raise CommandError(error.message) from error
        self.stderr.write(f"{len(history):,} deals, {int(history.won.sum()):,} of them won.")
        told = backtest(
            history,
            horizon_days=days,
            cutoffs=cutoffs,
            seed=abs(options["seed"]),
            tell=lambda done, total: self.stderr.write(f"cut-off {done + 1} of {total} ..."),
        )
        if not told.cutoffs:
            raise CommandError(" ".join(told.remarks))
        self.stdout.write(
            json.dumps(summary_of(history, days, told)) if options["json"] else _table(told)
        )


def summary_of(history: DealHistory, horizon_days: int, told: Backtest) -> dict[str, Any]:
    """A backtest as plain values."""
    return {
        "deals": len(history),
        "won": int(history.won.sum()),
        "horizon_days": horizon_days,
        "methods": {row.method.value: _figures(row.accuracy) for row in told.figures},
        "shown": _figures(told.shown) if told.shown else None,
        "cutoffs": [_cutoff(row) for row in told.cutoffs],
        "remarks": list(told.remarks),
    }


def _figures(accuracy: Accuracy) -> dict[str, float | None]:
    figures = asdict(accuracy)
    figures["coverage"] = figures.pop("coverage_0_1")
    return {name: None if value is None else round(value, 6) for name, value in figures.items()}


def _cutoff(row: CutoffResult) -> dict[str, Any]:
    return {
        "cutoff": row.cutoff.isoformat(),
        "until": row.window.end.isoformat(),
        "actual": round(row.actual, 2),
        "chosen": row.chosen.value,
        **_interval(row.shown),
        "methods": {method.value: _interval(said) for method, said in row.by_method.items()},
    }


def _interval(interval: Interval) -> dict[str, float]:
    return {name: round(value, 2) for name, value in asdict(interval).items()}


def _table(told: Backtest) -> str:
    lines = [f"{'method':58}{'cut-offs':>9}{'MAPE':>9}{'pinball':>13}{'coverage':>10}"]
    rows = [(row.method.label, row.accuracy) for row in told.figures]
    if told.shown:
        rows.append(("What would have been shown", told.shown))
    for label, accuracy in rows:
        mape = "" if accuracy.mape is None else f"{accuracy.mape:.1%}"
        lines.append(
            f"{label:58}{accuracy.cutoffs:>9}{mape:>9}{accuracy.pinball:>13,.0f}"
            f"{accuracy.coverage_0_1:>10.0%}"
        )
    lines += ["", f"{'cut-off':12}{'won':>14}{'P10':>14}{'P50':>14}{'P90':>14}  shown"]
    for row in told.cutoffs:
        shown = row.shown
        lines.append(
            f"{row.cutoff.isoformat():12}{row.actual:>14,.0f}{shown.p10:>14,.0f}{shown.p50:>14,.0f}"
            f"{shown.p90:>14,.0f}  {row.chosen.label}"
        )
    return "\n".join([*lines, *(["", *told.remarks] if told.remarks else [])])


def _cutoffs_of(text: str) -> list[date]:
    days = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            day = date.fromisoformat(part)
        except ValueError:
            raise CommandError(f"--cutoffs: {part!r} is no day such as 2026-03-01.") from None
        if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
            raise CommandError(
                f"--cutoffs: {part} does not lie from {_FIRST_YEAR} to {_LAST_YEAR}."
            )
        days.append(day)
    if not days:
        raise CommandError("--cutoffs names no day.")
    return days
