"""Triggers about the day on which a deal should close."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from django.db.models import Count, Exists, F, Max, Min, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject
from pydantic import Field

from apps.brain.enums import Goal
from apps.crm.enums import RecordKind
from apps.crm.models import ChangeLog, Opportunity
from apps.triggers.edges import Edge, day_offset, days_ago, now
from apps.triggers.enums import Severity
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.rules.deals.changes import IS_OPEN, changes_of_deal, day, is_change_of
from apps.triggers.watches import Own

CLOSE_DATE = "expected_close_on"


class DealCloseDatePastParameters(Parameters):
    """How many days after the day on which it should close a deal may still be open."""

    grace_days: Annotated[
        int,
        Field(
            ge=0,
            le=90,
            title="Grace",
            description="So many days after the day it is still on time.",
        ),
    ] = 3


class DealCloseDatePast(Trigger[DealCloseDatePastParameters]):
    """An open deal that should have closed by now. A deal without such a day never matches.

    Whatever else is planned, the day is wrong and with it the forecast. Three days leave a weekend: of the
    demo's 1,885 open deals with such a day 260 are past it, 231 by more than that (acme as of 18 March 2026).
    """

    key = "deal_close_date_past"
    label = "Close date has passed"
    record_kind = RecordKind.OPPORTUNITY
    goal = Goal.SETTLE_CLOSE_DATE
    discovers = None
    tools = ("create_followup",)
    severity = Severity.HIGH
    watches = (Own(),)
    # Whoever settles the day talks to the customer, and has the deal moving; the other way round the day
    # would still be wrong when the deal moves.
    inhibits = ("deal_decaying", "deal_stalled")
    parameters_type = DealCloseDatePastParameters

    def matching(
        self, moment: ScanMoment, parameters: DealCloseDatePastParameters
    ) -> QuerySet[Opportunity]:
        """Open deals whose day lies before the grace, by days in the tenant's zone."""
        last_day = moment.today - timedelta(days=parameters.grace_days + 1)
        return (
            Opportunity.objects.open()
            .filter(expected_close_on__lte=last_day)
            .annotate(facts=JSONObject(expected_close_on=CLOSE_DATE, revision="revision"))
        )

    def edges(
        self, moment: ScanMoment, parameters: DealCloseDatePastParameters
    ) -> tuple[Edge, ...]:
        """The day falling out of the grace."""
        last_day = day_offset(-parameters.grace_days - 1)
        return (Edge(Opportunity, CLOSE_DATE, last_day, only=IS_OPEN),)


class DealCloseDatePushedParameters(Parameters):
    """How often a close date may move later, within how many days."""

    times: Annotated[
        int, Field(ge=1, le=20, title="Times", description="So often moved later, or more often.")
    ] = 2
    window_days: Annotated[int, Field(ge=1, le=730, title="Within")] = 180


class DealCloseDatePushed(Trigger[DealCloseDatePushedParameters]):
    """An open deal whose close date was moved later again and again.

    Moves are read from the change log, history that an import brought along at its own dates. A date that was
    set for the first time, taken away or moved earlier was not pushed. One push is everyday business, the
    second says that the date was never the customer's: of the demo's 2,089 open deals 144 were pushed, 36 of
    them again (acme as of 18 March 2026). Half a year is a judgement, to be set on the trigger's page: in the
    demo no second push came later than 46 days after the first (46 of them, as of 25 November 2026), so that
    any longer window finds the same; a company that sells for years wants a longer one.
    """

    key = "deal_close_date_pushed"
    label = "Close date pushed again"
    record_kind = RecordKind.OPPORTUNITY
    goal = Goal.SETTLE_CLOSE_DATE
    discovers = None
    tools = ("create_followup",)
    severity = Severity.NORMAL
    watches = (Own(),)
    parameters_type = DealCloseDatePushedParameters

    def matching(
        self, moment: ScanMoment, parameters: DealCloseDatePushedParameters
    ) -> QuerySet[Opportunity]:
        """Open deals with so many pushes inside the window, and a date that still stands."""
        is_push = Q(
            changed_at__gt=moment.days_ago(parameters.window_days),
            changed_at__lte=moment.now,
            after__gt=F("before"),
        )
        # The window is part of what is counted, not of what is read: a deal's few moves are best found by the
        # deal, and the database is left no other choice.
        moves = (
            changes_of_deal(CLOSE_DATE)
            .alias(before=day(CLOSE_DATE, 0), after=day(CLOSE_DATE, 1))
            .values("record_id")
            .annotate(
                push_count=Count("pk", filter=is_push),
                pushed_at=Max("changed_at", filter=is_push),
                former_close_on=Min("before", filter=is_push),
            )
        )
        return (
            Opportunity.objects.open()
            .filter(
                Exists(moves.filter(push_count__gte=parameters.times)),
                expected_close_on__isnull=False,
            )
            .annotate(
                facts=JSONObject(
                    expected_close_on=CLOSE_DATE,
                    former_close_on=Subquery(moves.values("former_close_on")),
                    push_count=Subquery(moves.values("push_count")),
                    pushed_at=Subquery(moves.values("pushed_at")),
                    revision="revision",
                )
            )
        )

    def edges(
        self, moment: ScanMoment, parameters: DealCloseDatePushedParameters
    ) -> tuple[Edge, ...]:
        """A push dated ahead, and one growing too old to count."""
        return tuple(
            Edge(
                ChangeLog,
                "changed_at",
                threshold,
                record="record_id",
                only=is_change_of(CLOSE_DATE),
            )
            for threshold in (now, days_ago(parameters.window_days))
        )
