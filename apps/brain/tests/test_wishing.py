"""What a model may say when it asks back about a wish."""

from __future__ import annotations

import pytest

from apps.brain.enums import Language
from apps.brain.reading.talks import Talk
from apps.brain.schemas import Claim, Wish
from apps.brain.tests.factories import NOW
from apps.conftest import Cast


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Shall I put the first one to 12,000?", ""),
        ("Is it 12k, or 15k?", ""),
        ("Shall I put the first one to 18,000?", "foreign_number"),
    ],
)
def test_a_question_back_repeats_figures_that_were_said_before(
    cast: Cast, text: str, code: str
) -> None:
    wish = Wish(
        "The first one", cast.rep, Language.ENGLISH, NOW.date(), NOW.date(), (),
        before="Put their deal to 12,000 — or so", asked_back="Do you mean 12k or 15k?",
    )  # fmt: skip
    assert Talk.begun(wish.question).unsound_code(Claim(text, ()), wish.said) == code
