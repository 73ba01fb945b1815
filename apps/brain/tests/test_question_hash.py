"""The hash of a question: the same for what is the same to whoever answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from apps.brain import services
from apps.brain.enums import Goal
from apps.brain.models import BrainSettings
from apps.brain.schemas import Fact
from apps.brain.services import question_hash, who_answers
from apps.brain.tests.conftest import Switch
from apps.brain.tests.factories import question
from apps.crm.enums import RecordKind
from apps.execution.schemas import RecordRef

SEEN = Fact(1, "bounce", "E-mail", "came back", "x", datetime(2026, 3, 1, tzinfo=UTC))
WHO = "rules-0"
TASK = question(Goal.CORRECT_CONTACT, SEEN)


def test_it_is_the_same_for_the_same_question_on_another_day() -> None:
    monday, tuesday = date(2026, 3, 9), date(2026, 3, 10)
    same = question(Goal.CORRECT_CONTACT, replace(SEEN), today=monday, next_working_day=tuesday)
    assert question_hash(same, WHO) == question_hash(TASK, WHO)
    assert len(question_hash(TASK, WHO)) == 64


@pytest.mark.parametrize(
    "change",
    [
        {"facts": ()},
        {"facts": (replace(SEEN, text="arrived"),)},
        {"facts": (replace(SEEN, occurred_at=datetime(2026, 3, 2, tzinfo=UTC)),)},
        {"facts": (replace(SEEN, record=RecordRef(RecordKind.ACTIVITY, 1)),)},
        {"tools": ("update_contact",)},
        {"doer_id": 8},
        {"record_label": "Ana Ruiz"},
        {"goal": Goal.REVIVE_LEAD},
        {"record": RecordRef(RecordKind.CONTACT, 3)},
    ],
)
def test_whatever_else_differs_makes_another_question(change: dict[str, Any]) -> None:
    assert question_hash(replace(TASK, **change), WHO) != question_hash(TASK, WHO)


def test_asked_of_somebody_else_it_is_another_question(switch_on: Switch) -> None:
    BrainSettings.objects.all().delete()
    asked = {who_answers()}
    for fields in ({}, {"model": "stand-in:obeys"}, {"base_url": "http://127.0.0.1:1/v1"}):
        switch_on(**fields)
        asked.add(who_answers())
    assert len(asked) == 4
    assert len({question_hash(TASK, who) for who in asked}) == 4
    switch_on(tone="formal", concurrency=3)
    assert who_answers() in asked


def test_with_another_prompt_it_is_another_question(
    switch_on: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_on()
    before = who_answers()
    monkeypatch.setattr(services, "PROMPT_VERSION", "propose-0")
    assert who_answers() != before
