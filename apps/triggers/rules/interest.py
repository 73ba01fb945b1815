"""When the other side of a deal shows interest, and what leads have in common with it."""

from __future__ import annotations

from typing import Annotated

from django.db.models import (
    Count,
    DecimalField,
    Exists,
    F,
    IntegerField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, JSONObject
from pydantic import Field

from apps.crm.enums import ActivityKind, Direction, RecordKind
from apps.crm.models import Activity, Opportunity
from apps.predictions.enums import Prediction
from apps.predictions.scores import latest_score, score_at_least
from apps.triggers.edges import Edge, days_ago, now
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters
from apps.triggers.rules.planning import nothing_planned


class HotParameters(Parameters):
    """From which score on a deal is hot, and from how many messages and calls within how many days."""

    score_percent: Annotated[
        int, Field(ge=1, le=100, title="Score of", description="Where the record has one.")
    ] = 70
    inbound_count: Annotated[
        int,
        Field(
            ge=1,
            le=50,
            title="Messages and calls of theirs",
            description="So many or more, with the last word theirs.",
        ),
    ] = 2
    window_days: Annotated[int, Field(ge=1, le=90, title="Within")] = 7


def hot_deals(moment: ScanMoment, parameters: HotParameters) -> QuerySet[Opportunity]:
    """Open deals with a high score, or messages and calls not answered, and nothing planned.

    A call of theirs shows interest like a mail. That somebody took it is no answer here, as it is to
    ``email_unanswered``: what counts is the next step, and a call says nothing about who takes it.
    A score that is not high is no fact of theirs: it has nothing to do with why they are hot.
    """
    since = moment.days_ago(parameters.window_days)
    prediction, percent = Prediction.DEAL_CLOSE, parameters.score_percent
    is_inbound = Q(direction=Direction.INBOUND, occurred_at__lte=moment.now)
    # Mails, calls and meetings since the window began; what lies ahead may be an answer.
    contacts = (
        Activity.objects.order_by()
        .filter(opportunity=OuterRef("pk"), occurred_at__gt=since)
        .exclude(activity_kind=ActivityKind.NOTE)
        .values("opportunity")
        .annotate(
            inbound_count=Count("pk", filter=is_inbound),
            last_inbound_at=Max("occurred_at", filter=is_inbound),
            last_answer_at=Max("occurred_at", filter=~Q(direction=Direction.INBOUND)),
        )
    )
    unanswered = contacts.filter(
        Q(last_answer_at=None) | Q(last_answer_at__lt=F("last_inbound_at")),
        inbound_count__gte=parameters.inbound_count,
    )
    # Most deals can be told apart by this alone, and for all of them at once.
    wrote = Activity.objects.filter(is_inbound, opportunity=OuterRef("pk"), occurred_at__gt=since)
    return (
        Opportunity.objects.open()
        .filter(
            score_at_least(prediction, percent) | Q(Exists(wrote), Exists(unanswered)),
            nothing_planned(RecordKind.OPPORTUNITY),
        )
        .annotate(
            facts=JSONObject(
                score_0_1=in_percent(latest_score(prediction, percent)),
                inbound_count=Coalesce(
                    Subquery(contacts.values("inbound_count")), 0, output_field=IntegerField()
                ),
                last_inbound_at=Subquery(contacts.values("last_inbound_at")),
                revision="revision",
            )
        )
    )


def hot_edges(kind: RecordKind, window_days: int) -> tuple[Edge, ...]:
    """A message dated ahead arriving, and one growing too old to count."""
    return tuple(
        Edge(
            Activity,
            "occurred_at",
            threshold,
            record=f"{kind.value}_id",
            only=Q(direction=Direction.INBOUND),
        )
        for threshold in (now, days_ago(window_days))
    )


def in_percent(score: str | Combinable) -> Cast:
    """A score to two places: what a recalculation changes behind them is nothing new."""
    return Cast(score, DecimalField(max_digits=3, decimal_places=2))
