"""The measure of discovery: how it counts, and which worlds it looks at."""

from __future__ import annotations

from apps.crm.enums import RecordKind
from apps.operations.bench.discovery.comparing import Comparison, Finding, Tally, Truth
from apps.operations.bench.discovery.worlds import Split, worlds_of

A, B, C, D = ((RecordKind.LEAD, key) for key in "abcd")


def test_what_is_unsettled_is_neither_right_nor_wrong_nor_missed() -> None:
    truths = {finding: Truth() for finding in Finding}
    truths[Finding.HOT_LEAD] = Truth(holds=frozenset({A, B}), unsettled=frozenset({C}))
    comparison = Comparison()
    comparison.add({Finding.HOT_LEAD: {A, C, D}}, truths)
    comparison.add({}, truths)
    tally = comparison.tallies[Finding.HOT_LEAD]
    assert tally == Tally(right=1, wrong=1, missed=3)
    assert (tally.precision, tally.recall) == (0.5, 0.25)
    assert comparison.tallies[Finding.CHURN] == Tally()


def test_nothing_found_is_no_precision_and_no_recall() -> None:
    assert (Tally(missed=3).precision, Tally(missed=3).recall) == (0.0, 0.0)


def test_the_final_measure_looks_at_worlds_that_nobody_has_tuned_on() -> None:
    seeds = {split: {world.seed for world in worlds_of(split)} for split in Split}
    assert seeds == {Split.DEVELOPMENT: {11, 12, 13}, Split.HELD_OUT: {7001, 7002, 7003}}
    moments = {split: {world.now for world in worlds_of(split)} for split in Split}
    assert not moments[Split.DEVELOPMENT] & moments[Split.HELD_OUT]
