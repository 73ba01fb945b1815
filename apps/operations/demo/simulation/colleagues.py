"""Second people at the customer: whoever talks about a deal with one person only depends on that person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

from apps.operations.demo.names import Company
from apps.operations.demo.simulation.deals import Draft, matter_of
from apps.operations.demo.simulation.diary import Diary, Matter
from apps.operations.demo.simulation.parties import Parties, Party
from apps.operations.demo.topic_names import Topic

# A colleague is talked to between two contacts that lie at least so far apart.
_ROOM = timedelta(days=2)
_DAYS_BACK = 75
_MOST_TALKS = 2


def bring_in_colleagues(
    diary: Diary, parties: Parties, drafts: Sequence[Draft], rng: Random
) -> None:
    """Let reps talk to a second person about most of their open deals.

    The talks lie between contacts that took place anyway, so that the course of a deal stays what it is.
    """
    causes = diary.world.causes
    for username in sorted(causes.reps):
        causes.breadth[username] = round(rng.betavariate(9.0, 1.2), 3)
    contacts: dict[str, list[datetime]] = defaultdict(list)
    for row in diary.world.activities:
        if row.deal and row.kind != "note":
            contacts[row.deal].append(row.occurred_at)
    colleagues: dict[str, Party] = {}
    for draft in drafts:
        moments = _moments_between(diary, sorted(contacts[draft.key]), rng)
        if draft.party is None or not moments or rng.random() >= causes.breadth[draft.owner]:
            continue
        key = draft.party.counterpart.key
        if key not in colleagues:
            colleagues[key] = _colleague_of(diary, parties, draft.party, moments[0], rng)
        colleague = colleagues[key]
        colleague.created_at = min(colleague.created_at, moments[0])
        matter = _with(matter_of(draft), colleague)
        for at in rng.sample(moments, min(len(moments), rng.randint(1, _MOST_TALKS))):
            diary.talk(matter, at, rng.choice((Topic.CALL, Topic.CALL, Topic.MEETING)), rng)
        causes.colleagues[draft.key] = colleague.counterpart.key


def _moments_between(diary: Diary, contacts: Sequence[datetime], rng: Random) -> list[datetime]:
    """Business moments about the middle of two contacts of the last weeks, oldest first."""
    since = diary.calendar.now - timedelta(days=_DAYS_BACK)
    found = []
    for one, next_one in pairwise(contacts):
        if one >= since and next_one - one >= _ROOM:
            at = diary.calendar.after(one, (next_one - one) / timedelta(days=2), rng)
            if at < next_one:
                found.append(at)
    return found


def _colleague_of(
    diary: Diary, parties: Parties, party: Party, since: datetime, rng: Random
) -> Party:
    """Somebody else at the same company: known to the team already, or new."""
    team = diary.people[party.owner].team
    others = [
        other
        for other in parties.by_account[party.account]
        if other is not party and diary.people[other.owner].team == team
    ]
    if party.account and others:
        return rng.choice(others)
    company = Company(party.counterpart.company, party.counterpart.email.rpartition("@")[2])
    return parties.add(company, account=party.account, owner=party.owner, created_at=since, rng=rng)


def _with(matter: Matter, party: Party) -> Matter:
    """The same matter, talked about with somebody else."""
    other = party.counterpart
    slots = {**matter.slots, "first": other.first_name}
    return replace(matter, counterpart=other, contact=other.key, slots=slots)
