"""What the first page tells of predictions: the quarter's forecast, and the records that stand out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F, OuterRef, Subquery

from apps.crm.models import Account, Contact, Lead, Opportunity, Record
from apps.crm.querysets import RecordQuerySet
from apps.dashboard.asked import Asked
from apps.predictions.enums import ForecastWindow, Prediction, ServiceState
from apps.predictions.forecasts import VIEW_PERMISSION as FORECASTS_PERMISSION
from apps.predictions.forecasts import read_latest
from apps.predictions.models import Forecast, Score
from apps.predictions.scores import highest_score, latest_score, score_dropped_by
from apps.predictions.service_states import PredictionService, read_services
from apps.tenants.services import current_tenant

SCORES_PERMISSION = "predictions.view_score"
SHOWN = 4
# A score is held against what the same model said a week before.
CHANGE_DAYS = 7
# A contact cools down where its engagement lies so far under what it was within so many days.
COOLING_POINTS, COOLING_DAYS = 20, 30


@dataclass(frozen=True, slots=True)
class QuarterForecast:
    """The quarter's forecast in one currency, and what it lacks to the target."""

    row: Forecast
    target: Decimal | None

    @property
    def gap(self) -> Decimal | None:
        """How far the middle one of the three numbers stays below the target; negative above it."""
        return None if self.target is None else self.target - self.row.p50


@dataclass(frozen=True, slots=True)
class ScoredRecord:
    """A record with its latest score, and the one that this is held against."""

    record: Record
    score_0_1: float
    before_0_1: float | None

    @property
    def change_points(self) -> int | None:
        """How many percentage points it has moved; None where there was no score."""
        return None if self.before_0_1 is None else round(100 * (self.score_0_1 - self.before_0_1))


@dataclass(frozen=True, slots=True)
class Standouts:
    """The records of one prediction that are worth a look, the foremost first.

    Where its ``service`` shows no scores there are none, and its reason says why. ``none_text`` is said
    where there are scores and nobody stands out.
    """

    title: str
    service: PredictionService
    rows: tuple[ScoredRecord, ...]
    change_days: int
    none_text: str


@dataclass(frozen=True, slots=True)
class Predictions:
    """All of it, as far as the person's role goes; ``forecasts`` is None where it does not."""

    is_on: bool
    forecasts: tuple[QuarterForecast, ...] | None
    standouts: tuple[Standouts, ...]


def read_predictions(asked: Asked, targets: Mapping[str, Decimal]) -> Predictions | None:
    """Read it; None where the person's role includes none of it. ``targets`` are the quarter's.

    A handful of queries at first, one for forecasts, and two at most for each prediction.
    """
    person = asked.person
    sees_forecasts = person.has_perm(FORECASTS_PERMISSION)
    sees_scores = person.has_perm(SCORES_PERMISSION)
    if not (sees_forecasts or sees_scores):
        return None
    services = read_services(current_tenant())
    if any(service.state == ServiceState.OFF for service in services):
        return Predictions(is_on=False, forecasts=None, standouts=())
    return Predictions(
        is_on=True,
        forecasts=_read_forecasts(asked, targets) if sees_forecasts else None,
        standouts=_read_standouts(asked, services) if sees_scores else (),
    )


def _read_forecasts(asked: Asked, targets: Mapping[str, Decimal]) -> tuple[QuarterForecast, ...]:
    rows = read_latest(asked.forecast_scope, ForecastWindow.QUARTER, asked.quarter.begins_on)
    return tuple(QuarterForecast(row, targets.get(row.currency)) for row in rows)


def _read_standouts(asked: Asked, services: Sequence[PredictionService]) -> tuple[Standouts, ...]:
    found = []
    for service in services:
        title, none_text, records = _ABOUT[service.wording.prediction](asked)
        if not asked.person.has_perm(f"crm.view_{records.model._meta.model_name}"):
            continue
        is_cooling = service.wording.prediction == Prediction.CONTACT_ENGAGEMENT
        read = _cooling_down if is_cooling else _highest
        rows = (
            read(asked, service.wording.prediction, records) if service.state.shows_scores else ()
        )
        change_days = COOLING_DAYS if is_cooling else CHANGE_DAYS
        found.append(Standouts(title, service, rows, change_days, none_text))
    return tuple(found)


_Described = tuple[str, str, RecordQuerySet[Any]]


def _leads(asked: Asked) -> _Described:
    records = Lead.objects.visible_to(asked.person).filter(asked.is_of()).open()
    return "Hottest leads", "No open lead has a score yet.", records


def _deals(asked: Asked) -> _Described:
    records = Opportunity.objects.visible_to(asked.person).filter(asked.is_of()).open()
    return "Hottest deals", "No open deal has a score yet.", records


def _contacts(asked: Asked) -> _Described:
    records = Contact.objects.visible_to(asked.person).filter(asked.is_of())
    none = f"Nobody’s engagement has fallen by {COOLING_POINTS} points in {COOLING_DAYS} days."
    return "Contacts cooling down", none, records


def _accounts(asked: Asked) -> _Described:
    records = Account.objects.visible_to(asked.person).filter(asked.is_of())
    return "Accounts at risk", "No account has a contract that ends within 180 days.", records


_ABOUT = {
    Prediction.LEAD_CONVERSION: _leads,
    Prediction.DEAL_CLOSE: _deals,
    Prediction.CONTACT_ENGAGEMENT: _contacts,
    Prediction.RENEWAL_RISK: _accounts,
}


def _highest(
    asked: Asked, prediction: Prediction, records: RecordQuerySet[Any]
) -> tuple[ScoredRecord, ...]:
    """Those with the highest scores: from the index of scores, however many records there are."""
    before = Score.objects.filter(
        prediction=prediction,
        record_id=OuterRef("record_id"),
        model_version=OuterRef("model_version"),
        scored_at__lte=asked.now - timedelta(days=CHANGE_DAYS),
    ).order_by("-scored_at", "-id")
    scores = (
        Score.objects.latest_of(prediction)
        .filter(record_id__in=records.order_by().values("pk"))
        .annotate(before_0_1=Subquery(before.values("score_0_1")[:1]))
        .order_by("-score_0_1", "record_id")
        .values_list("record_id", "score_0_1", "before_0_1")[:SHOWN]
    )
    rows = list(scores)
    by_id = records.for_list_page().in_bulk([record_id for record_id, _, _ in rows])
    return tuple(
        ScoredRecord(by_id[record_id], score, before_score)
        for record_id, score, before_score in rows
        if record_id in by_id
    )


def _cooling_down(
    asked: Asked, prediction: Prediction, records: RecordQuerySet[Any]
) -> tuple[ScoredRecord, ...]:
    """Those whose score fell furthest."""
    since = asked.now - timedelta(days=COOLING_DAYS)
    fallen = records.filter(score_dropped_by(prediction, COOLING_POINTS, since)).annotate(
        score_0_1=latest_score(prediction), before_0_1=highest_score(prediction, since)
    )
    furthest: Iterable[Any] = fallen.for_list_page().order_by(
        F("score_0_1") - F("before_0_1"), "pk"
    )[:SHOWN]
    return tuple(ScoredRecord(row, row.score_0_1, row.before_0_1) for row in furthest)
