"""Accounts whose renewal is in doubt."""

from __future__ import annotations

from typing import Annotated, Self

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import JSONObject, Lower
from pydantic import Field, model_validator

from apps.brain.enums import Goal
from apps.crm.enums import ActivityKind, Direction, RecordKind
from apps.crm.models import Account, Activity
from apps.predictions.enums import Prediction
from apps.predictions.scores import latest_score, score_at_least
from apps.triggers.edges import Edge, days_ago, now, working_days_ago
from apps.triggers.enums import Discovery, Severity
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.rules.accounts.renewals import (
    contracts_renewing,
    nothing_planned_with_account,
    renewal_edges,
)
from apps.triggers.rules.accounts.ways import ACTIVITY_AT_ACCOUNT, WAYS, at_account
from apps.triggers.rules.counting import DeclineOf
from apps.triggers.rules.interest import in_percent
from apps.triggers.rules.messages import IS_INBOUND, MACHINE_ADDRESS
from apps.triggers.rules.subjects import IS_REACTION, says
from apps.triggers.watches import Own, Related, Scored

MAIL_OF_ITS_CONTACTS = Related(RecordKind.ACTIVITY, "contact", "account")
# From so many contacts a rate is firm enough for the recent days; from fewer a pause half as long again is
# usual: who is called upon once a month is now and then called upon after six weeks.
_FIRM_COUNT = 10
_PAUSE_PER_RECENT_DAYS = 1.5
# The customer wrote, called or met us.
_IS_THEIRS = IS_INBOUND | Q(activity_kind=ActivityKind.MEETING)


class AccountAtRiskParameters(Parameters):
    """How near the renewal is, how far activity has fallen, how long a mail waits, and which risk is high.

    ``percent`` is of the rate of the past days: 100 is no change.
    """

    ahead_days: Annotated[int, Field(ge=1, le=365, title="Renewal within")] = 90
    recent_days: Annotated[
        int,
        Field(
            ge=7,
            le=90,
            title="Contact of the last",
            description="These days are held against those before them.",
        ),
    ] = 30
    past_days: Annotated[
        int,
        Field(
            ge=14,
            le=365,
            title="Compared with",
            description="The days before those, for the usual rate.",
        ),
    ] = 90
    percent: Annotated[
        int,
        Field(
            ge=1, le=100, title="Fallen below", description="Of the usual rate: 100 is no change."
        ),
    ] = 33
    past_count: Annotated[
        int,
        Field(
            ge=1,
            le=200,
            title="Contacts before",
            description="So many or more in the days before: from fewer no rate follows.",
        ),
    ] = 6
    reply_working_days: Annotated[int, Field(ge=1, le=30, title="Mail unanswered for")] = 5
    score_percent: Annotated[
        int,
        Field(
            ge=1, le=100, title="Risk of not renewing", description="Where the account has a score."
        ),
    ] = 60

    @model_validator(mode="after")
    def _leave_a_window(self) -> Self:
        if self.recent_days <= self.reply_working_days:
            raise ValueError("recent_days must be greater than reply_working_days")
        return self


