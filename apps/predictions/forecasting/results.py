"""What a forecast and a backtest say: plain Python values, in the currency of the deals' amounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from apps.predictions.forecasting.windows import Window


class Method(StrEnum):
    """How the value won in a window is told beforehand: ours, and the naive ones beside it."""

    SIMULATION = "simulation"
    STAGE_WIN_RATE = "stage_win_rate"
    STAGE_WON_WITHIN = "stage_won_within"
    LAST_WINDOWS = "last_windows"
    LAST_QUARTER = "last_quarter"

    @property
    def label(self) -> str:
        """The method in words."""
        return _LABELS[self]


_LABELS = {
    Method.SIMULATION: "Each open deal and new business, simulated",
    Method.STAGE_WIN_RATE: "Win rate of the stage × open value",
    Method.STAGE_WON_WITHIN: "Won within the window by stage, plus usual new business",
    Method.LAST_WINDOWS: "Mean of the last three windows",
    Method.LAST_QUARTER: "Same phase of the last quarter",
}
NAIVE_METHODS = tuple(method for method in Method if method is not Method.SIMULATION)


class Part(StrEnum):
    """Where won value comes from."""

    WON_SO_FAR = "won_so_far"
    OPEN_DEALS = "open_deals"
    NEW_BUSINESS = "new_business"


@dataclass(frozen=True, slots=True)
class Interval:
    """What is reached with 90, 50 and 10 % probability."""

    p10: float
    p50: float
    p90: float


@dataclass(frozen=True, slots=True)
class PartForecast:
    """One part of what is won. Expected values add up; medians do not."""

    part: Part
    expected: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class GroupForecast:
    """What one owner or one team wins. Expected values add up to the company's; medians do not.

    Attributes:
        name: the owner's or team's key in the deals; empty for deals that have none.
        won_so_far: what of it is won already.
    """

    name: str
    won_so_far: float
    expected: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Contribution:
    """What an open deal adds to the expected value.

    Attributes:
        probability_0_1: that it is won within the window.
        expected: that probability × its amount, or × the usual amount where it has none.
    """

    deal_id: str
    probability_0_1: float
    expected: float


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How near intervals came to what was won; None where there is nothing to divide by.

    Attributes:
        cutoffs: how many they are.
        mape: mean absolute error of P50 ÷ what was won, over windows in which something was won.
        error_share: sum of absolute errors of P50 ÷ sum of what was won: small windows weigh little.
        pinball: mean pinball loss at 10, 50 and 90 %, in the currency of the amounts.
        coverage_0_1: the share of windows in which what was won lay between P10 and P90.
    """

    cutoffs: int
    mape: float | None
    error_share: float | None
    pinball: float
    coverage_0_1: float


@dataclass(frozen=True, slots=True)
class MethodFigures:
    """How a method did at the cut-offs at which it said something."""

    method: Method
    accuracy: Accuracy


@dataclass(frozen=True, slots=True)
class CutoffResult:
    """What was told at a cut-off, and what came.

    Attributes:
        actual: what was won in the window, that before the cut-off included, as in the intervals.
        chosen: the method that would have been shown then, for what was known then.
        shown: the interval that would have been shown.
        by_method: what each method said; ours as tuned then.
    """

    cutoff: date
    window: Window
    actual: float
    chosen: Method
    shown: Interval
    by_method: dict[Method, Interval]


@dataclass(frozen=True, slots=True)
class Backtest:
    """What the methods would have said at earlier cut-offs, each from what was known then.

    Attributes:
        cutoffs: oldest first.
        figures: of each method that said something.
        shown: of what would have been shown; None without a cut-off.
        remarks: what of the deals was left out or mended, and cut-offs that had too little history.
    """

    cutoffs: tuple[CutoffResult, ...]
    figures: tuple[MethodFigures, ...]
    shown: Accuracy | None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TooLittleHistory:
    """No forecast is shown, and what one needs."""

    needs: str
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is won in a window.

    Attributes:
        interval: of the method that is shown, tuned at earlier cut-offs; what is won so far included.
        expected: the mean, which the parts, teams and owners add up to.
        method: the one that is shown; it did best at the earlier cut-offs.
        chosen_because: that in words.
        parts: what is won so far, from open deals, and from business that is not in the pipeline yet.
        contributions: of every open deal, largest first.
        remarks: what of the deals was left out or mended.
    """

    today: date
    window: Window
    interval: Interval
    expected: float
    won_so_far: float
    method: Method
    chosen_because: str
    parts: tuple[PartForecast, ...]
    contributions: tuple[Contribution, ...]
    teams: tuple[GroupForecast, ...]
    owners: tuple[GroupForecast, ...]
    backtest: Backtest
    remarks: tuple[str, ...] = ()
