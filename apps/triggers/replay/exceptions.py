"""What can go wrong with replays."""

from __future__ import annotations

from collections.abc import Sequence

from apps.triggers.exceptions import TriggerError


class ReplayError(TriggerError):
    """The base of what ends or refuses a replay."""

    code = "replay"


class ReplayPermissionError(ReplayError):
    """The person may not ask a trigger about the past."""

    code = "replay_permission"
    status = 403
    message = "Your role does not include replaying triggers."


class ReplayPastError(ReplayError):
    """What the trigger asks for is known as it stands today, and not as it stood on days past."""

    code = "replay_past"
    status = 422

    def __init__(self, label: str) -> None:
        super().__init__(
            f"“{label}” cannot be replayed: what was taken for the same on days past is not on file."
        )


class ReplayDaysError(ReplayError):
    """The number of days is out of its bounds."""

    code = "replay_days"
    status = 422

    def __init__(self, most: int) -> None:
        self.extras = {"errors": {"days": [f"A whole number from 1 to {most}."]}}
        super().__init__(f"A replay goes back 1 to {most} days.")


class ReplayBusyError(ReplayError):
    """A replay of the trigger is under way, or too many of the company's are."""

    code = "replay_busy"
    status = 409


class ReplayTooLongError(ReplayError):
    """It would take longer than a worker may be occupied."""

    code = "replay_too_long"
    status = 503
    message = "The replay took too long and was stopped. Ask for fewer days."


class ReplayReadingError(ReplayError):
    """A trigger's query read a table that was not prepared: its answer would be half of the present."""

    code = "replay_reading"
    status = 500

    def __init__(self, tables: Sequence[str]) -> None:
        super().__init__(f"The trigger read what was not prepared: {', '.join(tables)}.")
