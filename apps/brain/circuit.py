"""When a provider that fails is left alone: a circuit breaker, as a pure decision.

The state stands in the database (``services``), where all workers of a tenant and its pages see it. After
Nygard, "Release It!" (2007): closed, open for a while, then one trial.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

# So many failures in a row are no accident: with one call in twenty failing they come about once in three
# million.
FAILURES_TO_OPEN = 5
# The first rest outlasts a restart of a gateway; each failed trial doubles it, up to the last.
FIRST_REST = timedelta(seconds=30)
LONGEST_REST = timedelta(minutes=15)
# A worker that was killed during its trial bars others for no longer than this.
TRIAL_LASTS = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Circuit:
    """How a provider has fared: failures in a row, and until when it is left alone."""

    failures: int = 0
    rests_until: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        """Whether the provider is left alone at this moment."""
        return self.rests_until is not None and now < self.rests_until

    @property
    def awaits_trial(self) -> bool:
        """Whether, after a rest, a single call has to go well before the rest are made."""
        return self.rests_until is not None

    def trying(self, now: datetime) -> Circuit:
        """While one worker tries: shut to the others."""
        return replace(self, rests_until=now + TRIAL_LASTS)

    def after_failures(self, count: int, now: datetime) -> Circuit:
        """After so many more failures in a row; of a trial it is one."""
        # What was under way when it opened says nothing more.
        first = min(self.failures + count, FAILURES_TO_OPEN)
        failures = self.failures + 1 if self.awaits_trial else first
        if failures < FAILURES_TO_OPEN:
            return Circuit(failures)
        doublings = min(failures - FAILURES_TO_OPEN, 10)
        return Circuit(failures, now + min(FIRST_REST * 2**doublings, LONGEST_REST))
