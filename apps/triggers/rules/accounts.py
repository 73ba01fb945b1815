"""Triggers about accounts."""

from __future__ import annotations

from typing import Annotated, Any, Self

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import JSONObject, Lower
from pydantic import Field, model_validator

from apps.brain.enums import Goal
from apps.crm.enums import (
    ActivityKind,
    ContractOutcome,
    DealOutcome,
    Direction,
    RecordKind,
)
from apps.crm.models import Account, Activity, Contract, Opportunity, Task
from apps.triggers.edges import Edge, day_offset, days_ago, now, working_days_ago
from apps.triggers.enums import Severity
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.rules.counting import DeclineOf
from apps.triggers.rules.messages import IS_INBOUND, MACHINE_ADDRESS
from apps.triggers.rules.subjects import IS_REACTION
from apps.triggers.watches import AnyOf, Own, Related

# As the partial indexes of contracts and deals have it.
IS_RUNNING = Q(outcome=ContractOutcome.OPEN)
IS_WON = Q(outcome=DealOutcome.WON)

# What happens with an account happens with itself, its contacts or its deals.
WAYS = ((), ("contact",), ("opportunity",))
ACTIVITY_AT_ACCOUNT = AnyOf(tuple(Related(RecordKind.ACTIVITY, *way, "account") for way in WAYS))
MAIL_OF_ITS_CONTACTS = Related(RecordKind.ACTIVITY, "contact", "account")


def _renewing(moment: ScanMoment, ahead_days: int) -> QuerySet[Contract]:
    """Running contracts whose renewal day lies between today and so many days ahead."""
    return Contract.objects.filter(
        IS_RUNNING,
        renews_on__gte=moment.today,
        renews_on__lte=day_offset(ahead_days)(moment),
    )


def _renewal_edges(ahead_days: int) -> tuple[Edge, ...]:
    """A renewal day coming near, and passing."""
    return tuple(
        Edge(Contract, "renews_on", day_offset(days), record="account_id", only=IS_RUNNING)
        for days in (0, ahead_days)
    )


def _nothing_planned() -> Q:
    """No open task hangs on the account itself: one that is about a deal is about that deal."""
    return Q(
        ~Exists(Task.objects.open().filter(account=OuterRef("pk"), opportunity=None, lead=None))
    )


def _at_account(rows: QuerySet[Any], way: tuple[str, ...]) -> QuerySet[Any]:
    """Those rows that lead to the outer account on one way."""
    return rows.filter(**{"__".join((*way, "account")): OuterRef("pk")})


class RenewalApproachingParameters(Parameters):
    """How long before the day a renewal is to be planned."""

    ahead_days: Annotated[int, Field(ge=1, le=365, title="Renewal within")] = 60


class RenewalApproaching(Trigger[RenewalApproachingParameters]):
    """A running contract of the account renews soon, and nothing is planned with the account.

    A plan is an open task that hangs on the account; a task about one of its deals is about that deal, and
    a deal that happens to be open is no plan either. Of several contracts the one that renews first counts.
    A day that has passed does not approach any more: what came of it is to be entered.

    Sixty days is the middle step of the customary 90, 60 and 30 days before a renewal: late enough for a
    proposal, early enough for the notice periods of 30 days or so after which a contract runs on or is lost.
    """

    key = "renewal_approaching"
    label = "Renewal without a plan"
    record_kind = RecordKind.ACCOUNT
    goal = Goal.PLAN_RENEWAL
    tools = ("create_followup",)
    severity = Severity.NORMAL
    watches = (
        Own(),
        Related(RecordKind.CONTRACT, "account"),
        Related(RecordKind.TASK, "account"),
    )
    parameters_type = RenewalApproachingParameters

    def matching(
        self, moment: ScanMoment, parameters: RenewalApproachingParameters
    ) -> QuerySet[Account]:
        """Accounts with a contract that renews soon, without an open task of their own."""
        renewing = _renewing(moment, parameters.ahead_days)
        first = renewing.filter(account=OuterRef("pk")).order_by("renews_on", "pk")
        return Account.objects.filter(
            _nothing_planned(), pk__in=renewing.values("account_id")
        ).annotate(
            facts=JSONObject(
                contract_id=Subquery(first.values("pk")[:1]),
                renews_on=Subquery(first.values("renews_on")[:1]),
                revision="revision",
            )
        )

    def edges(
        self, moment: ScanMoment, parameters: RenewalApproachingParameters
    ) -> tuple[Edge, ...]:
        """A renewal day coming near, and passing."""
        return _renewal_edges(parameters.ahead_days)


