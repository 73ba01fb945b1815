"""What is really so in a simulated company: the hidden causes, as records of which a finding holds.

Nothing here knows a trigger or its parameters. How long a cause counts as fresh is a matter of the measure:
four weeks, in which somebody who looks daily has seen it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from apps.crm.enums import RecordKind
from apps.operations.bench.discovery.comparing import Finding, Subject, Truth
from apps.operations.demo.causes import Course
from apps.operations.demo.schemas import ActivityRow, World

_FRESH = timedelta(days=28)
_OPEN_STAGES = frozenset({"prospecting", "engaging", "proposal", "negotiation"})
_OPEN_STATUS = frozenset({"new", "working", "qualified"})
# A matter rests when its rep, at the usual pace, would have taken it up three times by now.
_PACES_AT_REST = 3.0


def truths_of(world: World, now: datetime) -> Mapping[Finding, Truth]:
    """The truth of each finding."""
    return {
        Finding.MISSING_FOLLOWUP: _missing_followups(world, now),
        Finding.STALLED_DEAL: _stalled_deals(world, now),
        Finding.HOT_LEAD: Truth(),
        Finding.BEHAVIOUR_CHANGE: Truth(),
        Finding.CHURN: Truth(),
        Finding.DUPLICATE: Truth(),
    }


def subject_of(row: ActivityRow) -> Subject | None:
    """What an activity is about: its deal, else its lead, else its contact."""
    for kind, key in (
        (RecordKind.OPPORTUNITY, row.deal),
        (RecordKind.LEAD, row.lead),
        (RecordKind.CONTACT, row.contact),
    ):
        if key:
            return kind, key
    return None


def _missing_followups(world: World, now: datetime) -> Truth:
    """Matters in which our side owes the next step: forgotten after a talk, or a mail passed over."""
    holds, unsettled = set(), set()
    for subject, owed_at in _owed(world):
        if owed_at <= now and now - owed_at <= _FRESH:
            holds.add(subject)
        else:
            unsettled.add(subject)
    return Truth(frozenset(holds), frozenset(unsettled - holds))


def _owed(world: World) -> Iterator[tuple[Subject, datetime]]:
    """Open matters that the rep has forgotten, with the moment at which the next step was due."""
    causes = world.causes
    owners = {(RecordKind.OPPORTUNITY, deal.key): deal.owner for deal in world.deals}
    owners |= {(RecordKind.LEAD, lead.key): lead.owner for lead in world.leads}
    courses = {(RecordKind.OPPORTUNITY, key): truth for key, truth in causes.deals.items()}
    courses |= {(RecordKind.LEAD, key): truth for key, truth in causes.leads.items()}
    is_open = {(RecordKind.OPPORTUNITY, d.key) for d in world.deals if d.stage in _OPEN_STAGES}
    is_open |= {(RecordKind.LEAD, lead.key) for lead in world.leads if lead.status in _OPEN_STATUS}
    for subject, truth in courses.items():
        if subject in is_open and truth.course is Course.FORGOTTEN:
            pace = timedelta(days=causes.reps[owners[subject]].tempo_days)
            yield subject, truth.since + pace


def _stalled_deals(world: World, now: datetime) -> Truth:
    """Open deals about which nothing goes on any more, though nobody has agreed to wait."""
    holds: set[Subject] = set()
    unsettled: set[Subject] = set()
    for deal in world.deals:
        truth = world.causes.deals.get(deal.key)
        if truth is None or deal.stage not in _OPEN_STAGES:
            continue
        if truth.course in {Course.FORGOTTEN, Course.SILENT}:
            pace = timedelta(days=world.causes.reps[deal.owner].tempo_days)
            rests = now - truth.since >= pace * _PACES_AT_REST
            (holds if rests else unsettled).add((RecordKind.OPPORTUNITY, deal.key))
    return Truth(frozenset(holds), frozenset(unsettled))
