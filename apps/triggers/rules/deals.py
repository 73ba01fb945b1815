"""Triggers about deals."""

from __future__ import annotations

from typing import Annotated

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import JSONObject
from pydantic import Field

from apps.brain.enums import Goal
from apps.crm.enums import DealOutcome, RecordKind
from apps.crm.models import Opportunity, Task
from apps.triggers.edges import Edge, days_ago
from apps.triggers.enums import Severity
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.watches import Own, Related

IS_OPEN = Q(outcome=DealOutcome.OPEN)


class DealStalledParameters(Parameters):
    """How long a deal may stand in a stage, and be quiet in it."""

    in_stage_days: Annotated[int, Field(ge=1, le=730)] = 45
    quiet_days: Annotated[int, Field(ge=1, le=365)] = 14


class DealStalled(Trigger[DealStalledParameters]):
    """An open deal that has stood in its stage for long, with no contact lately and nothing planned.

    The default of 45 days is the median age at closing of the demo's real deals (Maven CRM set, 6,711
    closed deals: median 45, upper quartile 85 days from engagement to close).
    """

    key = "deal_stalled"
    label = "Deal stalled"
    record_kind = RecordKind.OPPORTUNITY
    goal = Goal.MOVE_DEAL
    tools = ("create_followup",)
    severity = Severity.HIGH
    watches = (
        Own(),
        Related(RecordKind.ACTIVITY, "opportunity"),
        Related(RecordKind.TASK, "opportunity"),
    )
    parameters_type = DealStalledParameters

    def matching(
        self, moment: ScanMoment, parameters: DealStalledParameters
    ) -> QuerySet[Opportunity]:
        """Open deals long in their stage, quiet, without an open task."""
        quiet_since = moment.days_ago(parameters.quiet_days)
        return (
            Opportunity.objects.open()
            .filter(
                Q(last_activity_at__lte=quiet_since) | Q(last_activity_at=None),
                stage_entered_at__lte=moment.days_ago(parameters.in_stage_days),
            )
            .exclude(Exists(Task.objects.open().filter(opportunity=OuterRef("pk"))))
            .annotate(
                facts=JSONObject(
                    stage_entered_at="stage_entered_at",
                    last_activity_at="last_activity_at",
                    revision="revision",
                )
            )
        )

    def edges(self, moment: ScanMoment, parameters: DealStalledParameters) -> tuple[Edge, ...]:
        """Growing old in the stage, and growing quiet."""
        return (
            Edge(Opportunity, "stage_entered_at", days_ago(parameters.in_stage_days), only=IS_OPEN),
            Edge(Opportunity, "last_activity_at", days_ago(parameters.quiet_days), only=IS_OPEN),
        )