class AccountSilentParameters(Parameters):
    """How long a customer may hear nothing, and how long ago a deal still makes a customer."""

    silent_days: Annotated[
        int,
        Field(
            ge=7, le=365, title="Silent for", description="Since the last call, mail or meeting."
        ),
    ] = 60
    won_within_days: Annotated[
        int,
        Field(
            ge=30,
            le=3650,
            title="Won within",
            description="A won deal makes a customer for so long; a running contract always does.",
        ),
    ] = 730


class AccountSilent(Trigger[AccountSilentParameters]):
    """A customer with whom there was no call, mail or meeting for long, and none is planned.

    A customer has a running contract or a deal that was won within two years. What happened with a contact
    or about a deal of theirs happened with them. A meeting that lies ahead is a plan, and so is an open task
    on the account, one of its contacts or one of its deals. With an account that was never in touch the
    silence began when it was entered.

    Sixty days: of 1,730 gaps between two contacts with a customer in the demo 98 of 100 were 44 days or
    shorter, and fewer than one of 100 was longer than 60 (globex as of 18 March 2026): whom somebody looks
    after is heard of sooner.
    """

    key = "account_silent"
    label = "Customer gone quiet"
    record_kind = RecordKind.ACCOUNT
    goal = Goal.KEEP_ACCOUNT
    tools = ("create_followup",)
    severity = Severity.NORMAL
    watches = (
        Own(),
        Related(RecordKind.CONTRACT, "account"),
        Related(RecordKind.CONTACT, "account"),
        Related(RecordKind.OPPORTUNITY, "account"),
        ACTIVITY_AT_ACCOUNT,
        AnyOf(tuple(Related(RecordKind.TASK, *way, "account") for way in WAYS)),
    )
    parameters_type = AccountSilentParameters

    def matching(
        self, moment: ScanMoment, parameters: AccountSilentParameters
    ) -> QuerySet[Account]:
        """Customers without activity since the day, nor a plan."""
        since = moment.days_ago(parameters.silent_days)
        won_since = moment.days_ago(parameters.won_within_days)
        # An activity that was entered ahead of its time is no last activity: it is asked for besides.
        later = Activity.objects.filter(occurred_at__gt=since).exclude(
            activity_kind=ActivityKind.NOTE
        )
        nothing_at_account = (
            condition
            for way in WAYS
            for condition in (
                ~Exists(_at_account(later, way)),
                ~Exists(_at_account(Task.objects.open(), way)),
            )
        )
        running = Contract.objects.filter(IS_RUNNING, account=OuterRef("pk"))
        won = Opportunity.objects.filter(
            IS_WON, account=OuterRef("pk"), stage_entered_at__gt=won_since
        )
        return Account.objects.filter(
            Q(last_activity_at__lte=since) | Q(last_activity_at=None, created_at__lte=since),
            Exists(running) | Exists(won),
            *nothing_at_account,
        ).annotate(
            facts=JSONObject(
                last_activity_at="last_activity_at",
                created_at="created_at",
                revision="revision",
            )
        )

    def edges(self, moment: ScanMoment, parameters: AccountSilentParameters) -> tuple[Edge, ...]:
        """Growing silent, and a deal won long ago."""
        since = days_ago(parameters.silent_days)
        return (
            Edge(Account, "last_activity_at", since),
            Edge(Account, "created_at", since, only=Q(last_activity_at=None)),
            Edge(Activity, "occurred_at", since, through=ACTIVITY_AT_ACCOUNT),
            Edge(
                Opportunity,
                "stage_entered_at",
                days_ago(parameters.won_within_days),
                record="account_id",
                only=IS_WON,
            ),
        )


