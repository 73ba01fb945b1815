"""What is done about a message that the rules have understood."""

from apps.assistant.replies.replying import reply_to

__all__ = ["reply_to"]
