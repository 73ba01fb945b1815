"""What the page of a record says about its score: how high, how sure, since when; or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from apps.crm.enums import ContractOutcome, DealOutcome, LeadStatus
from apps.crm.models import Account, Lead, Opportunity, Record
from apps.predictions.charts import ScoreLine, lay_out_scores
from apps.predictions.closing import ClosingDay, expected_close
from apps.predictions.features.renewals import AHEAD_DAYS
from apps.predictions.models import Score
from apps.predictions.schemas import CalibrationBin
from apps.predictions.service_states import PredictionService, read_service
from apps.predictions.wording import WORDING_OF_KIND, Wording
from apps.tenants.models import Tenant

# The line of a card goes back so far, and so many scores at most.
SHOWN_DAYS, SHOWN_SCORES = 365, 100
TREND_DAYS = 28
# A smaller move in percentage points is no trend.
LEAST_TREND = 3


@dataclass(frozen=True, slots=True)
class Trend:
    """By how many points a score has moved within ``TREND_DAYS``."""

    points: int

    @property
    def words(self) -> str:
        """The move in words."""
        if abs(self.points) < LEAST_TREND:
            return f"steady over {TREND_DAYS} days"
        direction = "up" if self.points > 0 else "down"
        return f"{direction} {abs(self.points)} points in {TREND_DAYS} days"


@dataclass(frozen=True, slots=True)
class RecordCard:
    """A record's score as its page shows it. Without a ``score``, ``reason`` says why there is none.

    ``scores`` are the latest first. ``like`` are earlier records that scored about the same.
    """

    record: Record
    service: PredictionService
    reason: str
    scores: tuple[Score, ...] = ()
    line: ScoreLine | None = None
    trend: Trend | None = None
    like: CalibrationBin | None = None
    closing: ClosingDay | None = None

    @property
    def wording(self) -> Wording:
        """The words of the prediction."""
        return self.service.wording

    @property
    def score(self) -> Score | None:
        """The present score."""
        return self.scores[0] if self.scores and not self.reason else None


def read_card(record: Record, tenant: Tenant, now: datetime) -> RecordCard | None:
    """Return what a record's page says about its score; None for records that nothing is predicted of."""
    wording = WORDING_OF_KIND.get(record.kind)
    if wording is None or _is_over(record):
        return None
    service = read_service(tenant, wording.prediction)
    if not service.state.shows_scores:
        return RecordCard(record, service, service.reason)
    scores = _read_scores(record, wording, now)
    if not scores or not scores[0].is_latest:
        return RecordCard(record, service, _why_unscored(record, wording, now), scores)
    card, latest = service.card, scores[0]
    return RecordCard(
        record,
        service,
        reason="",
        scores=scores,
        line=lay_out_scores([(row.scored_at, row.score_0_1) for row in reversed(scores)]),
        trend=_trend(scores, now),
        like=_nearest(card.calibration, latest.score_0_1) if card else None,
        closing=_closing(record, card.days_to_win, now) if card else None,
    )


def _is_over(record: Record) -> bool:
    """Whether what would be predicted has happened already, one way or the other."""
    match record:
        case Lead():
            return record.status not in LeadStatus.open_values()
        case Opportunity():
            return record.outcome != DealOutcome.OPEN
        case _:
            return False


def _read_scores(record: Record, wording: Wording, now: datetime) -> tuple[Score, ...]:
    since = now - timedelta(days=SHOWN_DAYS)
    scores = Score.objects.filter(
        Q(scored_at__gte=since) | Q(is_latest=True),
        prediction=wording.prediction,
        record_id=record.pk,
    )
    return tuple(scores.order_by("-is_latest", "-scored_at", "-id")[:SHOWN_SCORES])


def _why_unscored(record: Record, wording: Wording, now: datetime) -> str:
    if isinstance(record, Account) and not _has_renewal_ahead(record, now):
        return f"No contract of this account ends within {AHEAD_DAYS} days."
    return (
        f"This {wording.layout.noun} has not been scored yet. "
        "What changes is scored within a minute, everything once a day."
    )


def _has_renewal_ahead(account: Account, now: datetime) -> bool:
    today = timezone.localdate(now)
    return account.contracts.filter(
        outcome=ContractOutcome.OPEN,
        renews_on__lte=today + timedelta(days=AHEAD_DAYS),
    ).exists()


def _trend(scores: tuple[Score, ...], now: datetime) -> Trend | None:
    """The move since the score that was in force ``TREND_DAYS`` ago.

    None when there was none yet, or one of another model: what has changed then is the model.
    """
    then, latest = now - timedelta(days=TREND_DAYS), scores[0]
    before = next((row for row in scores if row.scored_at <= then), None)
    if before is None or before.model_version != latest.model_version:
        return None
    return Trend(round(100 * (latest.score_0_1 - before.score_0_1)))


def _nearest(bins: tuple[CalibrationBin, ...], score_0_1: float) -> CalibrationBin | None:
    return min(bins, key=lambda row: abs(row.predicted_0_1 - score_0_1), default=None)


def _closing(record: Record, days_to_win: tuple[float, ...], now: datetime) -> ClosingDay | None:
    if not isinstance(record, Opportunity) or not days_to_win:
        return None
    created_on = timezone.localdate(record.created_at)
    opened_on: date = min(record.opened_on or created_on, created_on)
    return expected_close(days_to_win, opened_on, timezone.localdate(now))
