"""What the built-in rules make of a message, without a language model: what it wants, and about what."""

from apps.assistant.rules.heard import Heard, Topic
from apps.assistant.rules.hearing import hear

__all__ = ["Heard", "Topic", "hear"]
