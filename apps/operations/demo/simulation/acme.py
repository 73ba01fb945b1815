"""Tenant acme: Maven's deals in their order, moved to today, and a working pipeline around them.

Closed deals keep the distances between their dates; the set's last day becomes yesterday. The set's open
deals were engaged up to 14 months before its end, so they are re-timed: an open deal entered its stage
lately, with an age drawn from a gamma distribution (mean about 46 days while engaging, 32 while
prospecting). Who sells what to whom stays as it is, but for hand-overs to colleagues without open deals.

In the set nearly every account buys from reps of four teams or more. Such an account has no owner, so that
everybody who sells there finds it; each team has contacts of its own there.

Beside them there are customers of service, who are not in the set: they buy nothing new, one rep looks after
each, and when that rep forgets them, or they mean to leave, they go quiet.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from random import Random

from apps.operations.demo.causes import HiddenCauses
from apps.operations.demo.dates import Calendar
from apps.operations.demo.names import Company, NameBook, domain_of
from apps.operations.demo.people import acme_people, user_name
from apps.operations.demo.schemas import (
    AccountRow,
    ActivityRow,
    CustomFieldRow,
    DealRow,
    ProductRow,
    World,
)
from apps.operations.demo.simulation.accounts import hear_of_departures, look_after, write_contracts
from apps.operations.demo.simulation.colleagues import bring_in_colleagues
from apps.operations.demo.simulation.deals import DealBook, Draft, Handover
from apps.operations.demo.simulation.diary import Diary
from apps.operations.demo.simulation.leads import LeadBook
from apps.operations.demo.simulation.mailbox import Mailbox
from apps.operations.demo.simulation.parties import Parties, Party, draw_reps
from apps.operations.demo.simulation.rhythms import keep_in_touch
from apps.operations.demo.simulation.service_customers import add_service_customers
from apps.operations.demo.simulation.setbacks import set_back
from apps.operations.demo.simulation.twins import enter_twice
from apps.operations.demo.sources import Maven, MavenDeal, read_maven
from apps.operations.demo.texts import HOSTILE_NOTE
from apps.users.enums import PersonRole

SOURCE = "maven"
TIME_ZONE = "America/Chicago"
_LEADS_COUNT = 1_200  # beside those that have become contacts
_HANDED_OVER_SHARE = 0.03
_DEALS_FOR_NEWCOMERS = 22
_SERVICE_CUSTOMERS = 48
_OPEN_STAGES = ("prospecting", "engaging")
PURPOSES = (
    *("warehouse refresh", "branch rollout", "service desk", "design studio", "backup site"),
    *("training rooms", "call center", "new office", "field team kit", "test lab"),
    *("reception desks", "data room", "point of sale", "media wall", "home office programme"),
    *("loading dock", "board room", "print shop", "planning office", "repair workshop"),
)


def simulate_acme(
    *,
    now: datetime,
    seed: int,
    share: float = 1.0,
    holidays: frozenset[date] = frozenset(),
    names_dates: bool = False,
) -> World:
    """Build the whole tenant in memory.

    Args:
        now: aware; nothing that happens lies after it.
        seed: the same seed and moment give the same world.
        share: 0 to 1, how much of the set: tests take a part.
        holidays: days on which nothing happens.
        names_dates: texts may name dates, which do not move along with a demo.
    """
    world = _Acme(now, seed, share, holidays, names_dates=names_dates)
    return world.build()


class _Acme:
    def __init__(
        self,
        now: datetime,
        seed: int,
        share: float,
        holidays: frozenset[date],
        *,
        names_dates: bool,
    ) -> None:
        self._seed = seed
        self._share = share
        self._maven: Maven = read_maven()
        teams, people = acme_people(self._maven.agents)
        self._world = World(causes=HiddenCauses(), teams=teams, people=people)
        self._calendar = Calendar.at(now, TIME_ZONE, holidays)
        by_name = {person.username: person for person in people}
        self._reps = [person for person in people if person.role == PersonRole.REP]
        self._diary = Diary(
            self._world, self._calendar, NameBook(self._rng("names")), "Acme", by_name
        )
        self._diary.names_dates = names_dates
        self._parties = Parties(self._diary)
        self._offset = self._calendar.today - timedelta(days=1) - self._maven.last_day
        self._managers = {agent.name: user_name(agent.manager) for agent in self._maven.agents}

    def build(self) -> World:
        """Everything, in the order in which one thing needs another."""
        rng = self._rng("reps")
        self._world.causes.reps = draw_reps([person.username for person in self._reps], rng)
        deals = self._maven.deals
        if self._share < 1:
            deals = [deal for deal in deals if self._rng(deal.number).random() < self._share]
        self._add_products()
        self._add_accounts(deals)
        closed, opened = self._draft_deals(deals)
        self._parties.let_details_change(self._rng("details"))
        book = DealBook(self._diary, self._rng("deals"))
        for draft in closed:
            book.add_closed(draft)
        rows = [book.add_open(draft) for draft in opened]
        self._add_leads(opened, rows)
        names = [product.name for product in self._world.products]
        owners = [person.username for person in self._reps]
        mailbox = Mailbox(self._diary, names, PURPOSES, self._rng("mailbox"))
        mailbox.fill(owners, self._world.accounts)
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
        self._add_service_customers(slots)
        self._parties.write_down(self._rng("contacts"))
        enter_twice(self._diary, self._rng("twins"))
        self._add_hostile_note(rows)
        return self._world

    def _rng(self, part: str) -> Random:
        """A generator of its own for each part, so that a change in one leaves the others alone."""
        return Random(f"acme:{self._seed}:{part}")  # noqa: S311

    def _add_products(self) -> None:
        created_at = self._calendar.ago(900, self._rng("products"))
        for product in self._maven.products:
            self._world.products.append(
                ProductRow(
                    product.name, SOURCE, product.name, product.series, product.price, created_at
                )
            )

    def _add_accounts(self, deals: list[MavenDeal]) -> None:
        rng = self._rng("companies")
        self._world.custom_fields.append(
            CustomFieldRow("account", "year_established", "Year established", "number")
        )
        agents: dict[str, Counter[str]] = defaultdict(Counter)
        for deal in deals:
            agents[deal.account][deal.agent] += 1
        all_agents = [agent.name for agent in self._maven.agents]
        for account in self._maven.accounts:
            sellers = [name for name, _ in agents[account.name].most_common()] or all_agents
            by_team: dict[str, list[str]] = defaultdict(list)
            for name in sellers:
                by_team[self._diary.people[user_name(name)].team].append(name)
            # Not always the busiest seller: the work is spread.
            keeper = user_name(rng.choice(sellers[:6]))
            domain = domain_of(account.name)
            created_at = self._calendar.ago(rng.uniform(470, 800), rng)
            row = AccountRow(
                key=account.name,
                source=SOURCE,
                name=account.name,
                domain=domain,
                sector=account.sector,
                employees=account.employees,
                annual_revenue=account.revenue,
                location=account.location,
                phone=self._diary.names.phone(),
                parent=account.parent,
                owner="" if len(by_team) > 1 else keeper,
                keeper=keeper,
                created_at=created_at,
                attributes={"year_established": account.founded_in},
            )
            self._world.accounts.append(row)
            for team in by_team.values():
                for _ in range(rng.choice((1, 2, 2))):
                    self._parties.add(
                        Company(account.name, domain),
                        account=account.name,
                        owner=user_name(rng.choice(team[:3])),
                        created_at=self._calendar.after(created_at, rng.uniform(0, 20), rng),
                        rng=rng,
                    )

    def _add_service_customers(self, slots: dict[str, str]) -> None:
        """Beside the set's accounts, to each of which several teams sell: one of them is always in touch."""
        customers = add_service_customers(
            self._diary,
            self._parties,
            [person.username for person in self._reps],
            round(_SERVICE_CUSTOMERS * self._share),
            self._rng("service customers"),
        )
        products = self._world.products
        write_contracts(self._diary, customers, products, self._rng("service contracts"))
        look_after(
            self._diary,
            customers,
            self._parties,
            products,
            PURPOSES,
            self._rng("service check-ins"),
        )
        keep_in_touch(self._diary, customers, self._parties, slots, self._rng("service rhythms"))
        hear_of_departures(
            self._diary, customers, self._parties, slots["product"], self._rng("service leaving")
        )

    def _draft_deals(self, deals: list[MavenDeal]) -> tuple[list[Draft], list[Draft]]:
        rng = self._rng("drafts")
        prices = {product.name: product.price for product in self._maven.products}
        receivers = self._choose_receivers(deals, rng)
        setbacks = self._rng("setbacks")
        strangers: dict[str, list[Party]] = defaultdict(list)
        closed: list[Draft] = []
        opened: list[Draft] = []
        for deal in deals:
            stages = self._time_closed(deal, rng) if deal.closed_on else self._time_open(deal, rng)
            if not deal.closed_on:
                stages = set_back(stages, _OPEN_STAGES, self._calendar, setbacks)
            former_owner, owner = user_name(deal.agent), receivers.get(deal.number, "")
            handover = None
            if owner:
                at = self._calendar.ago(rng.uniform(4, 26), rng)
                at = min(max(at, stages[0][1] + timedelta(hours=2)), self._calendar.now)
                handover = Handover(former_owner, at, self._managers[deal.agent])
            owner = owner or former_owner
            party = self._party_for(deal, owner, stages[0][1], strangers, rng)
            purpose = rng.choice(PURPOSES)
            other = party.counterpart
            if not deal.closed_on:
                party.is_live = True
            opened_at = next((at for stage, at in stages if stage == "engaging"), None)
            draft = Draft(
                key=deal.number,
                source=SOURCE,
                name=f"{other.company} {purpose} ({deal.product})",
                owner=owner,
                product=deal.product,
                account=deal.account,
                party=party,
                slots={
                    "first": other.first_name,
                    "company": other.company,
                    "product": deal.product,
                    "purpose": purpose,
                },
                list_price=prices[deal.product],
                stages=stages,
                opened_on=opened_at.date() if opened_at else None,
                close_value=deal.close_value,
                handover=handover,
            )
            (closed if deal.closed_on else opened).append(draft)
        return closed, opened

    def _time_closed(self, deal: MavenDeal, rng: Random) -> list[tuple[str, datetime]]:
        """The set's own dates, moved to the present. Before engaging a deal was prospecting."""
        engaged_at = self._moment(deal.engaged_on, rng)
        closed_at = max(self._moment(deal.closed_on, rng), engaged_at + timedelta(hours=3))
        entered_at = self._calendar.after(engaged_at, -rng.uniform(2, 18), rng)
        entered_at = min(entered_at, engaged_at - timedelta(hours=2))
        return [("prospecting", entered_at), ("engaging", engaged_at), (deal.stage, closed_at)]

    def _time_open(self, deal: MavenDeal, rng: Random) -> list[tuple[str, datetime]]:
        """New dates: the deal entered its stage lately."""
        if deal.stage == "prospecting":
            age_days = min(90.0, 0.3 + rng.gammavariate(2.0, 16.0))
            return [("prospecting", self._calendar.ago(age_days, rng))]
        age_days = min(130.0, 0.4 + rng.gammavariate(2.2, 21.0))
        engaged_at = self._calendar.ago(age_days, rng)
        entered_at = self._calendar.ago(age_days + rng.uniform(2, 18), rng)
        entered_at = min(entered_at, engaged_at - timedelta(hours=2))
        return [("prospecting", entered_at), ("engaging", engaged_at)]

    def _moment(self, day: date | None, rng: Random) -> datetime:
        """A moment on a day of the set, moved. The set does business on weekends; its days are kept."""
        if day is None:
            raise ValueError("a closed deal has both dates")
        moved = day + self._offset
        return datetime(
            moved.year, moved.month, moved.day, rng.randrange(8, 18), rng.randrange(60),
            tzinfo=self._calendar.zone,
        )  # fmt: skip

    def _choose_receivers(self, deals: list[MavenDeal], rng: Random) -> dict[str, str]:
        """Which open deals a colleague of the same team has taken over, by the deal's number."""
        open_deals: dict[str, list[str]] = defaultdict(list)
        for deal in deals:
            if not deal.closed_on:
                open_deals[deal.agent].append(deal.number)
        teams: dict[str, list[str]] = defaultdict(list)
        for agent in self._maven.agents:
            teams[agent.manager].append(agent.name)
        receivers: dict[str, str] = {}
        for members in teams.values():
            busy = [name for name in members if open_deals[name]]
            idle = [name for name in members if not open_deals[name]]
            if not busy:
                continue
            # Who has none gets some of the busiest colleagues' deals.
            pool = [number for name in busy for number in open_deals[name]]
            wanted = min(
                max(1, round(_DEALS_FOR_NEWCOMERS * self._share)) * len(idle), len(pool) // 2
            )
            for position, number in enumerate(rng.sample(pool, wanted)):
                receivers[number] = user_name(idle[position % len(idle)])
            for name in busy:
                for number in open_deals[name]:
                    if (
                        number not in receivers
                        and rng.random() < _HANDED_OVER_SHARE
                        and len(busy) > 1
                    ):
                        other = rng.choice([member for member in busy if member != name])
                        receivers[number] = user_name(other)
        return receivers

    def _party_for(
        self,
        deal: MavenDeal,
        owner: str,
        created_at: datetime,
        strangers: dict[str, list[Party]],
        rng: Random,
    ) -> Party:
        """Whom the deal is talked about with: the team's contact there, or somebody without an account."""
        if deal.account:
            team = self._diary.people[owner].team
            at_account = self._parties.by_account[deal.account]
            return rng.choice(
                [party for party in at_account if self._diary.people[party.owner].team == team]
            )
        known = strangers[owner]
        if known and rng.random() < 0.62:
            party = rng.choice(known)
            party.created_at = min(party.created_at, created_at)
            return party
        party = self._parties.add(
            self._diary.names.company(), account="", owner=owner, created_at=created_at, rng=rng
        )
        known.append(party)
        return party

    def _add_leads(self, drafts: list[Draft], rows: list[DealRow]) -> None:
        book = LeadBook(self._diary, self._world.products, PURPOSES, self._rng("leads"))
        owners = [person.username for person in self._reps]
        self._rng("lead owners").shuffle(owners)
        book.add_open_and_lost(round(_LEADS_COUNT * self._share), owners)
        rng = self._rng("converted")
        seen: set[str] = set()
        for draft, row in zip(drafts, rows, strict=True):
            party = draft.party
            if party is None or party.account or party.counterpart.key in seen:
                continue
            seen.add(party.counterpart.key)
            if rng.random() < 0.65:
                book.add_converted(party, row)

    def _add_hostile_note(self, rows: list[DealRow]) -> None:
        """A note that gives orders: text is data, and the demo shows that it stays so."""
        if not rows:
            return
        rng = self._rng("hostile")
        row = rng.choice(rows)
        activities = self._world.activities
        activities.append(
            ActivityRow(
                key=f"activity-{len(activities) + 1}",
                owner=row.owner,
                kind="note",
                direction="none",
                occurred_at=max(row.created_at, self._calendar.ago(2, rng)),
                subject=HOSTILE_NOTE[0],
                body=HOSTILE_NOTE[1],
                deal=row.key,
                contact=row.contact,
                account=row.account,
            )
        )
