"""The people on the other side: contacts, how their details change, and what the CRM knows of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

from apps.operations.demo.causes import DetailChange, RepTraits
from apps.operations.demo.names import Company
from apps.operations.demo.schemas import ChangedValue, ContactRow
from apps.operations.demo.simulation.conversations import draw_person
from apps.operations.demo.simulation.diary import Counterpart, Diary

# How much of what changes within half a year, per contact.
_CHANGING_SHARE = 0.2
_LEAVING_SHARE = 0.2  # of those that change: have left, so that their address is dead
_WINDOW_DAYS = 170
_SWAMPED = 8.0


def draw_rep(rng: Random) -> RepTraits:
    """How a rep works: nobody forgets nothing, nobody forgets most."""
    forgetfulness = round(0.011 + 0.047 * rng.betavariate(2.0, 4.0), 4)
    tempo_days = round(rng.uniform(4.2, 6.0), 2)
    return RepTraits(
        forgetfulness=forgetfulness,
        tempo_days=tempo_days,
        tidiness=round(rng.uniform(0.35, 0.75), 3),
        # Who is in touch often answers soon.
        reply_days=round(tempo_days / 10, 2),
    )


def draw_reps(usernames: Sequence[str], rng: Random) -> dict[str, RepTraits]:
    """How the reps work; the most forgetful of them has lost sight of the list of tasks."""
    reps = {username: draw_rep(rng) for username in usernames}
    swamped = max(reps, key=lambda username: reps[username].forgetfulness)
    reps[swamped] = replace(reps[swamped], backlog=_SWAMPED)
    return reps


@dataclass(slots=True)
class Party:
    """A contact in the making."""

    counterpart: Counterpart
    account: str
    owner: str
    created_at: datetime
    notes: str = ""
    is_live: bool = False  # in a conversation that goes on


@dataclass(slots=True)
class Parties:
    """The contacts of one tenant."""

    diary: Diary
    all: list[Party] = field(default_factory=list)
    by_account: dict[str, list[Party]] = field(default_factory=lambda: defaultdict(list))

    def add(
        self, company: Company, *, account: str, owner: str, created_at: datetime, rng: Random
    ) -> Party:
        """Somebody new at a company; ``account`` is empty when it is no account yet."""
        names = self.diary.names
        first_name, last_name = names.person()
        key = f"contact-{len(self.all) + 1}"
        traits = draw_person(rng)
        self.diary.world.causes.people[key] = traits
        counterpart = Counterpart(
            key=key,
            first_name=first_name,
            last_name=last_name,
            title=names.title(),
            company=company.name,
            email=names.email(first_name, last_name, company.domain),
            phone=names.phone(),
            traits=traits,
        )
        party = Party(counterpart, account, owner, created_at)
        if not account:
            party.notes = f"Works at {company.name}, which is no account yet."
        self.all.append(party)
        if account:
            self.by_account[account].append(party)
        return party

    def let_details_change(self, rng: Random) -> None:
        """Some people get another number, title or employer; a tidy rep enters it, others do not.

        Drawn per rep, so that nobody's contacts are the only ones to change: of each rep's people in live
        conversations at least three, as far as there are so many.
        """
        by_owner: dict[str, list[Party]] = defaultdict(list)
        for party in self.all:
            by_owner[party.owner].append(party)
        for owner, parties in by_owner.items():
            live = [party for party in parties if party.is_live]
            others = [party for party in parties if not party.is_live]
            count = max(min(3, len(live)), round(len(live) * _CHANGING_SHARE))
            chosen = rng.sample(live, count)
            chosen += rng.sample(others, round(len(others) * _CHANGING_SHARE / 2))
            for party in chosen:
                self._change(party, owner, rng)

    def _change(self, party: Party, owner: str, rng: Random) -> None:
        diary, other = self.diary, party.counterpart
        # People in live conversations: lately, as the conversations themselves are young.
        days = rng.uniform(3, 24) if party.is_live else rng.uniform(10, _WINDOW_DAYS)
        since = max(diary.calendar.ago(days, rng), party.created_at + timedelta(seconds=1))
        if rng.random() < _LEAVING_SHARE:
            other.change = DetailChange(since, address_is_dead=True)
        else:
            phone, title = diary.names.phone(), ""
            if rng.random() < 0.35:
                title = diary.names.other_title(other.title)
                phone = phone if rng.random() < 0.5 else ""
            entered = rng.random() < diary.rep(owner).tidiness * 0.6
            other.change = DetailChange(since, phone=phone, title=title, is_entered=entered)
        diary.world.causes.detail_changes[other.key] = other.change

    def write_down(self, rng: Random) -> None:
        """Turn the parties into contacts, with the corrections that were made."""
        diary = self.diary
        for party in self.all:
            other = party.counterpart
            phone, title = other.phone, other.title
            change = other.change
            if change is not None and change.is_entered:
                changes: dict[str, tuple[ChangedValue, ChangedValue]] = {}
                if change.phone:
                    changes["phone"], phone = (phone, change.phone), change.phone
                if change.title:
                    changes["title"], title = (title, change.title), change.title
                entered_at = diary.calendar.after(change.since, rng.uniform(0.5, 9), rng)
                entered_at = min(entered_at, diary.calendar.now)
                diary.change("contact", other.key, entered_at, party.owner, changes)
            diary.world.contacts.append(
                ContactRow(
                    key=other.key,
                    account=party.account,
                    owner=party.owner,
                    first_name=other.first_name,
                    last_name=other.last_name,
                    title=title,
                    email=other.email,
                    email_status="valid" if rng.random() < 0.3 else "unknown",
                    phone=phone,
                    notes=party.notes,
                    created_at=party.created_at,
                )
            )
