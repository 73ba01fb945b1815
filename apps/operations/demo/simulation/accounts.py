"""What happens with customers outside of deals: check-ins, and contracts that come up for renewal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from apps.operations.demo.causes import Engagement, TaskTruth
from apps.operations.demo.dates import workday
from apps.operations.demo.schemas import (
    AccountRow,
    ChangedValue,
    ContractRow,
    ProductRow,
    TaskRow,
)
from apps.operations.demo.simulation.deals import ACTIVITY_DAYS
from apps.operations.demo.simulation.diary import Diary, Matter
from apps.operations.demo.simulation.parties import Parties
from apps.operations.demo.topic_names import Topic

_TERM_DAYS = 365
# A customer slips a rep's mind more easily than a deal.
_ACCOUNT_NEGLECT = 3.0
# And the renewal of a contract more easily still.
_RENEWAL_NEGLECT = 8.0
_THANKED_SHARE = 0.85
# Days with contact a week at an account, by check-ins and answers to them.
_CHECK_IN_DAYS = 0.35
# So many of those who leave say so beforehand, and so many of the others complain now and then.
_SAYS_SO_SHARE = 0.75
_GRUMBLE_SHARE = 0.15


def look_after(
    diary: Diary,
    accounts: Sequence[AccountRow],
    parties: Parties,
    products: Sequence[ProductRow],
    purposes: Sequence[str],
    rng: Random,
) -> None:
    """A check-in with each account every month or so, by whoever owns the contact, unless it is forgotten."""
    calendar, departures = diary.calendar, diary.world.causes.departures
    for account in accounts:
        people = parties.by_account[account.key]
        if not people:
            continue
        at = calendar.ago(rng.uniform(ACTIVITY_DAYS - 30, ACTIVITY_DAYS), rng)
        diary.world.causes.engagement += [
            Engagement(
                party.counterpart.key, account.key, at, calendar.now, _CHECK_IN_DAYS / len(people)
            )
            for party in people
        ]
        while calendar.has_happened(at):
            party = rng.choice(people)
            if party.created_at < at:
                other = party.counterpart
                slots = {
                    "first": other.first_name,
                    "company": account.name,
                    "product": rng.choice(products).name,
                    "purpose": rng.choice(purposes),
                }
                matter = Matter(
                    owner=party.owner,
                    counterpart=other,
                    slots=slots,
                    contact=other.key,
                    account=account.key,
                )
                if rng.random() < 0.3:
                    diary.talk(matter, at, Topic.CHECK_IN_CALL, rng)
                    recap_at = calendar.after(at, 0.1, rng)
                    if calendar.has_happened(recap_at):
                        diary.mail_out(matter, recap_at, Topic.CHECK_IN, rng)
                else:
                    diary.mail_out(matter, at, Topic.CHECK_IN, rng)
                    reply_at = calendar.after(at, rng.expovariate(1 / other.traits.reply_days), rng)
                    has_left = account.key in departures and at > departures[account.key]
                    answers = rng.random() < other.traits.reply_rate and not has_left
                    if (
                        answers
                        and not other.address_is_dead_at(at)
                        and calendar.has_happened(reply_at)
                    ):
                        diary.mail_in(matter, reply_at, Topic.CHECK_IN_REPLY, rng)
                        _thank(diary, matter, reply_at, rng)
            forgotten = diary.world.causes.forgotten_accounts
            if rng.random() < diary.rep(account.keeper).forgetfulness * _ACCOUNT_NEGLECT:
                forgotten[account.key] = at
                at = calendar.after(at, rng.uniform(75, 180), rng)
            else:
                forgotten.pop(account.key, None)
                at = calendar.after(at, rng.uniform(18, 45), rng)


def _thank(diary: Diary, matter: Matter, at: datetime, rng: Random) -> None:
    """A short word in reply, mostly on the same or the next day."""
    reply_days = diary.rep(matter.owner).reply_days
    thanked_at = diary.calendar.after(at, min(3.0, rng.expovariate(1 / reply_days)), rng)
    if rng.random() < _THANKED_SHARE and diary.calendar.has_happened(thanked_at):
        diary.mail_out(matter, thanked_at, Topic.CHECK_IN_THANKS, rng)


def write_contracts(
    diary: Diary, accounts: Sequence[AccountRow], products: Sequence[ProductRow], rng: Random
) -> None:
    """Yearly service contracts: past terms renewed or not, and a present term."""
    for account in accounts:
        satisfaction = round(rng.betavariate(4.0, 1.6), 3)
        diary.world.causes.account_satisfaction[account.key] = satisfaction
        bought = rng.sample(list(products), k=rng.choice((1, 2, 3, 4)))
        for product in bought:
            _write_terms(diary, account, product, satisfaction - 0.3 / len(bought), rng)


def _leaves(attachment: float, terms: int, size: int, rng: Random) -> bool:
    """Whether a customer does not renew: the unhappy, the new, those with little at stake."""
    reasons = -0.5 - 2.5 * attachment + (1.8 if terms == 1 else -1.0) - 1.8 * math.log10(size / 4)
    return rng.random() < 1 / (1 + math.exp(-reasons))


def _write_terms(
    diary: Diary, account: AccountRow, product: ProductRow, attachment: float, rng: Random
) -> None:
    calendar, contracts = diary.calendar, diary.world.contracts
    renews_on = calendar.today + timedelta(days=rng.randint(4, _TERM_DAYS - 5))
    starts_on = renews_on - timedelta(days=_TERM_DAYS * rng.choice((1, 2, 3, 4)))
    size = rng.choice((1, 2, 4, 6, 10))
    value = max(product.price, Decimal(300)) * size
    terms = 0
    is_churned = False
    while starts_on < calendar.today and not is_churned:
        ends_on = starts_on + timedelta(days=_TERM_DAYS)
        is_over = ends_on <= calendar.today
        terms += 1
        is_churned = is_over and _leaves(attachment, terms, size, rng)
        outcome = "churned" if is_churned else "renewed" if is_over else "open"
        outcome_on = ends_on - timedelta(days=rng.randint(0, 40)) if is_over else None
        key = f"contract-{len(contracts) + 1}"
        contracts.append(
            ContractRow(
                key=key,
                account=account.key,
                owner=account.keeper,
                name=f"Service agreement: {product.name}",
                value=value.quantize(Decimal("0.01")),
                starts_on=starts_on,
                renews_on=ends_on,
                outcome=outcome,
                outcome_on=outcome_on,
                created_at=calendar.on(starts_on - timedelta(days=10), rng),
            )
        )
        if not is_over:
            _plan_renewal(diary, account, contracts[-1], rng)
            _decide(diary, account, contracts[-1], attachment, terms, size)
        if outcome_on is not None:
            at = min(calendar.on(outcome_on, rng), calendar.now)
            changes: dict[str, tuple[ChangedValue, ChangedValue]] = {
                "outcome": ("open", outcome),
                "outcome_on": (None, outcome_on),
            }
            diary.change("contract", key, at, account.keeper, changes)
        starts_on = ends_on
        value *= Decimal(rng.choice(("1.00", "1.03", "1.05")))


def _decide(
    diary: Diary,
    account: AccountRow,
    contract: ContractRow,
    attachment: float,
    terms: int,
    size: int,
) -> None:
    """Some months before the day a customer makes up their mind; most have not yet."""
    # By a generator of their own: what somebody means to do changes no contract.
    rng = Random(f"{account.key}:{contract.key}:{contract.renews_on}")  # noqa: S311
    decided_at = diary.calendar.on(contract.renews_on - timedelta(days=rng.randint(70, 130)), rng)
    departures = diary.world.causes.departures
    if _leaves(attachment, terms, size, rng) and diary.calendar.has_happened(decided_at):
        departures[account.key] = min(decided_at, departures.get(account.key, decided_at))


def hear_of_departures(
    diary: Diary, accounts: Sequence[AccountRow], parties: Parties, product: str, rng: Random
) -> None:
    """Most of those who leave let it be known; some others complain and stay."""
    departures = diary.world.causes.departures
    for account in accounts:
        if account.key in diary.world.causes.forgotten_accounts:
            continue
        people = parties.by_account[account.key]
        since = departures.get(account.key)
        topic = Topic.LEAVING if since else Topic.GRUMBLE
        if not people or rng.random() > (_SAYS_SO_SHARE if since else _GRUMBLE_SHARE):
            continue
        party = rng.choice(people)
        at = (
            diary.calendar.after(since, rng.uniform(1, 25), rng)
            if since
            else diary.calendar.ago(rng.uniform(1, 60), rng)
        )
        other = party.counterpart
        slots = {
            "first": other.first_name,
            "company": account.name,
            "product": product,
            "purpose": "service",
        }
        matter = Matter(
            owner=party.owner,
            counterpart=other,
            slots=slots,
            contact=other.key,
            account=account.key,
        )
        if party.created_at < at and diary.calendar.has_happened(at):
            diary.mail_in(matter, at, topic, rng)
            answered_at = diary.calendar.after(at, 0.5, rng)
            if diary.calendar.has_happened(answered_at):
                diary.mail_out(matter, answered_at, Topic.SERVICE_ANSWER, rng)


def _plan_renewal(diary: Diary, account: AccountRow, contract: ContractRow, rng: Random) -> None:
    """A task, one to three months before the day, unless the rep does not think of it."""
    calendar, world = diary.calendar, diary.world
    thought_on = workday(contract.renews_on - timedelta(days=rng.randint(35, 100)))
    made_at = calendar.on(thought_on, rng)
    if rng.random() < diary.rep(account.keeper).forgetfulness * _RENEWAL_NEGLECT:
        world.causes.unplanned_renewals[contract.key] = contract.renews_on
    elif calendar.has_happened(made_at):
        due_on = workday(contract.renews_on - timedelta(days=rng.randint(7, 30)))
        key = f"task-{len(world.tasks) + 1}"
        world.tasks.append(
            TaskRow(
                key=key,
                owner=account.keeper,
                title=f"Prepare the renewal: {contract.name}",
                description=f"Agree on the next term with {account.name}.",
                due_on=max(due_on, calendar.today),
                status="open",
                priority=2,
                created_at=made_at,
                account=account.key,
            )
        )
        world.causes.tasks[key] = TaskTruth.AHEAD
