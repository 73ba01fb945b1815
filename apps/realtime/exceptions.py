"""What can go wrong with realtime voice, each with a stable code."""

from __future__ import annotations

from apps.realtime.enums import TOLD_OF_END, EndReason, TokenOutcome
from apps.tenants.exceptions import AishaError


class RealtimeError(AishaError):
    """The base of this app's errors."""

    code = "realtime"


class TokenError(RealtimeError):
    """No token is issued; ``outcome`` says why, and is the code. What the provider said is not passed on."""

    outcome: TokenOutcome
    headers: dict[str, str]

    def __init_subclass__(cls) -> None:
        cls.code = cls.outcome.value

    def __init__(self) -> None:
        self.headers = {}
        super().__init__()


class NotForThisPersonError(TokenError):
    """The person's role has no realtime voice."""

    outcome = TokenOutcome.PERMISSION_DENIED
    status = 403
    message = (
        "Your role does not include realtime voice. An administrator of your company can change it."
    )


class RealtimeOffError(TokenError):
    """The module is off, or its gate could not be read."""

    outcome = TokenOutcome.MODULE_OFF
    status = 403
    message = "Realtime voice is switched off for your company. You can type instead."


class NoKeyError(TokenError):
    """Neither the tenant nor the operator has set a key."""

    outcome = TokenOutcome.NO_KEY
    status = 503
    message = (
        "No key is set for the voice provider. An administrator sets one on the page Brain, or the operator"
        " with OPENAI_API_KEY."
    )


class TokensThrottledError(TokenError):
    """Too many requests of this person, or of the company, within a minute."""

    outcome = TokenOutcome.THROTTLED
    status = 429
    message = "Too many calls were begun within a minute. Wait a moment, then try again."

    def __init__(self, wait_s: int) -> None:
        super().__init__()
        self.headers = {"Retry-After": str(wait_s)}


class MonthLimitError(TokenError):
    """What the company wants to spend on voice in a month is spent."""

    outcome = TokenOutcome.COST_LIMIT
    status = 429
    message = "This month's limit for realtime voice is reached. You can type instead."


class ProviderAuthError(TokenError):
    """The provider refused the key."""

    outcome = TokenOutcome.PROVIDER_AUTH
    status = 502
    message = "The voice provider refused the key. An administrator can set another one on the page Brain."


class ProviderQuotaError(TokenError):
    """The provider takes no more requests with this key for now."""

    outcome = TokenOutcome.PROVIDER_QUOTA
    status = 503
    message = "The voice provider's quota is used up. Try again later, or type instead."


class ProviderSlowError(TokenError):
    """The provider did not answer in time."""

    outcome = TokenOutcome.PROVIDER_SLOW
    status = 504
    message = "The voice provider took too long to answer. Try again, or type instead."


class ProviderDownError(TokenError):
    """The provider cannot be reached, or fails."""

    outcome = TokenOutcome.PROVIDER_DOWN
    status = 502
    message = "The voice provider does not answer. Try again, or type instead."


class ProviderInvalidError(TokenError):
    """The provider answered something that holds no usable secret."""

    outcome = TokenOutcome.PROVIDER_INVALID
    status = 502
    message = "The voice provider's answer could not be used. Try again, or type instead."


class SessionNotFoundError(RealtimeError):
    """There is no such session of this person."""

    code = "session_not_found"
    status = 404
    message = "There is no such call of yours."


class SessionOverError(RealtimeError):
    """The session has ended, or its limits are reached; ``extras`` names the reason where there is one."""

    code = "session_over"
    status = 409
    message = "This call is over. Begin a new one."

    def __init__(self, reason: str = "") -> None:
        """With the reason for which it had ended, or the limit that it has reached, that is said."""
        told = TOLD_OF_END.get(EndReason(reason)) if reason else None
        self.extras = {"reason": reason} if reason else {}
        super().__init__(told or "")


class ChannelRefusedError(RealtimeError):
    """A message on the telemetry socket does not fit the schema."""

    code = "invalid"
    status = 400
    message = "This is no batch of events."


class RealtimeSettingsPermissionError(RealtimeError):
    """The person's role does not let them change how realtime voice is set."""

    code = "permission_denied"
    status = 403
    message = "Administrators change how realtime voice is set."


class InvalidRealtimeSettingsError(RealtimeError):
    """A setting is unknown or out of its bounds; ``problems`` says what, by setting."""

    code = "invalid_settings"
    status = 422

    def __init__(self, problems: dict[str, list[str]]) -> None:
        self.problems = problems
        super().__init__("Some settings are not as they should be.")


class RealtimeSettingsChangedError(RealtimeError):
    """Somebody has changed the settings since they were read."""

    code = "settings_changed"
    status = 409
    message = "Somebody has changed these settings meanwhile. Here they are as they stand now."
