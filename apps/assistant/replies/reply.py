"""What a message is answered with."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeAlias

from django.urls import reverse

from apps.assistant.rules.pages import PLACES
from apps.assistant.steps import LeadsTo, Step
from apps.brain.enums import Provider
from apps.brain.schemas import Claim


@dataclass(frozen=True, slots=True)
class Reply:
    """Sentences that cite facts of the turn, suggestions by id, and perhaps a page to go to.

    ``is_lost``: the rules know what is wanted, and not of which record.
    """

    claims: tuple[Claim, ...]
    suggestions: tuple[int, ...] = ()
    leads_to: LeadsTo | None = None
    provider: Provider = Provider.RULES
    call_id: int | None = None
    is_lost: bool = False


# What comes while the reply is made, and the reply.
Replying: TypeAlias = Generator[Step, None, Reply]


def way_to(place: str) -> LeadsTo:
    """The way to a page by its name in ``PLACES``."""
    return LeadsTo(reverse(PLACES[place].route), PLACES[place].label)


def plainly(*sentences: str, leads_to: LeadsTo | None = None) -> Reply:
    """Sentences of the product's own, which cite nothing."""
    return Reply(tuple(Claim(sentence, ()) for sentence in sentences), leads_to=leads_to)
