"""A trained model as it comes out of the engine, with numbers that could be real."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from apps.predictions.documents import (
    AdditivePart,
    Calibration,
    CategoryColumn,
    CategoryTerm,
    LinearTerm,
    ModelDocument,
    NumberColumn,
    digest_of,
)
from apps.predictions.enums import ModelState, Prediction, Rung
from apps.predictions.models import TrainedModel
from apps.predictions.schemas import (
    CalibrationBin,
    ColumnShift,
    Drift,
    LiftBand,
    Measures,
    ModelCard,
    RefusedColumn,
    Standing,
)

_NUMBERS = count(1)

MEASURES = Measures(
    examples=412,
    base_rate_0_1=0.24,
    auc=0.761,
    average_precision=0.512,
    brier=0.149,
    log_loss=0.462,
    base_log_loss=0.551,
    calibration_error=0.021,
)
CARD = ModelCard(
    data_from=date(2024, 3, 1),
    data_until=date(2026, 2, 20),
    examples=6180,
    window_days=90,
    with_history_0_1=0.71,
    next_rung_needs="This is the highest step.",
    verdict="Better than the base rate on the newest fifth: log loss 0.462 against 0.551.",
    standings=(
        Standing(rung=Rung.FREQUENCIES, log_loss=0.489, is_champion=False),
        Standing(rung=Rung.LOGISTIC, log_loss=0.471, is_champion=False),
        Standing(rung=Rung.BOOSTING, log_loss=0.462, is_champion=True),
    ),
    measures=MEASURES,
    calibration=tuple(
        CalibrationBin(
            predicted_0_1=predicted,
            observed_0_1=observed,
            low_0_1=max(observed - 0.08, 0),
            high_0_1=observed + 0.09,
            count=82,
        )
        for predicted, observed in (
            (0.05, 0.04),
            (0.12, 0.14),
            (0.2, 0.18),
            (0.33, 0.36),
            (0.61, 0.58),
        )
    ),
    lift=tuple(
        LiftBand(rank_from=first, rank_to=first + 40, rate_0_1=rate, lift=rate / 0.24, count=41)
        for first, rate in zip(
            range(1, 412, 41),
            (0.63, 0.46, 0.34, 0.27, 0.2, 0.17, 0.12, 0.1, 0.07, 0.04),
            strict=False,
        )
    ),
    refused=(
        RefusedColumn(
            name="attribute_signed_on",
            label="Signed on",
            reason="Filled in for one outcome only: it is known afterwards.",
        ),
    ),
    columns={"days_since_contact": "Days since the last contact", "source": "Where it came from"},
    distributions=(),
)
DRIFT = Drift(
    measured_at=datetime(2026, 3, 9, 3, 0, tzinfo=UTC),
    matured=64,
    base_rate_0_1=0.27,
    log_loss=0.47,
    base_log_loss=0.58,
    shifts=(
        ColumnShift(name="days_since_contact", label="Days since the last contact", psi=0.04),
        ColumnShift(name="source", label="Where it came from", psi=0.31),
    ),
    verdict="It still does better than the base rate on newer outcomes.",
)


DOCUMENT = ModelDocument(
    libraries={},
    rung=Rung.LOGISTIC,
    outcomes=2060,
    base_rate_0_1=0.24,
    columns=(
        NumberColumn(name="meetings_30", typical=0.0),
        NumberColumn(name="meetings_7", typical=0.0),
        CategoryColumn(name="lead_source", values=("web", "fair"), has_other=False, typical="web"),
        NumberColumn(name="value", typical=1000.0),
    ),
    parts=(
        AdditivePart(
            intercept=-1.0,
            terms=(
                LinearTerm(mean=0.0, deviation=1.0, slope=1.15416, missing=0.0),
                LinearTerm(mean=0.0, deviation=1.0, slope=0.92, missing=0.0),
                CategoryTerm(weights=(0.0, -1.0), missing=0.0),
                LinearTerm(mean=0.0, deviation=1.0, slope=0.0, missing=0.0),
            ),
        ),
    ),
    calibration=Calibration(intercept=0.0, weights=(1.0,)),
)


def make_scoring_model(
    prediction: Prediction = Prediction.LEAD_CONVERSION, **values: Any
) -> TrainedModel:
    """A model in service whose document scores leads: meetings raise it, a fair as source lowers it."""
    content = DOCUMENT.to_bytes()
    return make_model(
        prediction,
        **{"document": content, "digest": digest_of(content), "rung": Rung.LOGISTIC} | values,
    )


def make_model(
    prediction: Prediction = Prediction.LEAD_CONVERSION,
    state: ModelState = ModelState.SERVING,
    **values: Any,
) -> TrainedModel:
    """A model with a whole card; its document is none that could be read."""
    return TrainedModel.objects.create(
        **{
            "prediction": prediction,
            "number": next(_NUMBERS),
            "state": state,
            "rung": Rung.BOOSTING,
            "outcomes": 2060,
            "base_rate_0_1": 0.24,
            "trained_at": datetime(2026, 3, 1, 3, 0, tzinfo=UTC),
            "served_from": datetime(2026, 3, 1, 3, 5, tzinfo=UTC),
            "card": CARD.model_dump(mode="json"),
            "drift": DRIFT.model_dump(mode="json"),
            "document": b"",
            "digest": "",
        }
        | values
    )
