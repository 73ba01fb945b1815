"""Triggers about next steps: after calls and meetings, and those that were promised for a day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Annotated, Self

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject, TruncDate
from pydantic import Field, model_validator

from apps.brain.enums import Goal
from apps.crm.enums import ActivityKind, Direction, RecordKind
from apps.crm.models import Activity
from apps.triggers.edges import (
    Edge,
    Threshold,
    day_offset,
    days_ago,
    now,
    working_days_ago,
)
from apps.triggers.enums import Discovery, Severity
from apps.triggers.models import Reading
from apps.triggers.moments import ScanMoment
from apps.triggers.reading.days import FURTHEST
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.rules.subjects import (
    IS_ABOUT_SOMETHING_OPEN,
    IS_TALK,
    Subject,
    later_contact,
    later_note_of_step,
    later_word_to_the_person,
    planned_or_done,
    says,
    subject_facts,
    subject_watches,
    subjects,
)

# The day of a promise lies at most so far ahead of its words (``reading.days.FURTHEST``).
_LONGEST_PROMISE_DAYS = FURTHEST.days

# Whose reading changes has itself changed.
HAS_PROMISED = Q(says(promised_on__isnull=False))


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
    ] = 30

    @model_validator(mode="after")
    def _leave_a_window(self) -> Self:
        if self.window_days <= self.grace_working_days:
            raise ValueError("window_days must be greater than grace_working_days")
        return self


class FollowupMissing(Trigger[FollowupMissingParameters]):
    """A meeting or call after which nothing happened and nothing is planned.

    The talk is about its deal, else its lead, else its contact; it counts when it is the last activity
    there (a meeting that lies ahead is one; a note is one if it tells of a step, a mail of theirs unless it
    only thanks or is a machine's) and no open task hangs on it, nor was one made and done since. What our
    side has said to the person since, about nothing in particular, may have been the next step; one that was
    promised for a day is not missing before (``promise_due``). Closed deals and leads call for no next step.

    Two working days: of 10,721 talks in the demo's two companies three of five were followed by contact
    within 48 hours, four of five within four days (as of 18 March 2026). Thirty days, because in the
    development worlds of ``measure_discovery`` half of the next steps that were really forgotten lay further
    back than a fortnight, and hardly any that had merely not been taken yet.
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
        since = self.looks_back_to(moment, parameters)
        nothing_after = (
            condition
            for subject in subjects()
            for condition in (
                ~Exists(_later_contact_about_it(subject, since)),
                ~Exists(later_note_of_step(subject, since)),
                ~Exists(planned_or_done(subject)),
            )
        )
        return (
            Activity.objects.filter(
                IS_ABOUT_SOMETHING_OPEN,
                *nothing_after,
                ~Exists(later_word_to_the_person(since)),
                ~says(promised_on__gte=moment.today),
                activity_kind__in=[ActivityKind.MEETING, ActivityKind.CALL],
                occurred_at__lte=moment.working_days_ago(parameters.grace_working_days),
                occurred_at__gt=since,
            )
            .exclude(direction=Direction.NONE, activity_kind=ActivityKind.CALL)
            .annotate(facts=JSONObject(**subject_facts()))
        )

    def looks_back_to(self, moment: ScanMoment, parameters: FollowupMissingParameters) -> datetime:
        """The begin of the window."""
        return moment.days_ago(parameters.window_days)

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
            _promised_day_passes(day_offset(0)),
        )


class PromiseDueParameters(Parameters):
    """How long after the promised day, and for how long, a promise is to be kept."""

    grace_working_days: Annotated[
        int,
        Field(
            ge=0,
            le=30,
            title="Late by",
            description="Working days after the promised one; until then it may still be kept.",
        ),
    ] = 0
    window_days: Annotated[
        int,
        Field(ge=1, le=180, title="Look back", description="Older promises are left alone."),
    ] = 45


