"""What is kept as JSON beside models and forecasts: cards, drift, figures. No numbers' types in it."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

from apps.predictions.enums import Rung


class Kept(BaseModel):
    """Written by us and read by us: what does not fit is a fault, not input."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Measures(Kept):
    """How good probabilities were on examples that the model had not seen (``estimation.measures``).

    ``auc`` and ``average_precision`` are None where all outcomes are alike.
    """

    examples: int
    base_rate_0_1: float
    auc: float | None
    average_precision: float | None
    brier: float
    log_loss: float
    base_log_loss: float
    calibration_error: float

    @property
    def base_brier(self) -> float:
        """The Brier score of the base rate."""
        return self.base_rate_0_1 * (1 - self.base_rate_0_1)


class Standing(Kept):
    """One rung's log loss on the same unseen examples."""

    rung: Rung
    log_loss: float
    is_champion: bool


class CalibrationBin(Kept):
    """Examples of like probability: what was foretold, and what came, with a 95 % interval."""

    predicted_0_1: float
    observed_0_1: float
    low_0_1: float
    high_0_1: float
    count: int


class LiftBand(Kept):
    """A tenth of the examples, the highest scores first: how often it came, and times the average."""

    rank_from: int
    rank_to: int
    rate_0_1: float
    lift: float
    count: int


class RefusedColumn(Kept):
    """A column from which nothing may be learned, and why."""

    name: str
    label: str
    reason: str


class Distribution(Kept):
    """How a column's values were spread when the model was trained: the shares of its bins."""

    name: str
    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()
    shares: tuple[float, ...]


class ModelCard(Kept):
    """The account of a model that everybody may read."""

    data_from: date | None
    data_until: date | None
    examples: int
    window_days: int
    with_history_0_1: float
    next_rung_needs: str
    verdict: str
    standings: tuple[Standing, ...]
    measures: Measures | None
    calibration: tuple[CalibrationBin, ...]
    lift: tuple[LiftBand, ...]
    refused: tuple[RefusedColumn, ...]
    columns: dict[str, str]
    distributions: tuple[Distribution, ...]
    # Deals: the days from opening to a win, at each hundredth of the won ones.
    days_to_win: tuple[float, ...] = ()


class TrialQuestion(Kept):
    """What is asked of somebody's table: which column holds the outcome, and what stands there when it came.

    ``time`` orders the rows; columns in ``drop`` are not read.
    """

    label: str
    positive: str
    time: str | None = None
    drop: tuple[str, ...] = ()


class TrialResult(Kept):
    """What ``evaluate_model --json`` prints, with the calibration curve. ``refused``: reasons by column."""

    rows: int
    base_rate: float
    rung: Rung
    auc: float
    average_precision: float
    brier: float
    log_loss: float
    base_log_loss: float
    calibration_error: float
    seconds: float
    refused: dict[str, str]
    calibration: tuple[CalibrationBin, ...]

    @property
    def is_served(self) -> bool:
        """Whether scores would be shown."""
        return self.rung != Rung.BASE_RATE

    @property
    def gain_0_1(self) -> float:
        """The share of the base rate's log loss that is saved."""
        return 1 - self.log_loss / self.base_log_loss if self.base_log_loss else 0.0

    @property
    def measures(self) -> Measures:
        """The same as measures of a model's card."""
        return Measures(
            examples=self.rows,
            base_rate_0_1=self.base_rate,
            auc=self.auc,
            average_precision=self.average_precision,
            brier=self.brier,
            log_loss=self.log_loss,
            base_log_loss=self.base_log_loss,
            calibration_error=self.calibration_error,
        )


class ColumnShift(Kept):
    """How far a column has moved since the training: the population stability index."""

    name: str
    label: str
    psi: float


class Drift(Kept):
    """How a model in service fares on outcomes that have become known since it was trained."""

    measured_at: datetime
    matured: int
    base_rate_0_1: float | None
    log_loss: float | None
    base_log_loss: float | None
    shifts: tuple[ColumnShift, ...]
    verdict: str


class DealShare(Kept):
    """What one open deal brings to a forecast."""

    deal_id: int
    owner_id: int | None
    probability_0_1: float
    amount: float
    expected: float


class MethodRecord(Kept):
    """How a method did on earlier cut-offs; None where there is nothing to tell.

    ``mape`` is a share of what was won, ``pinball`` an amount of the forecast's currency.
    """

    method: str
    label: str
    is_ours: bool
    is_chosen: bool
    mape: float | None
    pinball: float | None
    coverage_0_1: float | None


class FanPoint(Kept):
    """Won since the stretch began, until the end of a day: known up to the day of the forecast."""

    day: date
    p10: float
    p50: float
    p90: float


class ForecastFigures(Kept):
    """What stands behind the three numbers of a forecast.

    ``open_deals`` and ``new_business`` are what is expected of either, beside what is won already;
    ``methods`` and ``fan`` are the company's alone.
    """

    method: str
    method_label: str
    chosen_because: str
    cutoffs: int
    open_deals: float
    new_business: float
    remarks: tuple[str, ...]
    deals: tuple[DealShare, ...]
    methods: tuple[MethodRecord, ...]
    fan: tuple[FanPoint, ...]
