"""Triggers about leads."""

from __future__ import annotations

from typing import Annotated, Self

from django.db.models import Case, Count, Exists, Max, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import JSONObject
from pydantic import Field, model_validator

from apps.brain.enums import Goal
from apps.crm.enums import ActivityKind, Direction, LeadStatus, RecordKind
from apps.crm.models import Activity, Lead
from apps.predictions.enums import Prediction
from apps.predictions.models import Score
from apps.predictions.scores import (
    highest_score,
    latest_score,
    lowest_score,
    score_at_least,
    score_dropped_by,
    score_rose_by,
)
from apps.triggers.edges import Edge, days_ago, now
from apps.triggers.enums import Discovery, Severity
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.rules.interest import hot_edges, in_percent
from apps.triggers.rules.planning import nothing_planned
from apps.triggers.rules.subjects import says
from apps.triggers.watches import Own, Related, Scored

# As the partial indexes of leads have it.
IN_WORK = Q(status__in=LeadStatus.open_values(), do_not_contact=False)
IS_NEW = Q(status=LeadStatus.NEW, do_not_contact=False)


class LeadInactiveParameters(Parameters):
    """How long a lead may be silent, and when it is past reviving."""

    silent_days: Annotated[
        int,
        Field(
            ge=1,
            le=365,
            title="Silent for",
            description="Since the last call, mail or meeting, or since the lead was entered.",
        ),
    ] = 14
    past_reviving_days: Annotated[
        int,
        Field(
            ge=2,
            le=1095,
            title="Past reviving after",
            description="Leads that are silent for longer are left alone.",
        ),
    ] = 120

    @model_validator(mode="after")
    def _leave_time_to_revive(self) -> Self:
        if self.past_reviving_days <= self.silent_days:
            raise ValueError("past_reviving_days must be greater than silent_days")
        return self


class LeadInactive(Trigger[LeadInactiveParameters]):
    """An open lead with no call, mail or meeting for some time and nothing planned.

    Inactive means no activity: an edit does not count, a logged call does. A lead that never had one is
    silent since it was created.

    Two weeks: of 14,551 gaps between two contacts with one lead in the demo's two companies 2 % were longer,
    so that a lead silent for so long is out of step (as of 25 November 2026). That after 120 days a lead is a
    matter for marketing and not for a follow-up is a judgement, to be set on the trigger's page: only four of
    those gaps were longer than that.
    """

    key = "lead_inactive"
    label = "Lead gone quiet"
    record_kind = RecordKind.LEAD
    goal = Goal.REVIVE_LEAD
    discovers = Discovery.MISSING_FOLLOWUP
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
            .filter(
                silent_since_contact | silent_since_creation,
                nothing_planned(self.record_kind),
                do_not_contact=False,
            )
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


class LeadNewParameters(Parameters):
    """How long a lead counts as new."""

    window_days: Annotated[int, Field(ge=1, le=90, title="New for")] = 14


class LeadNew(Trigger[LeadNewParameters]):
    """A lead that has just come in, and nobody has been in touch or means to.

    In touch is an outbound message, a call or a meeting, one that lies ahead included. The sooner the better:
    firms that tried to reach a prospect within an hour of the query were nearly seven times as likely to
    qualify the lead as those that tried an hour later, and more than sixty times as likely as those that
    waited a day or longer, while of 2,241 companies that were tested 24 % took more than a day and 23 % never
    answered (Oldroyd, McElheran, Elkington: The Short Life of Online Sales Leads, Harvard Business
    Review, March 2011). After two weeks the lead has gone quiet, which is what ``lead_inactive`` notices.
    """

    key = "lead_new"
    label = "New lead"
    record_kind = RecordKind.LEAD
    goal = Goal.MEET_LEAD
    discovers = None
    tools = ("create_followup",)
    severity = Severity.HIGH
    watches = (Own(), Related(RecordKind.ACTIVITY, "lead"), Related(RecordKind.TASK, "lead"))
    parameters_type = LeadNewParameters

    def matching(self, moment: ScanMoment, parameters: LeadNewParameters) -> QuerySet[Lead]:
        """Leads of status new that came in lately, without a first contact and without an open task."""
        contacted = Activity.objects.filter(
            Q(direction=Direction.OUTBOUND)
            | Q(activity_kind__in=[ActivityKind.MEETING, ActivityKind.CALL]),
            lead=OuterRef("pk"),
        )
        return Lead.objects.filter(
            IS_NEW,
            ~Exists(contacted),
            nothing_planned(self.record_kind),
            created_at__gt=moment.days_ago(parameters.window_days),
            created_at__lte=moment.now,
        ).annotate(facts=JSONObject(created_at="created_at", revision="revision"))

    def edges(self, moment: ScanMoment, parameters: LeadNewParameters) -> tuple[Edge, ...]:
        """A creation dated ahead, and growing old."""
        return tuple(
            Edge(Lead, "created_at", threshold, only=IS_NEW)
            for threshold in (now, days_ago(parameters.window_days))
        )


