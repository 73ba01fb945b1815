"""The demo lets a language model write where one is at hand."""

from __future__ import annotations

from typing import Any

from apps.brain.settings import change_settings, read_settings
from apps.conftest import Cast
from apps.operations.demo.installing import switch_model_on


def test_a_model_at_hand_is_switched_on_once_and_left_as_somebody_sets_it(
    cast: Cast, settings: Any
) -> None:
    switch_model_on()
    assert read_settings().provider == "rules"
    settings.OPENAI_API_KEY = "sk-stand-in-demo"
    switch_model_on()
    assert read_settings().provider == "openai"
    change_settings(user=cast.admin, values={"provider": "rules"})
    switch_model_on()
    assert read_settings().provider == "rules"
