"""Renewals that come near, and whether somebody has planned them."""

from __future__ import annotations

from typing import Annotated

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject
from pydantic import Field

from apps.brain.enums import Goal
from apps.crm.enums import ContractOutcome, RecordKind
from apps.crm.models import Account, Contract, Task
from apps.triggers.edges import Edge, day_offset
from apps.triggers.enums import Severity
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.watches import Own, Related

# As the partial index of contracts has it.
IS_RUNNING = Q(outcome=ContractOutcome.OPEN)


def contracts_renewing(moment: ScanMoment, ahead_days: int) -> QuerySet[Contract]:
    """Running contracts whose renewal day lies between today and so many days ahead."""
    return Contract.objects.filter(
        IS_RUNNING,
        renews_on__gte=moment.today,
        renews_on__lte=day_offset(ahead_days)(moment),
    )


def renewal_edges(ahead_days: int) -> tuple[Edge, ...]:
    """A renewal day coming near, and passing."""
    return tuple(
        Edge(Contract, "renews_on", day_offset(days), record="account_id", only=IS_RUNNING)
        for days in (0, ahead_days)
    )


def nothing_planned_with_account() -> Q:
    """No open task hangs on the account itself: one that is about a deal is about that deal."""
    return Q(
        ~Exists(Task.objects.open().filter(account=OuterRef("pk"), opportunity=None, lead=None))
    )


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
    discovers = None
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
        renewing = contracts_renewing(moment, parameters.ahead_days)
        first = renewing.filter(account=OuterRef("pk")).order_by("renews_on", "pk")
        return Account.objects.filter(
            nothing_planned_with_account(), pk__in=renewing.values("account_id")
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
        return renewal_edges(parameters.ahead_days)
