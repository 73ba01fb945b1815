"""What can go wrong with work in the background."""

from __future__ import annotations

from apps.tenants.exceptions import AishaError


class WorkError(AishaError):
    """The base of these errors."""

    code = "run"
    status = 409


class WorkUnderWayError(WorkError):
    """Work of the same kind waits or is being done already."""

    code = "run_under_way"
    message = "This is under way already. Wait for it, or stop it and ask again."


class WorkCancelledError(WorkError):
    """A person wants it to stop."""

    code = "run_cancelled"
    message = "It was stopped."


class WorkOverError(WorkError):
    """There is nothing to stop."""

    code = "run_state"
    message = "It is over already."
