"""Triggers about calls and meetings."""

from __future__ import annotations

from typing import Annotated, Self

from django.db.models import Exists, QuerySet
from django.db.models.functions import JSONObject
from pydantic import Field, model_validator

from apps.brain.enums import Goal
from apps.crm.enums import ActivityKind, Direction, RecordKind
from apps.crm.models import Activity, Task
from apps.triggers.edges import Edge, days_ago, working_days_ago
from apps.triggers.enums import Discovery, Severity
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.rules.subjects import (
    IS_ABOUT_SOMETHING_OPEN,
    IS_TALK,
    later_contact,
    subject_facts,
    subject_watches,
    subjects,
)


class FollowupMissingParameters(Parameters):
    """How soon after a meeting or call a next step is expected, and how far back to look."""

    grace_working_days: Annotated[
        int,
        Field(
            ge=0,
            le=30,
            title="Time for a next step",
            description="Until then nothing is missing yet.",
        ),
    ] = 2
    window_days: Annotated[
        int, Field(ge=1, le=365, title="Look back", description="Older talks are left alone.")
    ] = 14

    @model_validator(mode="after")
    def _leave_a_window(self) -> Self:
        if self.window_days <= self.grace_working_days:
            raise ValueError("window_days must be greater than grace_working_days")
        return self


class FollowupMissing(Trigger[FollowupMissingParameters]):
    """A meeting or call after which nothing happened and nothing is planned.

    The talk is about its deal, else its lead, else its contact; it counts when it is the last activity
    there (a note is none, a meeting that lies ahead is one) and no open task hangs on it. Closed deals
    and leads call for no next step.

    Two working days: of 10,721 talks in the demo's two companies three of five were followed by contact
    within 48 hours, four of five within four days (as of 18 March 2026). After two weeks the record's own
    silence is what matters (``lead_inactive``, ``deal_stalled``).
    """

    key = "followup_missing"
    label = "No next step after a talk"
    record_kind = RecordKind.ACTIVITY
    goal = Goal.PLAN_NEXT_STEP
    discovers = Discovery.MISSING_FOLLOWUP
    tools = ("create_followup",)
    severity = Severity.HIGH
    watches = subject_watches(IS_TALK)
    parameters_type = FollowupMissingParameters

    def matching(
        self, moment: ScanMoment, parameters: FollowupMissingParameters
    ) -> QuerySet[Activity]:
        """The last talks of open deals, leads and contacts, inside the window, with nothing after."""
        since = moment.days_ago(parameters.window_days)
        nothing_after = (
            condition
            for subject in subjects()
            for condition in (
                ~Exists(later_contact(subject, since)),
                ~Exists(Task.objects.open().filter(*subject.is_same)),
            )
        )
        return (
            Activity.objects.filter(
                IS_ABOUT_SOMETHING_OPEN,
                *nothing_after,
                activity_kind__in=[ActivityKind.MEETING, ActivityKind.CALL],
                occurred_at__lte=moment.working_days_ago(parameters.grace_working_days),
                occurred_at__gt=since,
            )
            .exclude(direction=Direction.NONE, activity_kind=ActivityKind.CALL)
            .annotate(facts=JSONObject(**subject_facts()))
        )

    def edges(self, moment: ScanMoment, parameters: FollowupMissingParameters) -> tuple[Edge, ...]:
        """A talk coming out of its grace, and growing too old."""
        return (
            Edge(
                Activity,
                "occurred_at",
                working_days_ago(parameters.grace_working_days),
                only=IS_TALK,
            ),
            Edge(Activity, "occurred_at", days_ago(parameters.window_days), only=IS_TALK),
        )
