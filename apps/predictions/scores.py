"""How triggers ask for scores: as conditions on records. A record without a score meets none of them."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, Subquery

from apps.predictions.enums import Prediction
from apps.predictions.models import Score


def score_at_least(prediction: Prediction, percent: int) -> Q:
    """Records whose latest score is so many percent or more."""
    latest = Score.objects.filter(
        prediction=prediction, is_latest=True, score_0_1__gte=percent / 100
    )
    return Q(pk__in=latest.order_by().values("record_id"))


def score_dropped_by(prediction: Prediction, points: int, since: datetime) -> Q:
    """Records whose latest score lies so many percentage points under one that they had since then."""
    higher = Score.objects.filter(
        prediction=prediction,
        record_id=OuterRef("record_id"),
        scored_at__gt=since,
        score_0_1__gte=OuterRef("score_0_1") + points / 100,
    )
    latest = Score.objects.filter(Exists(higher), prediction=prediction, is_latest=True)
    return Q(pk__in=latest.order_by().values("record_id"))


def latest_score(prediction: Prediction) -> Subquery:
    """The latest score of a record, to be told among its facts; NULL when it has none."""
    latest = Score.objects.filter(prediction=prediction, is_latest=True, record_id=OuterRef("pk"))
    return Subquery(latest.order_by().values("score_0_1")[:1])