class AccountAtRisk(Trigger[AccountAtRiskParameters]):
    """A contract of the account renews soon, and contact is thinning out, a mail waits, or the risk is high.

    Contact thins out when the activities of the last days, with the account, its contacts or about its
    deals, stay under a third of the rate of the days before, of which there must have been a few, and the
    customer neither wrote, called nor met anybody in those days. From fewer than ten contacts before no rate
    follows for a month: then there must have been none for half as long again. A mail of
    one of its contacts, received in the last days, waits when nobody wrote to, called or met them since. The
    risk is the score of renewal risk, where the account has one. An open task on the account itself is a plan
    (``renewal_approaching``).

    Ninety days is the first of the customary steps 90, 60 and 30 days before a renewal. A third of the rate,
    after six contacts or more, keeps most of chance out: where contact comes at random at its former rate, it
    falls so far in at most 16 of 100 months, but to half after three contacts in 37. Contact is no chance,
    though: it comes in bouts. Of ten accounts of the development worlds (``measure_discovery``) of which
    nothing but the rate told, the three where the customer was heard of in those days, and the three with
    six to nine contacts and a pause of five weeks, did not leave. Five working days are a
    week in which nobody answered; nine of ten answers take a day (``email_unanswered``). From 60 percent on
    more accounts are lost than kept even where a score is nearly ten points too high. Few come so far: by the
    demo's hidden causes 4 of 59 accounts that renew within 90 days stand at an even chance or worse, and one
    at 60 percent (as of 18 March 2026).
    """

    key = "account_at_risk"
    label = "Account at risk"
    record_kind = RecordKind.ACCOUNT
    goal = Goal.KEEP_ACCOUNT
    discovers = Discovery.CHURN_SIGNAL
    tools = ("create_followup",)
    severity = Severity.HIGH
    watches = (
        Own(),
        Related(RecordKind.CONTRACT, "account"),
        Related(RecordKind.CONTACT, "account"),
        Related(RecordKind.OPPORTUNITY, "account"),
        Related(RecordKind.TASK, "account"),
        ACTIVITY_AT_ACCOUNT,
        Scored(Prediction.RENEWAL_RISK),
    )
    inhibits = ("account_silent", "renewal_approaching")
    parameters_type = AccountAtRiskParameters

    def matching(
        self, moment: ScanMoment, parameters: AccountAtRiskParameters
    ) -> QuerySet[Account]:
        """Accounts with a renewal ahead whose activity fell, of whom a mail waits, or whose score is high.

        As with ``hot``, a score that is not high is no fact.
        """
        prediction, percent = Prediction.RENEWAL_RISK, parameters.score_percent
        renewing = contracts_renewing(moment, parameters.ahead_days)
        first = renewing.filter(account=OuterRef("pk")).order_by("renews_on", "pk")
        waiting = _waiting_mails(moment, parameters).order_by("occurred_at", "pk")
        leaving = _leaving_mails(moment, parameters).order_by("-occurred_at", "-pk")
        return (
            Account.objects.filter(
                nothing_planned_with_account(), pk__in=renewing.values("account_id")
            )
            .alias(decline=_decline(moment, parameters))
            .filter(
                score_at_least(prediction, percent)
                | Q(decline__isnull=False)
                | Exists(waiting)
                | Exists(leaving)
            )
            .annotate(
                facts=JSONObject(
                    contract_id=Subquery(first.values("pk")[:1]),
                    renews_on=Subquery(first.values("renews_on")[:1]),
                    recent_count=KeyTransform("recent_count", "decline"),
                    former_count=KeyTransform("former_count", "decline"),
                    unanswered_id=Subquery(waiting.values("pk")[:1]),
                    unanswered_at=Subquery(waiting.values("occurred_at")[:1]),
                    leaving_at=Subquery(leaving.values("occurred_at")[:1]),
                    score_0_1=in_percent(latest_score(prediction, percent)),
                    revision="revision",
                )
            )
        )

    def edges(self, moment: ScanMoment, parameters: AccountAtRiskParameters) -> tuple[Edge, ...]:
        """A renewal coming near and passing; activities in and out of the spans; mails waiting too long."""
        spans = (
            now,
            days_ago(parameters.recent_days),
            days_ago(parameters.recent_days + parameters.past_days),
            days_ago(_pause_days(parameters)),
        )
        return (
            *renewal_edges(parameters.ahead_days),
            *(
                Edge(Activity, "occurred_at", threshold, through=ACTIVITY_AT_ACCOUNT)
                for threshold in spans
            ),
            Edge(
                Activity,
                "occurred_at",
                working_days_ago(parameters.reply_working_days),
                only=IS_INBOUND,
                through=MAIL_OF_ITS_CONTACTS,
            ),
        )


def _pause_days(parameters: AccountAtRiskParameters) -> int:
    """How long a pause is usual where there was little contact before."""
    return round(parameters.recent_days * _PAUSE_PER_RECENT_DAYS)


def _decline(moment: ScanMoment, parameters: AccountAtRiskParameters) -> DeclineOf:
    """The counts of both spans when the outer account's recent activity falls short of the past rate."""
    recent_since = moment.days_ago(parameters.recent_days)
    both = (
        Activity.objects.filter(
            occurred_at__gt=moment.days_ago(parameters.recent_days + parameters.past_days),
            occurred_at__lte=moment.now,
        )
        .exclude(activity_kind=ActivityKind.NOTE)
        .annotate(
            is_recent=Q(occurred_at__gt=recent_since),
            is_theirs=_IS_THEIRS,
            is_just_now=Q(occurred_at__gt=moment.days_ago(_pause_days(parameters))),
        )
        .order_by()
        .values("pk", "is_recent", "is_theirs", "is_just_now")
    )
    own, *others = (at_account(both, way) for way in WAYS)
    return DeclineOf(
        own.union(*others),
        least=parameters.past_count,
        recent_weight=parameters.past_days * 100,
        former_weight=parameters.recent_days * parameters.percent,
        firm=_FIRM_COUNT,
    )


def _leaving_mails(moment: ScanMoment, parameters: AccountAtRiskParameters) -> QuerySet[Activity]:
    """Mails of the outer account's contacts that speak of ending a contract, within the past days."""
    return Activity.objects.filter(
        says(means_to_leave=True),
        contact__account=OuterRef("pk"),
        direction=Direction.INBOUND,
        occurred_at__gt=moment.days_ago(parameters.recent_days + parameters.past_days),
        occurred_at__lte=moment.now,
    )


def _waiting_mails(moment: ScanMoment, parameters: AccountAtRiskParameters) -> QuerySet[Activity]:
    """Mails of the outer account's contacts after which nobody wrote to, called or met them."""
    reactions = Activity.objects.filter(
        IS_REACTION, contact=OuterRef("contact_id"), occurred_at__gt=OuterRef("occurred_at")
    )
    return (
        Activity.objects.alias(address=Lower("counterpart_address"))
        .filter(
            ~Exists(reactions),
            ~says(needs_no_answer=True),
            ~says(asks_to_wait=True),
            contact__account=OuterRef("pk"),
            activity_kind=ActivityKind.EMAIL,
            direction=Direction.INBOUND,
            occurred_at__lte=moment.working_days_ago(parameters.reply_working_days),
            occurred_at__gt=moment.days_ago(parameters.recent_days),
        )
        .exclude(address__regex=MACHINE_ADDRESS)
    )
