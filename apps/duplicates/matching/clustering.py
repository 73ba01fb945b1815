"""Which records belong together, from pairs that may contradict one another.

To follow every pair would make one record of a chain of weak pairs. Instead the partition is sought under
which what all pairs say, taken together, is most probable (correlation clustering; Bansal, Blum and Chawla
2004), by joining what gains most as long as anything is gained: two groups are joined only where the pairs
between them say so on the whole, those that were found unlike included.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

from apps.duplicates.matching.documents import HIGHEST_0_1, LOWEST_0_1

# What two records say for which no pair was kept: that they are hardly the same.
_UNKNOWN_PAIR_PROBABILITY = 0.01
_NEVER = -math.inf

Record = TypeVar("Record", bound=Hashable)


def clusters(
    pairs: Iterable[tuple[Record, Record, float]],
    conflicts: Iterable[tuple[Record, Record]] = (),
    *,
    threshold: float = 0.5,
) -> list[frozenset[Record]]:
    """The groups of two and more records that belong together, in the order in which the pairs name them.

    ``pairs`` come with their probability, unlikely ones too where they are known. The two of a pair in
    ``conflicts`` are never in one group. From the probability ``threshold`` on two are called the same.
    """
    joining: _Joining[Record] = _Joining(_log_odds(threshold))
    for left, right, probability in pairs:
        joining.add(left, right, _log_odds(probability))
    for left, right in conflicts:
        joining.add(left, right, _NEVER)
    return joining.join()


class _Joining(Generic[Record]):
    """Groups, at first one for each record, and what the pairs between any two of them say."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._unknown = _log_odds(_UNKNOWN_PAIR_PROBABILITY) - threshold
        self._numbers: dict[Record, int] = {}
        self._members: dict[int, list[Record]] = {}
        # Group → other group → the sum of the pairs' log-odds, and how many pairs.
        self._between: dict[int, dict[int, tuple[float, int]]] = {}

    def add(self, left: Record, right: Record, log_odds: float) -> None:
        """Note what one pair says."""
        one, other = self._number(left), self._number(right)
        if one != other:
            said = log_odds - self._threshold
            self._note(one, other, said, 1)
            self._note(other, one, said, 1)

    def join(self) -> list[frozenset[Record]]:
        """Join until nothing is gained."""
        heap = [
            (-gain, one, other)
            for one, others in self._between.items()
            for other in others
            if one < other and (gain := self._gain(one, other)) > 0
        ]
        heapq.heapify(heap)
        while heap:
            gain, one, other = heapq.heappop(heap)
            if other not in self._between.get(one, ()) or self._gain(one, other) != -gain:
                continue
            self._absorb(one, other)
            for third in self._between[one]:
                if (gained := self._gain(one, third)) > 0:
                    heapq.heappush(heap, (-gained, one, third))
        return [frozenset(members) for members in self._members.values() if len(members) > 1]

    def _number(self, record: Record) -> int:
        number = self._numbers.setdefault(record, len(self._numbers))
        if number not in self._members:
            self._members[number] = [record]
            self._between[number] = {}
        return number

    def _note(self, one: int, other: int, said: float, count: int) -> None:
        total, known = self._between[one].get(other, (0.0, 0))
        self._between[one][other] = (total + said, known + count)

    def _gain(self, one: int, other: int) -> float:
        total, known = self._between[one][other]
        unknown = len(self._members[one]) * len(self._members[other]) - known
        return total + unknown * self._unknown

    def _absorb(self, one: int, other: int) -> None:
        """Make one group of two."""
        self._members[one] += self._members.pop(other)
        del self._between[one][other]
        for third, (total, known) in self._between.pop(other).items():
            if third != one:
                del self._between[third][other]
                self._note(one, third, total, known)
                self._note(third, one, total, known)


def _log_odds(probability: float) -> float:
    bounded = min(max(probability, LOWEST_0_1), HIGHEST_0_1)
    return math.log2(bounded / (1 - bounded))
