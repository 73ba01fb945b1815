"""What can go wrong when the Brain is asked."""

from __future__ import annotations

from datetime import date

from apps.brain.enums import FallBack
from apps.tenants.exceptions import AishaError


class BrainError(AishaError):
    """The base of this app's errors."""

    code = "brain"
    status = 500


class UnknownModeError(BrainError):
    """There are two modes, and no other."""

    code = "unknown_mode"
    status = 422

    def __init__(self, mode: str) -> None:
        super().__init__(f"There is no mode {mode!r}: the Brain reads, or it proposes.")


class ModeNotOfferedError(BrainError):
    """The provider cannot work in this mode."""

    code = "mode_not_offered"
    status = 422
    message = "The built-in rules propose changes; they do not answer questions."


class BudgetSpentError(BrainError):
    """The month's hard limit leaves no room for another call."""

    code = "budget_spent"
    status = 402

    def __init__(self, month: date) -> None:
        super().__init__(f"The budget of {month:%B %Y} is spent.")


class NotReachedError(BrainError):
    """The language model cannot be asked now, and nothing stands in for it."""

    code = "model_not_reached"
    status = 503

    def __init__(self, reason: FallBack) -> None:
        self.reason = reason
        super().__init__(f"There is no answer: {reason.label}.")


class SettingsChangedError(BrainError):
    """Somebody else changed the settings in between."""

    code = "settings_changed"
    status = 409
    message = "Somebody else has changed these settings: look at them again."


class SettingsPermissionError(BrainError):
    """The person may not change the Brain's settings."""

    code = "brain_settings_not_allowed"
    status = 403
    message = "You may not change the settings of the Brain."


class InvalidSettingsError(BrainError):
    """A setting is out of its bounds."""

    code = "invalid_settings"
    status = 422
