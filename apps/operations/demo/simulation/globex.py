"""Tenant globex: Salvirt's 448 deals with their 22 features as custom fields, and a company around them.

The set names neither companies nor people, dates nor amounts: those are generated. All rows are kept, the
83 exact duplicates too (customers do ask for the same thing twice); who trains a model on them removes the
duplicates first. Of the rows that stand once only, 40 are made open: their outcome is withheld from the
tenant and kept among the hidden causes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from apps.operations.demo.causes import HiddenCauses
from apps.operations.demo.dates import Calendar
from apps.operations.demo.names import NameBook
from apps.operations.demo.people import globex_people
from apps.operations.demo.schemas import (
    AccountRow,
    CustomFieldRow,
    ProductRow,
    World,
)
from apps.operations.demo.simulation.accounts import hear_of_departures, look_after, write_contracts
from apps.operations.demo.simulation.colleagues import bring_in_colleagues
from apps.operations.demo.simulation.companies import Scene, enter_company
from apps.operations.demo.simulation.deals import DealBook, Draft, Handover
from apps.operations.demo.simulation.diary import Diary
from apps.operations.demo.simulation.leads import LeadBook
from apps.operations.demo.simulation.mailbox import Mailbox
from apps.operations.demo.simulation.parties import Parties, draw_reps
from apps.operations.demo.simulation.rhythms import keep_in_touch
from apps.operations.demo.simulation.setbacks import set_back
from apps.operations.demo.simulation.twins import enter_twice
from apps.operations.demo.sources import SalvirtDeal, read_salvirt
from apps.users.enums import PersonRole

SOURCE = "salvirt"
TIME_ZONE = "Europe/Ljubljana"
_OPEN_COUNT = 40
_ACCOUNTS_PER_SIZE = {"Small": 18, "Mid": 42, "Big": 60}
_EMPLOYEES = {"Small": (8, 49), "Mid": (50, 249), "Big": (250, 6_000)}
_BASE_AMOUNT = {"Small": 9_000, "Mid": 24_000, "Big": 60_000}
_TYPE_FACTOR = {"Maintenance": 0.3, "Consulting": 0.5, "Project": 1.0, "Solution": 1.4}
_LEADS_COUNT = 220
_OPEN_STAGES = ("prospecting", "engaging", "proposal", "negotiation")
_SCENE = Scene(
    sectors=(
        "manufacturing",
        "retail",
        "insurance",
        "public services",
        "logistics",
        "health",
        "energy",
    ),
    places=("Slovenia", "Croatia", "Italy", "Austria", "Germany", "Switzerland"),
    people=(2, 2, 3, 4),
)
PURPOSES = (
    *(
        "customer portal",
        "document archive",
        "reporting project",
        "ERP migration",
        "data warehouse",
    ),
    *("mobile workforce", "new subsidiary", "service desk", "branch rollout", "supplier platform"),
)


def simulate_globex(
    *,
    now: datetime,
    seed: int,
    holidays: frozenset[date] = frozenset(),
    names_dates: bool = False,
) -> World:
    """Build the whole tenant in memory; the same seed and moment give the same world.

    Args:
        now: aware; nothing that happens lies after it.
        seed: of the generators.
        holidays: days on which nothing happens.
        names_dates: texts may name dates, which do not move along with a demo.
    """
    world = _Globex(now, seed, holidays, names_dates=names_dates)
    return world.build()


class _Globex:
    def __init__(
        self, now: datetime, seed: int, holidays: frozenset[date], *, names_dates: bool
    ) -> None:
        self._seed = seed
        teams, people = globex_people()
        self._world = World(causes=HiddenCauses(), teams=teams, people=people)
        self._calendar = Calendar.at(now, TIME_ZONE, holidays)
        self._reps = [person.username for person in people if person.role == PersonRole.REP]
        self._manager = next(p.username for p in people if p.role == PersonRole.MANAGER)
        by_name = {person.username: person for person in people}
        names = NameBook(self._rng("names"), is_european=True)
        self._diary = Diary(self._world, self._calendar, names, "Globex", by_name, task_share=0.5)
        self._diary.names_dates = names_dates
        self._parties = Parties(self._diary)
        self._by_size: dict[str, list[AccountRow]] = defaultdict(list)

    def build(self) -> World:
        """Everything, in the order in which one thing needs another."""
        rng = self._rng("reps")
        self._world.causes.reps = draw_reps(self._reps, rng)
        deals = read_salvirt()
        self._add_custom_fields(deals)
        self._add_products(deals)
        self._add_accounts()
        opened, closed = self._draft_deals(deals)
        self._parties.let_details_change(self._rng("details"))
        book = DealBook(self._diary, self._rng("deals"))
        for draft in closed:
            book.add_closed(draft)
        for draft in opened:
            book.add_open(draft)
        leads = LeadBook(self._diary, self._world.products, PURPOSES, self._rng("leads"))
        leads.add_open_and_lost(_LEADS_COUNT, self._reps)
        products = [product.name for product in self._world.products]
        mailbox = Mailbox(self._diary, products, PURPOSES, self._rng("mailbox"))
        mailbox.fill(self._reps, self._world.accounts)
        write_contracts(
            self._diary, self._world.accounts, self._world.products, self._rng("contracts")
        )
        look_after(
            self._diary, self._world.accounts, self._parties, self._world.products, PURPOSES,
            self._rng("accounts"),
        )  # fmt: skip
        slots = {"product": self._world.products[0].name, "purpose": PURPOSES[0]}
        keep_in_touch(self._diary, self._world.accounts, self._parties, slots, self._rng("rhythms"))
        hear_of_departures(
            self._diary, self._world.accounts, self._parties, slots["product"], self._rng("leaving")
        )
        bring_in_colleagues(self._diary, self._parties, opened, self._rng("colleagues"))
        self._parties.write_down(self._rng("contacts"))
        enter_twice(self._diary, self._rng("twins"))
        return self._world

    def _rng(self, part: str) -> Random:
        """A generator of its own for each part, so that a change in one leaves the others alone."""
        return Random(f"globex:{self._seed}:{part}")  # noqa: S311

    def _add_custom_fields(self, deals: list[SalvirtDeal]) -> None:
        for name in deals[0].features:
            values = Counter(deal.features[name] for deal in deals)
            self._world.custom_fields.append(
                CustomFieldRow(
                    "opportunity",
                    name.lower(),
                    name.replace("_", " "),
                    "choice",
                    tuple(sorted(values)),
                )
            )

    def _add_products(self, deals: list[SalvirtDeal]) -> None:
        rng = self._rng("products")
        created_at = self._calendar.ago(1_500, rng)
        for name in sorted({deal.features["Product"] for deal in deals}):
            price = Decimal(rng.randrange(40, 400)) * 100
            self._world.products.append(ProductRow(name, SOURCE, name, "", price, created_at))

    def _add_accounts(self) -> None:
        rng = self._rng("companies")
        for size, count in _ACCOUNTS_PER_SIZE.items():
            for _ in range(count):
                row = enter_company(
                    self._diary,
                    self._parties,
                    _SCENE,
                    key=f"account-{len(self._world.accounts) + 1}",
                    owner=self._reps[len(self._world.accounts) % len(self._reps)],
                    employees=rng.randint(*_EMPLOYEES[size]),
                    created_at=self._calendar.ago(rng.uniform(900, 1_400), rng),
                    rng=rng,
                )
                self._by_size[size].append(row)

    def _draft_deals(self, deals: list[SalvirtDeal]) -> tuple[list[Draft], list[Draft]]:
        """The open ones and the closed ones."""
        rng = self._rng("drafts")
        times_seen = Counter(tuple(deal.features.values()) for deal in deals)
        unique = [deal for deal in deals if times_seen[tuple(deal.features.values())] == 1]
        withheld = rng.sample(unique, _OPEN_COUNT)
        withheld_numbers = {deal.number for deal in withheld}
        setbacks = self._rng("setbacks")
        opened = []
        for position, deal in enumerate(withheld):
            self._world.causes.withheld_outcomes[_key(deal)] = deal.status
            # Open deals are spread over the reps, whoever sold such deals before.
            owner = self._reps[position % len(self._reps)]
            stages = set_back(self._time_open(rng), _OPEN_STAGES, self._calendar, setbacks)
            opened.append(self._draft(deal, stages, owner, rng))
        closed = [
            self._draft(deal, self._time_closed(deal.status, rng), self._seller(deal), rng)
            for deal in deals
            if deal.number not in withheld_numbers
        ]
        return opened, closed

    def _draft(
        self, deal: SalvirtDeal, stages: list[tuple[str, datetime]], owner: str, rng: Random
    ) -> Draft:
        features = deal.features
        mine = [row for row in self._by_size[features["Comp_size"]] if row.owner == owner]
        account = rng.choice(mine or self._by_size[features["Comp_size"]])
        party = rng.choice(self._parties.by_account[account.key])
        is_open = stages[-1][0] in _OPEN_STAGES
        party.is_live = party.is_live or is_open
        factor = _TYPE_FACTOR[features["Deal_type"]] * rng.lognormvariate(0, 0.45)
        amount = Decimal(round(_BASE_AMOUNT[features["Comp_size"]] * factor / 100)) * 100
        purpose = rng.choice(PURPOSES)
        product = features["Product"]
        former_owner = self._seller(deal)
        handover = None
        if is_open and former_owner != owner and rng.random() < 0.3:
            at = self._calendar.after(stages[0][1], rng.uniform(0.2, 4), rng)
            if self._calendar.has_happened(at):
                handover = Handover(former_owner, at, self._manager)
        engaged_at = next((at for stage, at in stages if stage == "engaging"), None)
        return Draft(
            key=_key(deal),
            source=SOURCE,
            name=f"{account.name} {purpose} ({product})",
            owner=owner,
            product=product,
            account=account.key,
            party=party,
            slots={
                "first": party.counterpart.first_name,
                "company": account.name,
                "product": product,
                "purpose": purpose,
            },
            list_price=max(amount, Decimal(500)),
            stages=stages,
            opened_on=engaged_at.date() if engaged_at else None,
            handover=handover,
            attributes={name.lower(): value for name, value in features.items()},
        )

    def _seller(self, deal: SalvirtDeal) -> str:
        """The rep behind an anonymous seller of the set; some stand for several."""
        number = int(deal.features["Seller"].removeprefix("Seller "))
        return self._reps[number % len(self._reps)]

    def _time_open(self, rng: Random) -> list[tuple[str, datetime]]:
        stage = rng.choices(_OPEN_STAGES, weights=(20, 35, 30, 15))[0]
        passed = _OPEN_STAGES[: _OPEN_STAGES.index(stage) + 1]
        age_days = min(110.0, 0.5 + rng.gammavariate(2.0, 15.0))
        moments = [self._calendar.ago(age_days, rng)]
        for _ in passed[1:]:
            age_days += rng.uniform(5, 22)
            moments.append(min(self._calendar.ago(age_days, rng), moments[-1] - timedelta(hours=2)))
        return list(zip(passed, reversed(moments), strict=True))

    def _time_closed(self, status: str, rng: Random) -> list[tuple[str, datetime]]:
        closed_at = self._calendar.ago(1 + rng.uniform(0, 700), rng)
        # A lost deal may end in any stage.
        last = 4 if status == "won" else rng.choice((2, 3, 4, 4))
        cycle_days = min(260.0, rng.lognormvariate(4.0, 0.5))
        moments = [closed_at]
        for number in range(last):
            step_days = cycle_days / last * rng.uniform(0.6, 1.4)
            earlier = self._calendar.after(moments[-1], -step_days, rng)
            moments.append(min(earlier, moments[-1] - timedelta(hours=3 + number)))
        return list(zip((*_OPEN_STAGES[:last], status), reversed(moments), strict=True))


def _key(deal: SalvirtDeal) -> str:
    return f"row-{deal.number}"
