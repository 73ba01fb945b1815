"""Customers with whom there is contact week by week, and how often: some change, most do not.

What goes on beside deals: service, open points, notes. Somebody may leave it to a colleague, a season may
bring less every year, and an import may write down at once what happened over weeks: those are no changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from random import Random

from apps.operations.demo.causes import Engagement
from apps.operations.demo.schemas import AccountRow
from apps.operations.demo.simulation.diary import Diary, Matter
from apps.operations.demo.simulation.parties import Parties, Party
from apps.operations.demo.topic_names import Topic

_WEEKS = 30
_SEASONAL_WEEKS = 70
_SEASON = timedelta(weeks=6)
_YEAR = timedelta(days=364)
_SHARE = 0.45
# After a change there is so much more, or so much less.
_MORE, _LESS = (3.0, 6.0), (0.0, 0.15)
_IMPORTED = 14
# Days with contact that an exchange takes, and weeks by which nights and weekends put off the next one:
# counted over 600 weeks at 0.1 to 13 exchanges a week, where they hold within a twentieth.
_DAYS_PER_EXCHANGE, _PUT_OFF_WEEKS = 1.2, 0.2


class _Sort(Enum):
    STEADY = "steady"
    RISING = "rising"
    FALLING = "falling"
    HANDED_OVER = "handed over"
    SEASONAL = "seasonal"
    IMPORTED = "imported"


_WEIGHTS = {
    _Sort.STEADY: 40,
    _Sort.RISING: 16,
    _Sort.FALLING: 16,
    _Sort.HANDED_OVER: 8,
    _Sort.SEASONAL: 6,
    _Sort.IMPORTED: 8,
}


@dataclass(frozen=True, slots=True)
class _Rhythm:
    """So many exchanges a week with somebody over a span of time."""

    party: Party
    since: datetime
    until: datetime
    a_week: float


def keep_in_touch(
    diary: Diary,
    accounts: Sequence[AccountRow],
    parties: Parties,
    slots: dict[str, str],
    rng: Random,
) -> None:
    """Let there be regular contact with somebody at many accounts; those that leave grow silent.

    Args:
        slots: the wording's slots that do not depend on the person.
    """
    forgotten = diary.world.causes.forgotten_accounts
    for account in accounts:
        if account.key in forgotten:
            continue
        people = [party for party in parties.by_account[account.key] if not party.is_live]
        leaves_at = diary.world.causes.departures.get(account.key)
        if not people or (leaves_at is None and rng.random() > _SHARE):
            continue
        party, a_week = people[0], rng.uniform(0.9, 2.2)
        sort = rng.choices(list(_WEIGHTS), weights=list(_WEIGHTS.values()))[0]
        rhythms = (
            _steps(diary, party, a_week, leaves_at, rng.uniform(*_LESS))
            if leaves_at is not None
            else _rhythms(diary, party, people, a_week, sort, rng)
        )
        for rhythm in rhythms:
            _exchange(diary, rhythm, {**slots, "company": account.name}, rng)
        if sort is _Sort.IMPORTED and leaves_at is None:
            _import(diary, party, {**slots, "company": account.name}, rng)


def _rhythms(
    diary: Diary, party: Party, people: Sequence[Party], a_week: float, sort: _Sort, rng: Random
) -> list[_Rhythm]:
    now = diary.calendar.now
    changed_at = diary.calendar.ago(rng.uniform(18, 50), rng)
    start = now - timedelta(weeks=_WEEKS)
    match sort:
        case _Sort.RISING:
            return _steps(diary, party, a_week, changed_at, rng.uniform(*_MORE))
        case _Sort.FALLING:
            return _steps(diary, party, a_week + 0.6, changed_at, rng.uniform(*_LESS))
        case _Sort.HANDED_OVER if len(people) > 1:
            return [
                _Rhythm(party, start, changed_at, a_week),
                _Rhythm(people[1], changed_at, now, a_week),
            ]
        case _Sort.SEASONAL:
            begin = now - timedelta(weeks=_SEASONAL_WEEKS)
            lull = changed_at
            return [
                _Rhythm(party, begin, lull - _YEAR, a_week),
                _Rhythm(party, lull - _YEAR + _SEASON, lull, a_week),
                _Rhythm(party, lull, now, a_week * 0.1),
            ]
    return [_Rhythm(party, start, now, a_week)]


def _steps(
    diary: Diary, party: Party, a_week: float, changed_at: datetime, factor: float
) -> list[_Rhythm]:
    """One rate until a moment, and times the factor from then on."""
    now = diary.calendar.now
    return [
        _Rhythm(party, now - timedelta(weeks=_WEEKS), changed_at, a_week),
        _Rhythm(party, changed_at, now, a_week * factor),
    ]


def _days_with_contact(exchanges_a_week: float) -> float:
    """On how many days of a week there is contact: however much there is to say, on five at most."""
    return _DAYS_PER_EXCHANGE * exchanges_a_week / (1 + _PUT_OFF_WEEKS * exchanges_a_week)


def _exchange(diary: Diary, rhythm: _Rhythm, slots: dict[str, str], rng: Random) -> None:
    """A question that is answered or notes that are acknowledged, at random moments."""
    calendar, other = diary.calendar, rhythm.party.counterpart
    since = max(rhythm.since, rhythm.party.created_at)
    diary.world.causes.engagement.append(
        Engagement(
            other.key, rhythm.party.account, since, rhythm.until, _days_with_contact(rhythm.a_week)
        )
    )
    if not rhythm.a_week:
        return
    matter = _matter(rhythm.party, slots)
    at = calendar.after(since, rng.expovariate(rhythm.a_week / 7), rng)
    while at < rhythm.until:
        answered_at = calendar.after(at, rng.uniform(0.02, 0.2), rng)
        if rng.random() < 0.5:
            diary.mail_in(matter, at, Topic.SERVICE_QUESTION, rng)
            if calendar.has_happened(answered_at):
                diary.mail_out(matter, answered_at, Topic.SERVICE_ANSWER, rng)
        else:
            diary.mail_out(matter, at, Topic.SERVICE_STATUS, rng)
            if calendar.has_happened(answered_at) and rng.random() < other.traits.reply_rate:
                diary.mail_in(matter, answered_at, Topic.SERVICE_STATUS_REPLY, rng)
        at = calendar.after(answered_at, rng.expovariate(rhythm.a_week / 7), rng)


def _import(diary: Diary, party: Party, slots: dict[str, str], rng: Random) -> None:
    """What another system knew of the last weeks comes in within a minute."""
    matter = _matter(party, slots)
    entered_at = diary.calendar.ago(rng.uniform(1, 12), rng)
    for _ in range(_IMPORTED):
        at = diary.calendar.ago(rng.uniform(13, 34), rng)
        if at > party.created_at:
            diary.mail_out(matter, at, Topic.SERVICE_STATUS, rng)
            rows = diary.world.activities
            rows[-1] = replace(rows[-1], entered_at=max(at, entered_at))


def _matter(party: Party, slots: dict[str, str]) -> Matter:
    other = party.counterpart
    return Matter(
        owner=party.owner,
        counterpart=other,
        slots={**slots, "first": other.first_name},
        contact=other.key,
        account=party.account,
    )
