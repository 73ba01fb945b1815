"""How triggers ask for scores: as conditions on records. A record without a score meets none of them."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from apps.predictions.enums import Prediction
from apps.predictions.models import Score

# Scores are binary fractions: 0.4 + 0.2 lies a little over 0.6.
_ROUNDING_0_1 = 1e-9


def score_at_least(prediction: Prediction, percent: int) -> Q:
    """Records whose latest score is so many percent or more."""
    return Q(Exists(_latest(prediction, percent)))


def score_dropped_by(prediction: Prediction, points: int, since: datetime) -> Q:
    """Records whose latest score lies so many percentage points under one that they had since then.

    Only scores of the model that gave the latest one are compared with it: what another model said of the
    same record may lie anywhere.
    """
    higher = _of_the_same_model(prediction, since).filter(
        score_0_1__gte=OuterRef("score_0_1") + (points / 100 - _ROUNDING_0_1)
    )
    latest = Score.objects.filter(Exists(higher), prediction=prediction, is_latest=True)
    return Q(pk__in=latest.order_by().values("record_id"))


def score_rose_by(prediction: Prediction, points: int, since: datetime) -> Q:
    """Records whose latest score lies so many percentage points over one that they had since then.

    Of one model, as with ``score_dropped_by``. One condition of several, it is asked of the records at hand:
    a list of all that have risen would be made even where one record is asked about.
    """
    lower = _of_the_same_model(prediction, since).filter(
        score_0_1__lte=OuterRef("score_0_1") - (points / 100 - _ROUNDING_0_1)
    )
    return Q(Exists(_latest(prediction, 0).filter(Exists(lower))))


def latest_score(prediction: Prediction, percent: int = 0) -> Subquery:
    """The latest score of a record, to be told among its facts; NULL when it has none of so many percent."""
    return Subquery(_latest(prediction, percent).values("score_0_1")[:1])


def highest_score(prediction: Prediction, since: datetime) -> Subquery:
    """The highest score since then that the latest one is compared with; NULL when there is none."""
    return _compared_score(prediction, since, "-score_0_1")


def lowest_score(prediction: Prediction, since: datetime) -> Subquery:
    """The lowest score since then that the latest one is compared with; NULL when there is none."""
    return _compared_score(prediction, since, "score_0_1")


def _compared_score(prediction: Prediction, since: datetime, first: str) -> Subquery:
    """The score that comes first of those that the latest one is compared with."""
    scores = _of_the_same_model(prediction, since).order_by(first).values("score_0_1")[:1]
    return Subquery(_latest(prediction, 0).values(compared=Subquery(scores))[:1])


def _of_the_same_model(prediction: Prediction, since: datetime) -> QuerySet[Score]:
    """What the model of the outer query's score has said of its record since then."""
    return Score.objects.order_by().filter(
        prediction=prediction,
        record_id=OuterRef("record_id"),
        model_version=OuterRef("model_version"),
        scored_at__gt=since,
    )


def _latest(prediction: Prediction, percent: int) -> QuerySet[Score]:
    """The latest score of the record of the outer query, when it is so many percent or more."""
    return Score.objects.order_by().filter(
        prediction=prediction,
        is_latest=True,
        record_id=OuterRef("pk"),
        score_0_1__gte=percent / 100,
    )
