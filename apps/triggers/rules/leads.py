"""Triggers about leads."""

from __future__ import annotations

from typing import Annotated, Self

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import JSONObject
from pydantic import Field, model_validator

from apps.brain.enums import Goal
from apps.crm.enums import LeadStatus, RecordKind
from apps.crm.models import Lead, Task
from apps.triggers.edges import Edge, days_ago
from apps.triggers.enums import Severity
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.watches import Own, Related

IN_WORK = Q(status__in=LeadStatus.open_values(), do_not_contact=False)


class LeadInactiveParameters(Parameters):
    """How long a lead may be silent, and when it is past reviving."""

    silent_days: Annotated[int, Field(ge=1, le=365)] = 14
    past_reviving_days: Annotated[int, Field(ge=2, le=1095)] = 120

    @model_validator(mode="after")
    def _leave_time_to_revive(self) -> Self:
        if self.past_reviving_days <= self.silent_days:
            raise ValueError("past_reviving_days must be greater than silent_days")
        return self


class LeadInactive(Trigger[LeadInactiveParameters]):
    """An open lead with no call, mail or meeting for some time and nothing planned.

    Inactive means no activity: an edit does not count, a logged call does. A lead that never had one is
    silent since it was created. Two weeks is the usual cadence of a lead in work; older than about four
    months a lead is a matter for marketing, not for a follow-up. Both are parameters, because the
    figure that is right differs between companies.
    """

    key = "lead_inactive"
    label = "Lead gone quiet"
    record_kind = RecordKind.LEAD
    goal = Goal.REVIVE_LEAD
    tools = ("create_followup",)
    severity = Severity.NORMAL
    watches = (Own(), Related(RecordKind.ACTIVITY, "lead"), Related(RecordKind.TASK, "lead"))
    parameters_type = LeadInactiveParameters

    def matching(self, moment: ScanMoment, parameters: LeadInactiveParameters) -> QuerySet[Lead]:
        """Open leads, silent for long enough and not for too long, without an open task."""
        latest = moment.days_ago(parameters.silent_days)
        earliest = moment.days_ago(parameters.past_reviving_days)
        silent_since_contact = Q(last_activity_at__lte=latest, last_activity_at__gt=earliest)
        silent_since_creation = Q(
            last_activity_at=None, created_at__lte=latest, created_at__gt=earliest
        )
        return (
            Lead.objects.open()
            .filter(silent_since_contact | silent_since_creation, do_not_contact=False)
            .exclude(Exists(Task.objects.open().filter(lead=OuterRef("pk"))))
            .annotate(
                facts=JSONObject(
                    last_activity_at="last_activity_at",
                    created_at="created_at",
                    revision="revision",
                )
            )
        )

    def edges(self, moment: ScanMoment, parameters: LeadInactiveParameters) -> tuple[Edge, ...]:
        """Growing silent, and growing past reviving."""
        never_heard = IN_WORK & Q(last_activity_at=None)
        return tuple(
            Edge(Lead, column, days_ago(days), only=only)
            for days in (parameters.silent_days, parameters.past_reviving_days)
            for column, only in (("last_activity_at", IN_WORK), ("created_at", never_heard))
        )
