"""What a message wants, where the rules have not understood it: a question by its form, else a model says."""

from __future__ import annotations

from apps.assistant.enums import Intent
from apps.assistant.rules.hearing import reads_like_question
from apps.assistant.turns import Turn
from apps.brain.language_model.wants import tell_want

# What a model may choose from, and what each means.
_CHOICES = {
    Intent.QUESTION: "asks something about the CRM, or greets",
    Intent.PROPOSE: "wants something written into the CRM: a task, a follow-up, an activity, a field",
    Intent.NAVIGATE: "wants to be led to a page",
    Intent.OUT_OF_SCOPE: "has nothing to do with the company's CRM, or wants something approved or deleted",
}


def intent_of(turn: Turn) -> Intent:
    """What the message wants; a question where nobody can tell."""
    if reads_like_question(turn.words):
        return Intent.QUESTION
    choices = {intent.value: words for intent, words in _CHOICES.items()}
    told = tell_want(turn.question(), choices, actor=turn.actor, now=turn.now)
    return Intent(told) if told else Intent.QUESTION
