"""Why webhooks were not changed or sent; each with a stable code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.suggestions.exceptions import SuggestionError


class WebhookError(SuggestionError):
    """The base of the webhooks' errors."""

    code = "webhook"


class WebhookPermissionError(WebhookError):
    """The person may not see or change webhooks."""

    code = "webhooks_not_allowed"
    status = 403
    message = "Webhooks are for administrators. Nothing was changed."


class WebhookNotFoundError(WebhookError):
    """There is no such endpoint, or no such message."""

    code = "not_found"
    status = 404
    message = "There is no such webhook here."


class InvalidEndpointError(WebhookError):
    """What was given makes no endpoint."""

    code = "invalid_webhook"
    status = 422

    def __init__(self, problems: Mapping[str, list[str]]) -> None:
        self.problems = {name: list(messages) for name, messages in problems.items()}
        self.extras: dict[str, Any] = {"errors": self.problems}
        words = [f"{name}: {' '.join(messages)}" for name, messages in self.problems.items()]
        super().__init__(f"This webhook is not acceptable: {' '.join(words)}")


class EndpointChangedError(WebhookError):
    """Somebody else changed the endpoint since it was read; nothing was written."""

    code = "webhook_changed"
    status = 412
    message = "Somebody changed this webhook since you opened it. Nothing was written."

    def __init__(self, revision_now: int) -> None:
        self.extras: dict[str, Any] = {"revision": revision_now}
        super().__init__()


class EndpointOffError(WebhookError):
    """Nothing is sent to an endpoint that is off."""

    code = "webhook_off"
    message = "This webhook is switched off. Switch it on first; nothing was sent."


class NotDeadError(WebhookError):
    """Only what was given up is sent again by hand."""

    code = "webhook_not_dead"
    message = "This message waits or was delivered already; it was not sent again."
