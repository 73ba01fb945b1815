"""Pairs of records that may be the same, how they are told, and the runs in which they are looked for."""

from apps.duplicates.models.keys import RecordKeys
from apps.duplicates.models.matchers import Matcher
from apps.duplicates.models.pairs import Pair
from apps.duplicates.models.runs import MatchCursor, MatchRun

__all__ = ["MatchCursor", "MatchRun", "Matcher", "Pair", "RecordKeys"]
