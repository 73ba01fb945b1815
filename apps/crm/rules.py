"""Pure decisions about records."""

from __future__ import annotations

from datetime import date, datetime

from apps.crm.enums import DealOutcome, TaskStatus

# A new tenant's pipeline: key, label, outcome. An import adds stages that it does not know.
DEFAULT_STAGES: tuple[tuple[str, str, DealOutcome], ...] = (
    ("prospecting", "Prospecting", DealOutcome.OPEN),
    ("engaging", "Engaging", DealOutcome.OPEN),
    ("proposal", "Proposal", DealOutcome.OPEN),
    ("negotiation", "Negotiation", DealOutcome.OPEN),
    ("won", "Won", DealOutcome.WON),
    ("lost", "Lost", DealOutcome.LOST),
)


def completion_of(status: str, completed_at: datetime | None, now: datetime) -> datetime | None:
    """Return when a task was completed: the first moment at which it was done, or nothing."""
    return (completed_at or now) if status == TaskStatus.DONE else None


def closing_day(outcome: str, closed_on: date | None, today: date) -> date | None:
    """Return the day a deal was closed: none while it is open, today unless a day was given."""
    return None if outcome == DealOutcome.OPEN else (closed_on or today)
