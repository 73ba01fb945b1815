"""Facts about accounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice

from django.db.models import F, Sum

from apps.brain.enums import Goal
from apps.crm.enums import ContractOutcome, RecordKind
from apps.crm.models import Account, Contract, Opportunity
from apps.execution.schemas import RecordRef
from apps.suggestions.pipeline.context.contexts import Context, Group
from apps.suggestions.pipeline.context.history import (
    next_tasks,
    open_tasks_at_accounts,
    people_at,
    recent_at_accounts,
)

# What a trigger sees in a contract, which another team may own.
SEEN_IN_CONTRACT = frozenset({"renews_on", "starts_on"})

# How many people at an account are named.
PEOPLE = 2


def account_contexts(group: Group) -> Iterator[Context]:
    """What is sold there, who is there, which contract comes up for renewal, and what has happened there.

    An account that nobody owns is for everybody; its renewal is for whoever owns the contract.
    """
    accounts = Account.objects.in_bulk(group.ids)
    recent = recent_at_accounts(group.ids)
    tasks = open_tasks_at_accounts(group.ids)
    planned = next_tasks("account_id", group.ids)
    values = open_deal_values(group.ids)
    people = people_at(group.ids)
    renewals = _renewals(group)
    for awaiting in group.awaiting:
        account = accounts.get(awaiting.record.id)
        if account is None:
            continue
        named = renewals.get(group.id_seen(awaiting, "contract_id") or 0)
        assignee_id = account.owner_id or (named.owner_id if named else None)
        contract = group.readers.allowed(assignee_id, named)
        if contract is None and awaiting.goal == Goal.PLAN_RENEWAL:
            continue
        value, currency = values.get((account.pk, assignee_id), (None, ""))
        if contract is not None and contract.value is not None:
            value, currency = contract.value, contract.currency
        context = Context(awaiting, group.moment, str(account), assignee_id, value, currency)
        context.add("sector", "Sector", account.sector)
        context.add("phone", "Phone", account.phone, value=account.phone)
        if contract is None:
            context.unreadable = SEEN_IN_CONTRACT
        else:
            ref = RecordRef(RecordKind.CONTRACT, contract.pk)
            context.add("contract", "Contract", str(contract), record=ref)
            context.add_day("renews_on", "Renews on", contract.renews_on)
        context.add_moment("created_at", "Created", account.created_at)
        context.add_history(account.last_activity_at, recent[account.pk])
        context.add_open_tasks(tasks[account.pk], planned[account.pk])
        readable = (
            person
            for person in people[account.pk]
            if group.readers.may_see(assignee_id, person.owner_id)
        )
        for person in islice(readable, PEOPLE):
            context.add_person("contact", "Contact", person)
        context.add("notes", "Notes", account.notes[:1000])
        yield context


def open_deal_values(
    account_ids: Sequence[int],
) -> Mapping[tuple[int, int | None], tuple[Decimal, str]]:
    """What the open deals of each account and owner are worth together, in the currency that weighs most."""
    rows = (
        Opportunity.objects.open()
        .filter(account_id__in=account_ids, amount__isnull=False)
        .order_by()
        .values_list("account_id", "owner_id", "currency")
        .annotate(total=Sum("amount"))
        .order_by(F("total").asc())
    )
    return {
        (account_id, owner_id): (total, currency) for account_id, owner_id, currency, total in rows
    }


def _renewals(group: Group) -> dict[int, Contract]:
    """The running contracts that signals name."""
    found: dict[int, Contract] = Contract.objects.filter(outcome=ContractOutcome.OPEN).in_bulk(
        group.ids_seen("contract_id")
    )
    return found
