"""Accounts whose renewal is in doubt."""

from __future__ import annotations

from typing import Annotated, Self

from django.db.models import (
    BooleanField,
    Case,
    Exists,
    ExpressionWrapper,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import JSONObject, Lower, TruncDate
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
from apps.triggers.rules.counting import SignsOf
from apps.triggers.rules.interest import in_percent
from apps.triggers.rules.messages import IS_INBOUND, MACHINE_ADDRESS
from apps.triggers.rules.subjects import IS_REACTION, says
from apps.triggers.watches import Moved, Own, Related, Scored

MAIL_OF_ITS_CONTACTS = Related(RecordKind.ACTIVITY, "contact", "account")
# Once may be overlooked; who leaves two mails of different days unanswered does not answer.
_ATTEMPTS = 2
# The customer wrote, called or met us.
_IS_THEIRS = IS_INBOUND | Q(activity_kind=ActivityKind.MEETING)
_IS_OUR_MAIL = Q(activity_kind=ActivityKind.EMAIL, direction=Direction.OUTBOUND)
# What the activities tell, as facts: each is there when its sign is.
_SIGNS = ("recent_count", "former_count", "outbound_count", "last_activity_at")


class AccountAtRiskParameters(Parameters):
    """How near the renewal is, how far contact has fallen, how long silence lasts, and which risk is high.

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
    ] = 10
    quiet_days: Annotated[
        int,
        Field(
            ge=7,
            le=365,
            title="Silent for",
            description="Since the last call, mail or meeting: before a renewal this is enough by itself.",
        ),
    ] = 45
    reply_working_days: Annotated[int, Field(ge=1, le=30, title="Mail unanswered for")] = 5
    score_percent: Annotated[
        int,
        Field(
            ge=1,
            le=100,
            title="Risk of not renewing",
            description="Where the account has a score, and another sign besides.",
        ),
    ] = 60
    sure_percent: Annotated[
        int,
        Field(
            ge=1,
            le=100,
            title="Risk that is enough",
            description="From this score on nothing else has to tell of it.",
        ),
    ] = 90

    @model_validator(mode="after")
    def _leave_a_window(self) -> Self:
        if self.recent_days <= self.reply_working_days:
            raise ValueError("recent_days must be greater than reply_working_days")
        return self


class AccountAtRisk(Trigger[AccountAtRiskParameters]):
    """A contract of the account renews soon, and they spoke of ending one, are silent, or two other signs
    meet.

    Enough by itself is a mail of the last months that speaks of ending a contract; silence for six weeks,
    when there was contact before and none lies ahead; and a risk of 90 percent, by the score of renewal
    risk.

    Of other signs it takes two. Contact has thinned out: the activities of the last days, with the
    account, its contacts or about its deals, stay under a third of the rate of the days before, of which
    there must have been ten, and the customer neither wrote, called nor met anybody in those days. They
    do not answer: on two days or more we wrote, five working days ago or earlier, and they were not heard
    of since. The risk is 60 percent or more. Beside such a risk a mail that waits is a sign, too: one of
    its contacts wrote in the last days, and for five working days nobody wrote to, called or met them. An
    open task on the account itself is a plan (``renewal_approaching``).

    By itself a mail that waits is to be answered (``email_unanswered``), and contact that falls is to be
    looked into (``account_engagement_shift``). In 32 simulated companies (``measure_discovery``,
    development) five of eleven accounts of which only less contact told did not mean to leave, nor did any
    of three with a mail that waited, and of two with a score of 60 percent.

    Ninety days is the first of the customary steps 90, 60 and 30 days before a renewal. A third of the
    rate, after ten contacts or more: where contact comes at random at its former rate, it falls so far in
    at most 16 of 100 months. Six weeks: 98 of 100 gaps between two contacts with a customer are shorter
    (``account_silent``), and with a renewal ahead one does not wait for the two months of that trigger.
    Five working days are a week in which nobody answered; nine of ten answers take a day
    (``email_unanswered``). From 60 percent on more accounts are lost than kept even where a score is
    nearly ten points too high, but four of ten are kept; of those with 90 percent one of ten is.
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
        Moved(RecordKind.CONTACT, "account_id"),
        Moved(RecordKind.OPPORTUNITY, "account_id"),
        Related(RecordKind.TASK, "account"),
        ACTIVITY_AT_ACCOUNT,
        Scored(Prediction.RENEWAL_RISK),
    )
    inhibits = ("account_silent", "renewal_approaching")
    parameters_type = AccountAtRiskParameters

    def matching(
        self, moment: ScanMoment, parameters: AccountAtRiskParameters
    ) -> QuerySet[Account]:
        """Accounts with a renewal ahead of which something tells that they may be lost.

        As with ``hot``, a score that is not high is no fact.
        """
        prediction, sure = Prediction.RENEWAL_RISK, parameters.sure_percent
        high = min(parameters.score_percent, sure)
        renewing = contracts_renewing(moment, parameters.ahead_days)
        first = renewing.filter(account=OuterRef("pk")).order_by("renews_on", "pk")
        waiting = _waiting_mails(moment, parameters).order_by("occurred_at", "pk")
        leaving = _leaving_mails(moment, parameters).order_by("-occurred_at", "-pk")
        tells_of_risk = (
            Q(signs__has_key="is_enough")
            | Exists(leaving)
            | score_at_least(prediction, sure)
            | score_at_least(prediction, high) & (Q(signs__isnull=False) | Exists(waiting))
        )
        return (
            Account.objects.filter(
                nothing_planned_with_account(), pk__in=renewing.values("account_id")
            )
            .alias(signs=_signs(moment, parameters))
            # Said again: of a few accounts the database would ask for the signs first, which takes longest.
            .filter(
                Case(
                    When(
                        nothing_planned_with_account() & Exists(first),
                        then=ExpressionWrapper(tells_of_risk, BooleanField()),
                    ),
                    default=False,
                )
            )
            .annotate(
                facts=JSONObject(
                    contract_id=Subquery(first.values("pk")[:1]),
                    renews_on=Subquery(first.values("renews_on")[:1]),
                    **{name: KeyTransform(name, "signs") for name in _SIGNS},
                    unanswered_id=Subquery(waiting.values("pk")[:1]),
                    unanswered_at=Subquery(waiting.values("occurred_at")[:1]),
                    leaving_at=Subquery(leaving.values("occurred_at")[:1]),
                    score_0_1=in_percent(latest_score(prediction, high)),
                    revision="revision",
                )
            )
        )

    def edges(self, moment: ScanMoment, parameters: AccountAtRiskParameters) -> tuple[Edge, ...]:
        """A renewal coming near and passing; activities in and out of the spans; mails without an answer."""
        spans = (
            now,
            days_ago(parameters.recent_days),
            days_ago(parameters.recent_days + parameters.past_days),
            days_ago(parameters.quiet_days),
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
            Edge(
                Activity,
                "occurred_at",
                working_days_ago(parameters.reply_working_days),
                only=_IS_OUR_MAIL,
                through=ACTIVITY_AT_ACCOUNT,
            ),
        )


