"""What can go wrong when the Brain is asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

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


class ModeDoesNotFitError(BrainError):
    """A question was brought where changes are proposed, or tasks where questions are answered."""

    code = "mode_does_not_fit"
    status = 422
    message = (
        "In this mode the Brain cannot do what was asked: one mode answers questions, one proposes."
    )


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
    """Somebody else changed the settings since they were read; nothing was written."""

    code = "settings_changed"
    status = 412
    message = "Somebody changed these settings since you read them. Nothing was written."

    def __init__(self, revision_now: int) -> None:
        self.extras: dict[str, Any] = {"revision": revision_now}
        super().__init__()


class SettingsPermissionError(BrainError):
    """The person may not change the Brain's settings."""

    code = "brain_settings_not_allowed"
    status = 403
    message = "Your role does not include changing the settings of the Brain. Nothing was changed."


class InvalidSettingsError(BrainError):
    """Settings are unknown, out of their bounds, or do not fit together."""

    code = "invalid_settings"
    status = 422

    def __init__(self, problems: Mapping[str, list[str]]) -> None:
        self.problems = {name: list(messages) for name, messages in problems.items()}
        self.extras: dict[str, Any] = {"errors": self.problems}
        words = [f"{name}: {' '.join(messages)}" for name, messages in self.problems.items()]
        super().__init__(f"These settings are not acceptable: {' '.join(words)}")


class AddressRefusedError(BrainError):
    """A language model's address is none, is unknown, or leads where a tenant has no business."""

    code = "address_refused"
    status = 422


class NotTranscribedError(BrainError):
    """Speech was not turned into words; ``code`` says why, and nothing of the provider's is passed on."""

    code = "not_transcribed"

    def __init__(self, code: str) -> None:
        self.code = code
        self.status, message = _WHY_NOT_TRANSCRIBED[code]
        super().__init__(message)


_WHY_NOT_TRANSCRIBED = {
    "no_key": (
        503,
        "No key is set, so speech cannot be turned into words. An administrator sets one on the page Brain,"
        " or the operator with OPENAI_API_KEY. You can type instead.",
    ),
    "no_price": (
        503,
        "The price of turning speech into words is not known, so its cost cannot be kept to.",
    ),
    "address_refused": (502, "The address of the language model is unknown or not allowed."),
    "cost_limit": (429, "This month's budget is spent. You can type instead."),
    "provider_auth": (502, "The provider refused the key. You can type instead."),
    "provider_quota": (503, "The provider's quota is used up. Try again later, or type instead."),
    "provider_slow": (504, "The provider took too long. Try again, or type instead."),
    "provider_down": (502, "The provider does not answer. Try again, or type instead."),
    "provider_invalid": (502, "The provider's answer could not be read. You can type instead."),
    "no_recording": (422, "There is no recording."),
    "recording_format": (415, "This kind of recording cannot be read. You can type instead."),
    "recording_too_large": (413, "The recording is too long: five megabytes are the most."),
    "nothing_heard": (
        422,
        "No words were heard. Hold the button while you speak, or type instead.",
    ),
}