class PromiseDue(Trigger[PromiseDueParameters]):
    """A mail, a talk or a note of ours that promised something for a day which has passed, and nothing came.

    "I will call you back on Tuesday", "Ich melde mich am 3. Mai", "Je vous rappelle la semaine prochaine":
    the day is read from the words (``apps.triggers.reading``), in the company's zone and seen from the day on
    which they were written. It was kept when our side has written, called or met them since, be it about
    nothing in particular, or has left a note that tells of a step, or any on the day or later; an open task,
    or one made and done since, is a plan. When they have written meanwhile, and not only thanked, their mail
    waits for an answer instead. Closed deals and leads are left
    alone.

    A promise is due when its day is over, because the day itself was part of it. Forty-five days, because who
    has waited for six weeks expects it no longer; by then the record's own silence has been noticed
    (``lead_inactive``, ``deal_stalled``).
    """

    key = "promise_due"
    label = "Promise not kept"
    record_kind = RecordKind.ACTIVITY
    goal = Goal.PLAN_NEXT_STEP
    discovers = Discovery.MISSING_FOLLOWUP
    tools = ("create_followup",)
    severity = Severity.HIGH
    watches = subject_watches(HAS_PROMISED)
    # Of a talk that ended with a promise, the promise is what is missing.
    inhibits = ("followup_missing",)
    parameters_type = PromiseDueParameters

    def matching(self, moment: ScanMoment, parameters: PromiseDueParameters) -> QuerySet[Activity]:
        """Promises about open deals, leads and contacts whose day is over, with nothing of ours after."""
        since = moment.days_ago(_LONGEST_PROMISE_DAYS + parameters.window_days)
        due = Reading.objects.filter(
            promised_on__lt=_grace_begins(parameters)(moment),
            promised_on__gte=moment.today - timedelta(days=parameters.window_days),
        )
        nothing_after = (
            condition
            for subject in subjects()
            for condition in (
                ~Exists(_later_contact_about_it(subject, since)),
                ~Exists(later_note_of_step(subject, since)),
                ~Exists(_note_of_keeping(subject, moment)),
                ~Exists(planned_or_done(subject)),
            )
        )
        # Those that promised are few and told first: with so many conditions no other order is tried.
        return Activity.objects.filter(
            Q(pk__in=due.values("activity_id")),
            IS_ABOUT_SOMETHING_OPEN,
            *nothing_after,
            ~Exists(later_word_to_the_person(since)),
            occurred_at__gt=since,
            occurred_at__lte=moment.now,
        ).annotate(
            facts=JSONObject(
                **subject_facts(),
                promised_on=Subquery(
                    Reading.objects.filter(activity_id=OuterRef("pk")).values("promised_on")
                ),
            )
        )

    def edges(self, moment: ScanMoment, parameters: PromiseDueParameters) -> tuple[Edge, ...]:
        """The promised day passing, and growing too old; and the activity itself."""
        since = days_ago(_LONGEST_PROMISE_DAYS + parameters.window_days)
        return (
            _promised_day_passes(_grace_begins(parameters)),
            _promised_day_passes(day_offset(-parameters.window_days)),
            Edge(Activity, "occurred_at", now),
            Edge(Activity, "occurred_at", since),
        )


def _promised_day_passes(threshold: Threshold) -> Edge:
    only = Q(promised_on__isnull=False)
    return Edge(Reading, "promised_on", threshold, record="activity_id", only=only)


def _grace_begins(parameters: PromiseDueParameters) -> Callable[[ScanMoment], date]:
    """The day before which a promise must have been kept."""
    return lambda moment: moment.calendar.days_before(moment.today, parameters.grace_working_days)


def _later_contact_about_it(subject: Subject, since: datetime) -> QuerySet[Activity]:
    """What happened later with the subject, less the mails of theirs that call for nothing."""
    return later_contact(subject, since).exclude(says(needs_no_answer=True))


def _note_of_keeping(subject: Subject, moment: ScanMoment) -> QuerySet[Activity]:
    """Notes on the subject of the outer activity that were written on the promised day or later.

    Days are the company's, as those of promises are, whoever asks.
    """
    promised = Reading.objects.filter(activity_id=OuterRef(OuterRef("pk")))
    return Activity.objects.alias(day=TruncDate("occurred_at", tzinfo=moment.zone)).filter(
        *subject.is_same,
        activity_kind=ActivityKind.NOTE,
        occurred_at__gt=OuterRef("occurred_at"),
        day__gte=Subquery(promised.values("promised_on")),
    )