class LeadScoreDropParameters(Parameters):
    """By how many percentage points a score must fall, within how many days."""

    drop_points: Annotated[
        int, Field(ge=1, le=100, title="Fallen by", description="Percentage points of the score.")
    ] = 20
    window_days: Annotated[int, Field(ge=1, le=180, title="Within")] = 14


class LeadScoreDrop(Trigger[LeadScoreDropParameters]):
    """An open lead whose chance of conversion has fallen far within a short time.

    Its latest score lies well under one that the same model gave it within the window. Twenty points are what
    separates neighbouring fifths of the scale, so that the lead has changed its class and does not merely
    waver; two weeks are the silence after which ``lead_inactive`` asks. A lead without a score never matches.

    A new model may see a lead differently although nothing has happened to it, so that scores of two models
    are never compared. Each row names the model that gave it (``lead_conversion-12``), one that still stands
    because the new model agrees with it too. The price: a fall is missed where the low score is the first
    that the new model has written for the lead.

    It is suggested, and counts as no discovery: a score falls without anybody having behaved otherwise, by
    the passing of days alone, while changed behaviour is what the weeks of contact show (``shifts``).
    """

    key = "lead_score_drop"
    label = "Lead cooling off"
    record_kind = RecordKind.LEAD
    goal = Goal.REVIVE_LEAD
    discovers = None
    tools = ("create_followup",)
    severity = Severity.NORMAL
    watches = (Own(), Scored(Prediction.LEAD_CONVERSION))
    parameters_type = LeadScoreDropParameters

    def matching(self, moment: ScanMoment, parameters: LeadScoreDropParameters) -> QuerySet[Lead]:
        """Open leads whose latest score has fallen so far under its model's earlier one of the window."""
        prediction, since = Prediction.LEAD_CONVERSION, moment.days_ago(parameters.window_days)
        return Lead.objects.filter(
            IN_WORK, score_dropped_by(prediction, parameters.drop_points, since)
        ).annotate(
            facts=JSONObject(
                score_0_1=in_percent(latest_score(prediction)),
                former_score_0_1=in_percent(highest_score(prediction, since)),
                revision="revision",
            )
        )

    def edges(self, moment: ScanMoment, parameters: LeadScoreDropParameters) -> tuple[Edge, ...]:
        """The higher score growing too old to compare with."""
        only = Q(prediction=Prediction.LEAD_CONVERSION)
        threshold = days_ago(parameters.window_days)
        return (Edge(Score, "scored_at", threshold, record="record_id", only=only),)


class LeadHotParameters(Parameters):
    """From which score, rise of score and number of messages on a lead is hot, and for how long it waits."""

    score_percent: Annotated[
        int, Field(ge=1, le=100, title="Score of", description="Where the lead has one.")
    ] = 70
    rise_points: Annotated[
        int,
        Field(
            ge=1,
            le=100,
            title="Score risen by",
            description="Percentage points, as one model sees the lead.",
        ),
    ] = 20
    rise_days: Annotated[int, Field(ge=1, le=180, title="Risen within")] = 14
    inbound_count: Annotated[
        int,
        Field(
            ge=1,
            le=50,
            title="Messages and calls of theirs",
            description="So many or more, whatever they say, short of thanks and automatic replies.",
        ),
    ] = 3
    window_days: Annotated[int, Field(ge=1, le=90, title="Within")] = 14


