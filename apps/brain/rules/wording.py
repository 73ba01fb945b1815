"""Small pieces of wording that the writers share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from apps.brain.schemas import Claim, Fact, ThinkTask
from apps.execution.signs import one_line


def day_text(value: object) -> str:
    """A day as people write it, from an ISO date or moment: ``3 Nov 2026``."""
    text = str(value)
    moment = (
        datetime.fromisoformat(text).date()
        if "T" in text or " " in text
        else date.fromisoformat(text)
    )
    return f"{moment.day} {moment:%b %Y}"


def claims_from(facts: Iterable[tuple[str, Fact | None]]) -> tuple[Claim, ...]:
    """Make one claim for each text whose fact is there."""
    return tuple(Claim(text, (fact.number,)) for text, fact in facts if fact is not None)


def last_contact_phrase(task: ThinkTask) -> str:
    """When there was last contact, in words that stay true: a date, not an age."""
    last = task.fact("last_activity")
    if last is None:
        created = task.fact("created_at")
        since = f" since {created.text}" if created else ""
        return f"nobody has been in touch{since}"
    return f"no contact since {last.text}"


def counted(number: float, noun: str) -> str:
    """A number with its noun: ``1 message``, ``3 messages``."""
    return f"{number:g} {noun}" if number == 1 else f"{number:g} {noun}s"


def listed(words: Sequence[str]) -> str:
    """The words one after the other: ``phone, title and notes``."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def shown(task: ThinkTask, key: str) -> str:
    """The text of the first fact with this key, empty when there is none."""
    fact = task.fact(key)
    return fact.text if fact else ""


def shortened(text: str, limit: int) -> str:
    """The text on one line, cut at a word when it is longer than ``limit`` characters.

    A name must not rearrange the sentence that it stands in.
    """
    text = one_line(text)
    if len(text) <= limit:
        return text
    return text[: limit - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"
