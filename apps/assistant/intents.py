"""What a message wants, where the rules have not understood it: a question by its form, else a model says."""

from __future__ import annotations

from apps.assistant.enums import Intent
from apps.assistant.rules.hearing import reads_like_question
from apps.assistant.rules.pages import places_for
from apps.assistant.turns import Turn
from apps.brain.language_model.wants import Want, tell_want

# What a model may choose from, and what each means.
_CHOICES = {
    Intent.QUESTION: "asks something about the CRM, or greets",
    Intent.PROPOSE: "wants something written into the CRM: a task, a follow-up, an activity, a field",
    Intent.NAVIGATE: "wants to be led to a page",
    Intent.OUT_OF_SCOPE: "has nothing to do with the company's CRM, or wants something approved or deleted",
}
# What is said after a question back may be the answer to it: the wish goes on.
ANSWER = "answer"
_ANSWERS = "answers what the assistant has asked"


def want_of(turn: Turn) -> Want:
    """What the message wants: the key of an intent, or ``ANSWER`` where a model has asked back."""
    if reads_like_question(turn.words):
        return Want(Intent.QUESTION)
    choices = {intent.value: words for intent, words in _CHOICES.items()}
    asked = ""
    if turn.asked_back is not None:
        choices[ANSWER], asked = _ANSWERS, turn.asked_back.question
    pages = {key: place.label for key, place in places_for(turn.user).items()}
    return tell_want(turn.question(), choices, pages, actor=turn.actor, now=turn.now, asked=asked)
