"""Groups of records are more than chains of pairs."""

from __future__ import annotations

import random
from itertools import combinations, pairwise

import pytest

from apps.duplicates.matching.clustering import clusters

Pairs = list[tuple[str, str, float]]


def grouped(pairs: Pairs, conflicts: list[tuple[str, str]] | None = None) -> list[str]:
    return ["".join(sorted(group)) for group in clusters(pairs, conflicts or [])]


def test_pairs_that_agree_are_one_group() -> None:
    pairs: Pairs = [("a", "b", 0.99), ("b", "c", 0.95), ("a", "c", 0.9), ("x", "y", 0.8)]
    assert grouped(pairs) == ["abc", "xy"]


def test_fault_26_a_chain_of_weak_duplicates_does_not_become_one() -> None:
    letters = "abcdefghijklmnop"
    chain: Pairs = [(one, other, 0.8) for one, other in pairwise(letters)]
    assert grouped(chain) == ["ab", "cd", "ef", "gh", "ij", "kl", "mn", "op"]


def test_one_weak_bridge_does_not_join_two_groups() -> None:
    pairs: Pairs = [
        *((one, other, 0.999) for one, other in combinations("abc", 2)),
        *((one, other, 0.999) for one, other in combinations("xyz", 2)),
        ("c", "x", 0.97),
    ]
    assert grouped(pairs) == ["abc", "xyz"]


def test_strong_pairs_carry_a_weak_one() -> None:
    assert grouped([("a", "b", 0.999), ("b", "c", 0.999), ("a", "c", 0.2)]) == ["abc"]


def test_what_was_found_unlike_weighs_against() -> None:
    assert grouped([("a", "b", 0.9), ("b", "c", 0.9), ("a", "c", 0.02)]) == ["ab"]


@pytest.mark.parametrize("conflict", [("a", "c"), ("c", "a")])
def test_hard_evidence_splits_however_likely_the_pairs(conflict: tuple[str, str]) -> None:
    pairs: Pairs = [("a", "b", 0.9999), ("b", "c", 0.999), ("a", "c", 0.9999)]
    assert grouped(pairs, [conflict]) == ["ab"]


def test_a_conflict_between_members_keeps_their_groups_apart() -> None:
    pairs: Pairs = [
        ("a", "b", 0.9999),
        ("x", "y", 0.9999),
        ("a", "x", 0.99),
        ("b", "y", 0.99),
    ]
    assert grouped(pairs, [("b", "x")]) == ["ab", "xy"]


def test_a_lower_threshold_joins_what_a_higher_one_does_not() -> None:
    assert clusters([(1, 2, 0.4)]) == []
    assert clusters([(1, 2, 0.4)], threshold=0.3) == [frozenset({1, 2})]


def test_nothing_comes_of_nothing() -> None:
    assert clusters([]) == []
    assert clusters([(1, 1, 0.9)]) == []
    assert clusters([(1, 2, 0.2)], [(3, 4)]) == []


def test_the_order_of_pairs_does_not_matter() -> None:
    draw = random.Random(1)
    pairs = [(one, other, draw.random()) for one, other in combinations(range(30), 2)]
    expected = set(clusters(pairs))
    for _ in range(5):
        draw.shuffle(pairs)
        assert set(clusters(pairs)) == expected
