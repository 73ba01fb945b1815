"""Reading which contracts come up for renewal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated

from django.db.models import Count, Sum
from pydantic import Field

from apps.brain.reading.tools import ReadArguments, ReadTool, check_may_view, found
from apps.brain.schemas import Fact
from apps.crm.enums import ContractOutcome, RecordKind
from apps.crm.models import Contract
from apps.crm.presentation import describe_time
from apps.execution.schemas import RecordRef
from apps.tenants.templatetags.aisha_ui import money
from apps.users.models import User

# Of a longer list the number is told, and the nearest ones.
MOST_RENEWALS = 10
DAYS_AHEAD = 90


class RenewalArguments(ReadArguments):
    """How far ahead to look."""

    days: Annotated[int, Field(gt=0, le=366, description="From today on.")] = DAYS_AHEAD


def read_renewals(asker: User, arguments: RenewalArguments, today: date) -> Sequence[Fact]:
    """How many running contracts renew within these days, what they are worth, and the nearest ones."""
    check_may_view(asker, Contract)
    until = today + timedelta(days=arguments.days)
    rows = Contract.objects.visible_to(asker).filter(
        outcome=ContractOutcome.OPEN, renews_on__gte=today, renews_on__lte=until
    )
    by_currency = rows.order_by("currency").values_list("currency")
    totals = by_currency.annotate(contracts=Count("pk"), worth=Sum("value"))
    count = sum(contracts for _, contracts, _ in totals)
    sums = " + ".join(money(worth, currency) for currency, _, worth in totals if worth is not None)
    text = f"{count}, worth {sums}" if sums else str(count)
    label = f"Contracts that renew by {describe_time(until)}"
    facts = [found("renewals", label, text if count else "none", value=count)]
    for contract in rows.order_by("renews_on", "id")[:MOST_RENEWALS]:
        assert contract.renews_on is not None  # noqa: S101 - the filter sees to it
        said = str(contract)
        if contract.value is not None:
            said = f"{said} ({money(contract.value, contract.currency)})"
        facts.append(
            found(
                "renewal",
                f"Renews on {describe_time(contract.renews_on)}",
                said,
                record=RecordRef(RecordKind.CONTRACT, contract.pk),
            )
        )
    return facts


RENEWALS_AHEAD = ReadTool(
    "renewals_ahead",
    "The running contracts that come up for renewal, as far as the person who asks may see them.",
    RenewalArguments,
    read_renewals,
)
