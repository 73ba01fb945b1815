"""What can become of tokens, sessions and calls of tools, and where an event was seen."""

from django.db import models


class TokenOutcome(models.TextChoices):
    """How a request for a token ended; the value is the ``code`` of the answer."""

    ISSUED = "issued", "Issued"
    NOT_AUTHENTICATED = "not_authenticated", "Not signed in"
    MODULE_OFF = "module_off", "Realtime voice is off"
    PERMISSION_DENIED = "permission_denied", "Not for this person"
    NO_KEY = "no_key", "No key is set"
    THROTTLED = "throttled", "Too many requests"
    COST_LIMIT = "cost_limit", "The month's limit is reached"
    INVALID = "invalid", "The request was not as it should be"
    PROVIDER_AUTH = "provider_auth", "The provider refused the key"
    PROVIDER_QUOTA = "provider_quota", "The provider's quota is used up"
    PROVIDER_DOWN = "provider_down", "The provider does not answer"
    PROVIDER_SLOW = "provider_slow", "The provider took too long"
    PROVIDER_INVALID = "provider_invalid", "The provider's answer holds no secret"


class GateState(models.TextChoices):
    """What was read of the module's gate when a token was asked for."""

    ON = "on", "On"
    OFF = "off", "Off"
    NOT_ASKED = "not_asked", "Not asked"


class SessionState(models.TextChoices):
    """Where a session stands."""

    ISSUED = "issued", "Token issued"
    OPEN = "open", "Open"
    LOST = "lost", "Connection lost"
    ENDED = "ended", "Ended"


class EndReason(models.TextChoices):
    """Why a session ended."""

    HUNG_UP = "hung_up", "Hung up"
    LENGTH_LIMIT = "length_limit", "Longest length reached"
    IDLE_LIMIT = "idle_limit", "Nobody said anything"
    COST_LIMIT = "cost_limit", "Cost limit reached"
    MONTH_LIMIT = "month_limit", "Month's limit reached"
    CONNECTION_LOST = "connection_lost", "Connection lost"
    NEVER_CONNECTED = "never_connected", "Never connected"
    PROVIDER = "provider", "Ended by the provider"
    REVOKED = "revoked", "No longer allowed"
    FAILED = "failed", "Failed"


# What a page is told of a call that was ended on the server, for the person to read.
TOLD_OF_END = {
    EndReason.LENGTH_LIMIT: "The call has reached its longest length.",
    EndReason.IDLE_LIMIT: "The call has ended, because nobody said anything.",
    EndReason.COST_LIMIT: "The call has reached its cost limit.",
    EndReason.MONTH_LIMIT: "Your company's limit for calls this month is reached. You can type instead.",
    EndReason.CONNECTION_LOST: "The connection was lost for too long.",
    EndReason.REVOKED: (
        "The call was ended: realtime voice has been switched off, or is no longer for you. You can type"
        " instead."
    ),
}
OTHER_END = "This call was ended."


class ToolCallStatus(models.TextChoices):
    """What the bridge did with a call."""

    ANSWERED = "answered", "Answered"
    PROPOSED = "proposed", "Proposed"
    REFUSED = "refused", "Refused"


class Direction(models.TextChoices):
    """Which way an event went, as the browser sees it."""

    IN = "in", "From the provider"
    OUT = "out", "To the provider"
    LOCAL = "local", "In the browser"
