"""What the built-in rules can say to a question: a few plain things, from the facts that are given."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from apps.brain.schemas import Claim, Fact, Question
from apps.execution.signs import one_line

# Raised with any change of what is said, so that calls can be told apart.
VERSION = "answers-1"
CANNOT = (
    "Without the language model I can say how many tasks are open and sum up a record, as far as the facts"
    " at hand tell it. They do not answer this question."
)
# A summary is read at a glance.
MOST_SUMMED_UP = 8

_COUNT = re.compile(r"\bhow many\b.*\btasks?\b", re.IGNORECASE | re.DOTALL)
_SUMMARY = re.compile(
    r"\b(?:summar(?:y|i[sz]e)|sum up|overview|tell me about|what do we know)\b", re.IGNORECASE
)


def answer(question: Question, withheld: Collection[int]) -> tuple[Claim, ...]:
    """Return sentences that cite the given facts; none where the rules cannot answer.

    The words of what is ``withheld`` are not repeated.
    """
    facts = [fact for fact in question.facts if fact.number not in withheld]
    if _COUNT.search(question.text):
        return _told([fact for fact in facts if fact.key == "open_tasks"])
    if _SUMMARY.search(question.text):
        return _told(facts[:MOST_SUMMED_UP])
    return ()


def _told(facts: Sequence[Fact]) -> tuple[Claim, ...]:
    return tuple(
        Claim(f"{one_line(fact.label)}: {one_line(fact.text).rstrip('.')}.", (fact.number,))
        for fact in facts
    )
