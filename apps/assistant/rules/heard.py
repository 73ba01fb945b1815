"""A message as the rules have understood it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from apps.assistant.enums import Intent


class Topic(StrEnum):
    """What a message is about: the requests that are understood without a language model."""

    HELP = "help"
    TASKS = "tasks"
    PIPELINE = "pipeline"
    FORECAST = "forecast"
    FIND = "find"
    ABOUT = "about"
    OWNER = "owner"
    TO_DO = "to_do"
    DISCOVERED = "discovered"
    RENEWALS = "renewals"
    REMIND = "remind"
    FOLLOW_UP = "follow_up"
    FOLLOW_UP_MET = "follow_up_met"
    LOG = "log"
    GO_TO = "go_to"
    # What people do themselves, and AiSHA never.
    DECIDING = "deciding"
    UNDOING = "undoing"
    DELETING = "deleting"
    SETTING = "setting"

    @property
    def intent(self) -> Intent:
        """What a person wants with it."""
        if self in _PROPOSALS:
            return Intent.PROPOSE
        if self in _PERSONS_OWN:
            return Intent.OUT_OF_SCOPE
        return Intent.NAVIGATE if self == Topic.GO_TO else Intent.QUESTION


_PROPOSALS = {Topic.REMIND, Topic.FOLLOW_UP, Topic.FOLLOW_UP_MET, Topic.LOG}
_PERSONS_OWN = {Topic.DECIDING, Topic.UNDOING, Topic.DELETING, Topic.SETTING}


@dataclass(frozen=True, slots=True)
class Heard:
    """What a message wants, about what.

    ``name`` is what a record was called, ``words`` what else was said (what to do, what was talked about),
    ``choice`` a word of a closed list (the kind of activity, a window of time, a page). ``is_whole`` says
    whether the rules have understood every word of a question: where they have not, a language model that
    is set knows more.
    """

    topic: Topic
    name: str = ""
    words: str = ""
    choice: str = ""
    is_whole: bool = True