class LeadHot(Trigger[LeadHotParameters]):
    """An open lead that had the last word and means to buy, and nothing is planned.

    Its words say so (a question for a price, an offer, a demo or a meeting, as ``apps.triggers.reading``
    reads them), or its score is high or has risen far, or it was in touch several times within a fortnight.
    An outbound message or a meeting since then, one that lies ahead included, is an answer. Thanks,
    newsletters that come back and automatic replies are no words of theirs.

    Words weigh most: of the leads of the development worlds (``measure_discovery``) that had asked for price,
    offer, demo or meeting and waited, nearly all meant to buy, while a high score alone was right about few
    and two messages in a week were mostly an impatient question. Three messages before an answer come about
    by impatience rarely. Seven of ten is a chance well over even. A rise is what ``lead_score_drop`` calls a
    fall, turned round: twenty points within two weeks, as one model sees it. Whoever has waited for two weeks
    has bought elsewhere, or will be noticed as silent (``lead_inactive``).
    """

    key = "lead_hot"
    label = "Lead shows interest"
    record_kind = RecordKind.LEAD
    goal = Goal.ACT_ON_INTEREST
    discovers = Discovery.HOT_LEAD
    tools = ("create_followup",)
    severity = Severity.HIGH
    watches = (
        Own(),
        Related(RecordKind.ACTIVITY, "lead"),
        Related(RecordKind.TASK, "lead"),
        Scored(Prediction.LEAD_CONVERSION),
    )
    # Whoever answers the interest has met the lead, and revived it.
    inhibits = ("lead_inactive", "lead_new", "lead_score_drop")
    parameters_type = LeadHotParameters

    def matching(self, moment: ScanMoment, parameters: LeadHotParameters) -> QuerySet[Lead]:
        """Open leads whose last words wait, with a wish to buy, a telling score or many words; no open task.

        A score that is neither high nor has risen is no fact of theirs: it has nothing to do with why they
        are hot.
        """
        since = moment.days_ago(parameters.window_days)
        prediction, rise_since = Prediction.LEAD_CONVERSION, moment.days_ago(parameters.rise_days)
        has_risen = score_rose_by(prediction, parameters.rise_points, rise_since)
        is_telling = score_at_least(prediction, parameters.score_percent) | has_risen
        words = Activity.objects.filter(
            ~says(needs_no_answer=True),
            direction=Direction.INBOUND,
            occurred_at__gt=since,
            occurred_at__lte=moment.now,
        ).exclude(activity_kind=ActivityKind.NOTE)
        answers = Activity.objects.filter(
            lead=OuterRef("lead"), occurred_at__gte=OuterRef("occurred_at")
        )
        waiting = words.filter(
            ~Exists(
                answers.exclude(activity_kind=ActivityKind.NOTE).exclude(
                    direction=Direction.INBOUND
                )
            ),
            lead=OuterRef("pk"),
        )
        told = (
            waiting.order_by()
            .values("lead")
            .annotate(count=Count("pk"), last_at=Max("occurred_at"))
        )
        asked = waiting.filter(says(asks_to_buy=True)).order_by("-occurred_at")
        return (
            Lead.objects.filter(
                IN_WORK,
                Exists(words.filter(lead=OuterRef("pk"))),
                Exists(waiting),
                nothing_planned(self.record_kind),
            )
            .filter(
                is_telling
                | Q(Exists(asked))
                | Q(Exists(told.filter(count__gte=parameters.inbound_count)))
            )
            .annotate(
                facts=JSONObject(
                    score_0_1=in_percent(Case(When(is_telling, then=latest_score(prediction)))),
                    former_score_0_1=in_percent(
                        Case(When(has_risen, then=lowest_score(prediction, rise_since)))
                    ),
                    asked_at=Subquery(asked.values("occurred_at")[:1]),
                    inbound_count=Subquery(told.values("count")),
                    last_inbound_at=Subquery(told.values("last_at")),
                    revision="revision",
                )
            )
        )

    def edges(self, moment: ScanMoment, parameters: LeadHotParameters) -> tuple[Edge, ...]:
        """A message dated ahead arriving, one growing too old to count, and a score to compare with."""
        only = Q(prediction=Prediction.LEAD_CONVERSION)
        threshold = days_ago(parameters.rise_days)
        return (
            *hot_edges(self.record_kind, parameters.window_days),
            Edge(Score, "scored_at", threshold, record="record_id", only=only),
        )