def _signs(moment: ScanMoment, parameters: AccountAtRiskParameters) -> SignsOf:
    """What the activities at the outer account tell."""
    recent_since = moment.days_ago(parameters.recent_days)
    answered_by = moment.working_days_ago(parameters.reply_working_days)
    rows = (
        Activity.objects.filter(
            occurred_at__gt=moment.days_ago(parameters.recent_days + parameters.past_days)
        )
        .exclude(activity_kind=ActivityKind.NOTE)
        .annotate(
            is_ahead=Q(occurred_at__gt=moment.now),
            is_recent=Q(occurred_at__gt=recent_since, occurred_at__lte=moment.now),
            is_former=Q(occurred_at__lte=recent_since),
            is_theirs=_IS_THEIRS,
            is_lately=Q(occurred_at__gt=moment.days_ago(parameters.quiet_days)),
            is_our_mail=_IS_OUR_MAIL & Q(occurred_at__lte=answered_by),
            day=TruncDate("occurred_at", tzinfo=moment.zone),
        )
        .order_by()
        .values(
            *("pk", "is_ahead", "is_recent", "is_former", "is_theirs", "is_lately", "is_our_mail"),
            *("occurred_at", "day"),
        )
    )
    own, *others = (at_account(rows, way) for way in WAYS)
    return SignsOf(
        own.union(*others),
        least=parameters.past_count,
        recent_weight=parameters.past_days * 100,
        former_weight=parameters.recent_days * parameters.percent,
        attempts=_ATTEMPTS,
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
