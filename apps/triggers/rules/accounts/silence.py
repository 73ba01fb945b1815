"""Customers of whom nothing is heard."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, JSONObject, TruncDate
from pydantic import Field

from apps.brain.enums import Goal
from apps.crm.enums import ActivityKind, ContractOutcome, DealOutcome, RecordKind
from apps.crm.models import Account, Activity, Contract, Opportunity, Task
from apps.triggers.edges import Edge, days_ago
from apps.triggers.enums import Discovery, Severity
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.rules.accounts.renewals import IS_RUNNING
from apps.triggers.rules.accounts.ways import ACTIVITY_AT_ACCOUNT, WAYS, at_account
from apps.triggers.watches import AnyOf, Moved, Own, Related

# As the partial index of deals has it.
IS_WON = Q(outcome=DealOutcome.WON)
# A quarter after the end whatever was to be settled is settled: who is still in touch is looked after.
_KEPT_AFTER_END = timedelta(days=90)


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
            description=(
                "A won deal makes a customer for so long, and so does contact that was kept up after the end"
                " of a contract; a running contract always does."
            ),
        ),
    ] = 730


class AccountSilent(Trigger[AccountSilentParameters]):
    """A customer with whom there was no call, mail or meeting for long, and none is planned.

    A customer has a running contract or a deal that was won within two years. Who did not renew is one, too,
    for two years after the last contact, when contact was kept up for a quarter after the end: somebody still
    looked after them. What happened with a contact or about a deal of theirs happened with them. A meeting
    that lies ahead is a plan, and so is an open task on the account, one of its contacts or one of its deals.
    With an account that was never in touch the silence began when it was entered.

    Sixty days: of 1,730 gaps between two contacts with a customer in the demo 98 of 100 were 44 days or
    shorter, and fewer than one of 100 was longer than 60 (globex as of 18 March 2026): whom somebody looks
    after is heard of sooner.
    """

    key = "account_silent"
    label = "Customer gone quiet"
    record_kind = RecordKind.ACCOUNT
    goal = Goal.KEEP_ACCOUNT
    discovers = Discovery.CHURN_SIGNAL
    tools = ("create_followup",)
    severity = Severity.NORMAL
    watches = (
        Own(),
        Related(RecordKind.CONTRACT, "account"),
        Moved(RecordKind.CONTACT, "account_id"),
        Related(RecordKind.OPPORTUNITY, "account"),
        ACTIVITY_AT_ACCOUNT,
        AnyOf(tuple(Related(RecordKind.TASK, *way, "account") for way in WAYS)),
    )
    untold_imports = (RecordKind.OPPORTUNITY,)
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
                ~Exists(at_account(later, way)),
                ~Exists(at_account(Task.objects.open(), way)),
            )
        )
        running = Contract.objects.filter(IS_RUNNING, account=OuterRef("pk"))
        won = Opportunity.objects.filter(
            IS_WON, account=OuterRef("pk"), stage_entered_at__gt=won_since
        )
        left = Contract.objects.alias(ended_on=Coalesce("outcome_on", "renews_on")).filter(
            account=OuterRef("pk"),
            outcome=ContractOutcome.CHURNED,
            ended_on__lte=OuterRef("kept_on"),
        )
        kept_on = TruncDate(F("last_activity_at") - _KEPT_AFTER_END, tzinfo=moment.zone)
        return (
            Account.objects.alias(kept_on=kept_on)
            .filter(
                Q(last_activity_at__lte=since) | Q(last_activity_at=None, created_at__lte=since),
                Exists(running) | Exists(won) | Q(Exists(left), last_activity_at__gt=won_since),
                *nothing_at_account,
            )
            .annotate(
                facts=JSONObject(
                    last_activity_at="last_activity_at",
                    created_at="created_at",
                    revision="revision",
                )
            )
        )

    def edges(self, moment: ScanMoment, parameters: AccountSilentParameters) -> tuple[Edge, ...]:
        """Growing silent, and a deal won, or a former customer heard of, long ago."""
        since = days_ago(parameters.silent_days)
        return (
            Edge(Account, "last_activity_at", since),
            Edge(Account, "last_activity_at", days_ago(parameters.won_within_days)),
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
