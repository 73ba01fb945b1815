"""What is really so in a simulated company: the hidden causes, as records of which a finding holds.

Nothing here knows a trigger or its parameters. How long a cause counts as fresh is a matter of the measure:
four weeks, in which somebody who looks daily has seen it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta

from apps.crm.enums import RecordKind
from apps.operations.bench.discovery.comparing import Finding, Subject, Truth
from apps.operations.bench.discovery.shifts import shifted
from apps.operations.demo.causes import Course, CourseTruth
from apps.operations.demo.schemas import DealRow, LeadRow, World

_FRESH = timedelta(days=28)
_OPEN_STAGES = frozenset({"prospecting", "engaging", "proposal", "negotiation"})
_OPEN_STATUS = frozenset({"new", "working", "qualified"})
# A matter rests when its rep, at the usual pace, would have taken it up three times by now.
_PACES_AT_REST = 3.0
# Who means to buy waits for so long, and then no longer.
_INTENT_LASTS = timedelta(days=14)
# A quarter before the day a renewal is a matter; who decided within three weeks has not shown it yet.
_RENEWAL_AHEAD = timedelta(days=91)
_SHOWS_AFTER = timedelta(days=21)
# A customer of whom one hears every month or so is forgotten after two.
_FORGOTTEN_AFTER = timedelta(days=61)


class _Truths:
    """Gathers subjects of which something holds, and those of which it is unsettled."""

    def __init__(self) -> None:
        self._holds: set[Subject] = set()
        self._unsettled: set[Subject] = set()

    def add(self, subject: Subject, *, holds: bool) -> None:
        """Say of a subject that it holds, or that it can be said neither way."""
        (self._holds if holds else self._unsettled).add(subject)

    def all(self) -> Truth:
        """What was gathered; what holds by one cause is not unsettled by another."""
        return Truth(frozenset(self._holds), frozenset(self._unsettled - self._holds))


def truths_of(
    world: World, now: datetime, holidays: Collection[date] = frozenset()
) -> Mapping[Finding, Truth]:
    """The truth of each finding."""
    changed = shifted(world, now, holidays)
    return {
        Finding.MISSING_FOLLOWUP: _missing_followups(world, now),
        Finding.STALLED_DEAL: _stalled_deals(world, now),
        Finding.HOT_LEAD: _hot_leads(world, now),
        Finding.BEHAVIOUR_CHANGE: changed,
        Finding.CHURN: _churn(world, now, changed),
        Finding.DUPLICATE: _duplicates(world),
    }


def _open_matters(world: World) -> dict[Subject, tuple[DealRow | LeadRow, CourseTruth]]:
    """Open deals and leads with the course of their conversation."""
    causes = world.causes
    matters: dict[Subject, tuple[DealRow | LeadRow, CourseTruth]] = {
        (RecordKind.OPPORTUNITY, deal.key): (deal, causes.deals[deal.key])
        for deal in world.deals
        if deal.stage in _OPEN_STAGES
    }
    matters |= {
        (RecordKind.LEAD, lead.key): (lead, causes.leads[lead.key])
        for lead in world.leads
        if lead.status in _OPEN_STATUS and lead.key in causes.leads
    }
    return matters


def _missing_followups(world: World, now: datetime) -> Truth:
    """Matters in which our side owes the next step, and nothing is written down of it.

    It was forgotten after a talk, a mail was passed over, or a promise was not kept. It is owed from the day
    that was promised, else from when the rep would have taken the matter up at the usual pace. Where a task
    was made with it and ticked off, it was taken after all; who came back after a deal was lost waits, too:
    both can be said neither way.
    """
    truths, causes, matters = _Truths(), world.causes, _open_matters(world)
    planned = {(RecordKind.OPPORTUNITY, t.deal) for t in world.tasks if t.status == "open"}
    planned |= {(RecordKind.LEAD, t.lead) for t in world.tasks if t.status == "open"}
    taken = {
        subject
        for task in world.tasks
        for subject in ((RecordKind.OPPORTUNITY, task.deal), (RecordKind.LEAD, task.lead))
        if task.status == "done"
        and subject in matters
        and task.created_at >= matters[subject][1].since
    }
    for activity in world.activities:
        if activity.key in causes.comebacks:
            truths.add((RecordKind.OPPORTUNITY, activity.deal), holds=False)
    promised = {
        (RecordKind.OPPORTUNITY, row.deal) if row.deal else (RecordKind.LEAD, row.lead): day
        for row in world.activities
        if (day := causes.forgotten_promises.get(row.key)) is not None
        and row.occurred_at >= now - _FRESH * 3
    }
    for subject, (row, truth) in matters.items():
        # They wait for a next step, whether it was forgotten or has not been taken yet.
        if row.key in causes.intents:
            truths.add(subject, holds=False)
        if truth.course is not Course.FORGOTTEN:
            continue
        owed_at = truth.since + timedelta(days=causes.reps[row.owner].tempo_days)
        day = promised.get(subject)
        if day is not None and day >= truth.since.date():
            owed_at = max(owed_at, truth.since + (day - truth.since.date()) + timedelta(days=1))
        is_fresh = owed_at <= now and now - owed_at <= _FRESH
        truths.add(subject, holds=is_fresh and subject not in planned | taken)
    return truths.all()


def _stalled_deals(world: World, now: datetime) -> Truth:
    """Open deals about which nothing goes on any more, though nobody has agreed to wait."""
    truths = _Truths()
    for subject, (row, truth) in _open_matters(world).items():
        if isinstance(row, DealRow) and truth.course in {Course.FORGOTTEN, Course.SILENT}:
            pace = timedelta(days=world.causes.reps[row.owner].tempo_days)
            truths.add(subject, holds=now - truth.since >= pace * _PACES_AT_REST)
    return truths.all()


def _hot_leads(world: World, now: datetime) -> Truth:
    """Open leads that have said that they mean to buy, and nobody has taken it up.

    Those whose word was taken up, and those who said it long ago, are unsettled.
    """
    truths = _Truths()
    taken_up: dict[str, datetime] = {}
    for row in world.activities:
        if row.lead and row.direction != "inbound" and row.kind != "note":
            taken_up[row.lead] = max(taken_up.get(row.lead, row.occurred_at), row.occurred_at)
    planned = {task.lead for task in world.tasks if task.status == "open"}
    for subject, (lead, _) in _open_matters(world).items():
        said_at = world.causes.intents.get(lead.key)
        if said_at is None:
            continue
        waits = taken_up.get(lead.key, said_at) <= said_at and lead.key not in planned
        truths.add(subject, holds=waits and now - said_at <= _INTENT_LASTS)
    return truths.all()


def _churn(world: World, now: datetime, changed: Truth) -> Truth:
    """Customers who have decided to leave, and those who are left alone.

    Whose contact has really changed may be about to leave: that can be said neither way.
    """
    truths, causes = _Truths(), world.causes
    for subject in changed.holds:
        if subject[0] is RecordKind.ACCOUNT:
            truths.add(subject, holds=False)
    ends: dict[str, datetime] = {}
    for contract in world.contracts:
        if contract.outcome == "open":
            day = datetime.combine(contract.renews_on, now.timetz())
            ends[contract.account] = min(day, ends.get(contract.account, day))
    planned = {task.account for task in world.tasks if task.status == "open" and not task.deal}
    for account, since in causes.departures.items():
        is_near = account in ends and ends[account] - now <= _RENEWAL_AHEAD
        shows = now - since >= _SHOWS_AFTER
        truths.add(
            (RecordKind.ACCOUNT, account), holds=is_near and shows and account not in planned
        )
    heard = {row.key: row.created_at for row in world.accounts}
    accounts = {row.key: row.account for row in world.contacts}
    for activity in world.activities:
        account = activity.account or accounts.get(activity.contact, "")
        if account and activity.kind != "note":
            heard[account] = max(heard[account], activity.occurred_at)
    for account in causes.forgotten_accounts:
        is_silent = now - heard[account] >= _FORGOTTEN_AFTER
        truths.add((RecordKind.ACCOUNT, account), holds=is_silent and account not in planned)
    return truths.all()


def _duplicates(world: World) -> Truth:
    """Records that stand for somebody who has another record too."""
    return Truth(
        frozenset(
            (RecordKind(kind), key)
            for pair in world.causes.look_alikes
            if pair.are_same
            for kind, key in (pair.one, pair.other)
        )
    )
