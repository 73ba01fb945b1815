"""What an entry of the audit log means to other systems, when a message is tried again, and when no more."""

from __future__ import annotations

from datetime import datetime, timedelta

from apps.audit.enums import Event
from apps.suggestions.enums import State
from apps.suggestions.webhooks.enums import EventKind

# Ten tries over about a day (21 hours without the spread), from one to the next 30 s, 75 s, 3 min, 8 min,
# 20 min, 49 min, 2 h, 5 h, 13 h.
MOST_ATTEMPTS = 10
_FIRST_WAIT = timedelta(seconds=30)
_FACTOR = 2.5
# Each wait is this much shorter or longer, so that what failed together does not come back together.
_SPREAD_0_1 = 0.2
# Who asks for a longer rest is not waited for.
LONGEST_WAIT = timedelta(hours=24)
# An endpoint that has taken nothing for so long is switched off.
PAUSED_AFTER = timedelta(days=3)
# What happened longer ago is no news; messages are kept for longer than that, so none is made twice.
NEWS_FOR = timedelta(days=7)
# For how long a replaced secret signs beside the new one.
GRACE = timedelta(hours=24)

# What each entry of the log is told as. That a change was applied is told of the suggestion, too.
KINDS: tuple[tuple[Event, EventKind], ...] = (
    (Event.SUGGESTION_CREATED, EventKind.SUGGESTION_CREATED),
    (Event.SUGGESTION_APPROVED, EventKind.SUGGESTION_APPROVED),
    (Event.SUGGESTION_REJECTED, EventKind.SUGGESTION_REJECTED),
    (Event.SUGGESTION_SNOOZED, EventKind.SUGGESTION_SNOOZED),
    (Event.SUGGESTION_WOKEN, EventKind.SUGGESTION_WOKEN),
    (Event.SUGGESTION_WITHDRAWN, EventKind.SUGGESTION_WITHDRAWN),
    (Event.SUGGESTION_EXPIRED, EventKind.SUGGESTION_EXPIRED),
    (Event.SUGGESTION_SUPERSEDED, EventKind.SUGGESTION_SUPERSEDED),
    (Event.SUGGESTION_REOPENED, EventKind.SUGGESTION_REOPENED),
    (Event.EXECUTION_SUCCEEDED, EventKind.EXECUTION_SUCCEEDED),
    (Event.EXECUTION_SUCCEEDED, EventKind.SUGGESTION_APPLIED),
    (Event.EXECUTION_FAILED, EventKind.EXECUTION_FAILED),
    (Event.EXECUTION_FAILED, EventKind.SUGGESTION_FAILED),
    (Event.EXECUTION_UNDONE, EventKind.EXECUTION_UNDONE),
    (Event.EXECUTION_UNDONE, EventKind.SUGGESTION_UNDONE),
)
_STATES: dict[str, State] = {
    EventKind.SUGGESTION_CREATED: State.PENDING,
    EventKind.SUGGESTION_WOKEN: State.PENDING,
    EventKind.SUGGESTION_REOPENED: State.PENDING,
}


def state_after(kind: str) -> str:
    """Where the suggestion, or the execution, stands right after an event of this kind."""
    return str(_STATES.get(kind, kind.rpartition(".")[2]))


def next_attempt_at(
    now: datetime, attempts: int, *, chance_0_1: float, asked_for: timedelta | None
) -> datetime | None:
    """When to try again after so many attempts; None when no more.

    ``chance_0_1`` places the wait within its spread; ``asked_for`` is how long the receiver wants to be left
    alone at least.
    """
    if attempts >= MOST_ATTEMPTS:
        return None
    wait = _FIRST_WAIT * _FACTOR ** (attempts - 1)
    wait *= 1 + _SPREAD_0_1 * (2 * chance_0_1 - 1)
    return now + min(max(wait, asked_for or timedelta()), LONGEST_WAIT)


def is_given_up(failing_since: datetime | None, now: datetime) -> bool:
    """Whether an endpoint that has taken nothing since then is switched off."""
    return failing_since is not None and now - failing_since >= PAUSED_AFTER
