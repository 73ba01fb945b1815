"""What can go wrong with conversations, each with a stable code."""

from __future__ import annotations

from apps.tenants.exceptions import AishaError


class AssistantError(AishaError):
    """The base of this app's errors."""

    code = "assistant"


class ConversationNotFoundError(AssistantError):
    """There is no such conversation of this person's."""

    code = "conversation_not_found"
    status = 404
    message = "There is no such conversation of yours."


class TalkPermissionError(AssistantError):
    """The person's role does not include talking to AiSHA."""

    code = "permission_denied"
    status = 403
    message = (
        "Your role does not include the assistant. An administrator of your company can change it."
    )


class NothingSaidError(AssistantError):
    """A message holds no words."""

    code = "nothing_said"
    status = 422
    message = "There are no words in this message."


class BeingAnsweredError(AssistantError):
    """The message before this one is still being answered."""

    code = "being_answered"
    status = 409
    message = "I am still answering your last message. Stop it, or send this one afterwards."
