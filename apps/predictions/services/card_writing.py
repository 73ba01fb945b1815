"""The card of a model that was just learned: what the ladder found, as everybody may read it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from apps.predictions.schemas import (
    CalibrationBin,
    Distribution,
    LiftBand,
    Measures,
    ModelCard,
    RefusedColumn,
    Standing,
)

if TYPE_CHECKING:
    from apps.predictions.estimation.ladder import Climb
    from apps.predictions.estimation.measures import Band
    from apps.predictions.services.training import Lessons


def bins_of(curve: Iterable[Band]) -> tuple[CalibrationBin, ...]:
    """A calibration curve as it is kept."""
    return tuple(
        CalibrationBin(
            predicted_0_1=band.mean_score,
            observed_0_1=band.share,
            low_0_1=band.share_low,
            high_0_1=band.share_high,
            count=band.rows,
        )
        for band in curve
    )


def card_of(
    found: Climb,
    lessons: Lessons,
    *,
    is_plain: bool,
    window_days: int,
    days_to_win: Sequence[float],
) -> ModelCard:
    """Write the card.

    ``is_plain``: the model says no more than stage and age alone. ``window_days`` is the stretch within which
    the outcome is asked for.
    """
    labels = lessons.labels
    return ModelCard(
        data_from=lessons.first.date() if lessons.first else None,
        data_until=lessons.last.date() if lessons.last else None,
        examples=len(lessons.examples),
        window_days=window_days,
        with_history_0_1=lessons.with_history_0_1,
        next_rung_needs=found.next_need,
        verdict=verdict_of(found, is_plain=is_plain),
        standings=tuple(
            Standing(rung=row.rung, log_loss=row.log_loss, is_champion=row.rung is found.rung)
            for row in found.standings
        ),
        measures=_measures(found),
        calibration=bins_of(found.curve),
        lift=tuple(
            LiftBand(
                rank_from=band.first_rank,
                rank_to=band.last_rank,
                rate_0_1=band.share,
                lift=band.lift,
                count=band.last_rank - band.first_rank + 1,
            )
            for band in found.lift
        ),
        refused=tuple(
            RefusedColumn(
                name=row.column, label=labels.get(row.column, row.column), reason=row.reason
            )
            for row in found.refused
        ),
        columns=dict(labels),
        distributions=tuple(
            Distribution(
                name=row.column, edges=row.edges, categories=row.categories, shares=row.shares
            )
            for row in found.references
        ),
        days_to_win=tuple(days_to_win),
    )


def verdict_of(found: Climb, *, is_plain: bool) -> str:
    """The model in one sentence for everybody. ``is_plain``: stage and age alone say as much."""
    if found.measures is None or found.base_measures is None:
        return f"Too few outcomes to judge anything: {found.outcomes:,}. {found.next_need}"
    if not found.is_served:
        return (
            f"On {found.outcomes:,} outcomes of the company's own nothing predicts better than the average"
            f" of {found.base_measures.base_rate:.0%}."
        )
    if is_plain:
        return (
            f"On {found.outcomes:,} outcomes of the company's own nothing tells more of a deal than how far"
            " and how old it is. When deals are won is in the forecast."
        )
    return (
        f"{found.rung.label} on {found.outcomes:,} outcomes: of two records of which one came about and one"
        f" did not it ranks the right one higher {found.measures.auc:.0%} of the time."
    )


def _measures(found: Climb) -> Measures | None:
    shown, base = found.measures, found.base_measures
    if shown is None or base is None:
        return None
    return Measures(
        examples=shown.rows,
        base_rate_0_1=shown.base_rate,
        auc=_known(shown.auc),
        average_precision=_known(shown.average_precision),
        brier=shown.brier,
        log_loss=shown.log_loss,
        base_log_loss=base.log_loss,
        calibration_error=shown.calibration_error,
    )


def _known(figure: float) -> float | None:
    """None for what cannot be told: all outcomes were alike."""
    return None if math.isnan(figure) else figure