class AccountAtRiskParameters(Parameters):
    """How near the renewal is, how far activity must have fallen, and how long a mail may wait.

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

    @model_validator(mode="after")
    def _leave_a_window(self) -> Self:
        if self.recent_days <= self.reply_working_days:
            raise ValueError("recent_days must be greater than reply_working_days")
        return self


class AccountAtRisk(Trigger[AccountAtRiskParameters]):
    """A contract of the account renews soon, and contact is thinning out or a mail waits.

    Contact thins out when the activities of the last days, with the account, its contacts or about its
    deals, stay under a third of the rate of the days before, of which there must have been a few. A mail of
    one of its contacts, received in the last days, waits when nobody wrote to, called or met them since. An
    open task on the account itself is a plan (``renewal_approaching``).

    Ninety days is the first of the customary steps 90, 60 and 30 days before a renewal. A third of the rate,
    after six contacts or more, keeps most of chance out: where contact comes at random at its former rate, it
    falls so far in at most 16 of 100 months, but to half after three contacts in 37. Five working days are a
    week in which nobody answered; nine of ten answers take a day (``email_unanswered``).
    """

    key = "account_at_risk"
    label = "Account at risk"
    record_kind = RecordKind.ACCOUNT
    goal = Goal.KEEP_ACCOUNT
    tools = ("create_followup",)
    severity = Severity.HIGH
    watches = (
        Own(),
        Related(RecordKind.CONTRACT, "account"),
        Related(RecordKind.CONTACT, "account"),
        Related(RecordKind.OPPORTUNITY, "account"),
        Related(RecordKind.TASK, "account"),
        ACTIVITY_AT_ACCOUNT,
    )
    inhibits = ("account_silent", "renewal_approaching")
    parameters_type = AccountAtRiskParameters

    def matching(
        self, moment: ScanMoment, parameters: AccountAtRiskParameters
    ) -> QuerySet[Account]:
        """Accounts with a renewal ahead whose activity fell, or of whom a mail waits."""
        renewing = _renewing(moment, parameters.ahead_days)
        first = renewing.filter(account=OuterRef("pk")).order_by("renews_on", "pk")
        waiting = _waiting_mails(moment, parameters).order_by("occurred_at", "pk")
        return (
            Account.objects.filter(_nothing_planned(), pk__in=renewing.values("account_id"))
            .alias(decline=_decline(moment, parameters))
            .filter(Q(decline__isnull=False) | Exists(waiting))
            .annotate(
                facts=JSONObject(
                    contract_id=Subquery(first.values("pk")[:1]),
                    renews_on=Subquery(first.values("renews_on")[:1]),
                    recent_count=KeyTransform("recent_count", "decline"),
                    former_count=KeyTransform("former_count", "decline"),
                    unanswered_id=Subquery(waiting.values("pk")[:1]),
                    unanswered_at=Subquery(waiting.values("occurred_at")[:1]),
                    revision="revision",
                )
            )
        )

    def edges(self, moment: ScanMoment, parameters: AccountAtRiskParameters) -> tuple[Edge, ...]:
        """A renewal coming near and passing; activities in and out of both spans; mails waiting too long."""
        spans = (
            now,
            days_ago(parameters.recent_days),
            days_ago(parameters.recent_days + parameters.past_days),
        )
        return (
            *_renewal_edges(parameters.ahead_days),
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


def _decline(moment: ScanMoment, parameters: AccountAtRiskParameters) -> DeclineOf:
    """The counts of both spans when the outer account's recent activity falls short of the past rate."""
    recent_since = moment.days_ago(parameters.recent_days)
    both = (
        Activity.objects.filter(
            occurred_at__gt=moment.days_ago(parameters.recent_days + parameters.past_days),
            occurred_at__lte=moment.now,
        )
        .exclude(activity_kind=ActivityKind.NOTE)
        .annotate(is_recent=Q(occurred_at__gt=recent_since))
        .order_by()
        .values("pk", "is_recent")
    )
    own, *others = (_at_account(both, way) for way in WAYS)
    return DeclineOf(
        own.union(*others),
        least=parameters.past_count,
        recent_weight=parameters.past_days * 100,
        former_weight=parameters.recent_days * parameters.percent,
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
            contact__account=OuterRef("pk"),
            activity_kind=ActivityKind.EMAIL,
            direction=Direction.INBOUND,
            occurred_at__lte=moment.working_days_ago(parameters.reply_working_days),
            occurred_at__gt=moment.days_ago(parameters.recent_days),
        )
        .exclude(address__regex=MACHINE_ADDRESS)
    )
