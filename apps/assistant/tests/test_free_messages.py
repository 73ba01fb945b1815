"""What free messages want: the rules alone are silent rather than wrong, and a model tells the rest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.utils import timezone

from apps.assistant.enums import Intent
from apps.assistant.intents import want_of
from apps.assistant.rules import hear
from apps.assistant.rules.hearing import reads_like_question
from apps.assistant.tests.free_messages import MESSAGES
from apps.assistant.turns import Turn
from apps.audit.enums import Origin
from apps.brain.enums import Language
from apps.brain.models import BrainCall
from apps.brain.tests.conftest import switch_on as switch_on
from apps.conftest import Cast


def _by_rules(text: str) -> Intent | None:
    """What the rules act upon; None where they leave it to a model."""
    heard = hear(text)
    if heard is None or (heard.topic.intent == Intent.QUESTION and not heard.is_whole):
        return None
    return heard.topic.intent


@pytest.mark.parametrize(("text", "wanted"), MESSAGES)
def test_the_rules_are_silent_rather_than_wrong(text: str, wanted: Intent) -> None:
    assert _by_rules(text) in {None, wanted}
    # What reads like a question is never proposed: no model is asked whether it wants that.
    if wanted == Intent.PROPOSE:
        assert not reads_like_question(text)


def test_a_model_tells_the_wishes_from_the_questions(
    cast: Cast, switch_on: Callable[..., Any]
) -> None:
    switch_on()
    now = timezone.now()
    free = [(text, wanted) for text, wanted in MESSAGES if _by_rules(text) is None]
    told = []
    for text, _ in free:
        turn = Turn(cast.rep, text, Origin.TYPED, now, date.today(), date.today(), Language.ENGLISH)
        told.append((text, Intent(want_of(turn).kind)))
    # By its form a question, and answered as one: that what may be read does not tell it.
    elsewhere = ["What's the weather in Zurich tomorrow?", "Tell me a joke"]
    wrong = [text for (text, wants), (_, wanted) in zip(told, free, strict=True) if wants != wanted]
    assert wrong == elsewhere
    # A question by its form costs nothing to tell.
    asked = [text for text, _ in free if not reads_like_question(text)]
    assert BrainCall.objects.filter(prompt_version="want-2").count() == len(asked)
