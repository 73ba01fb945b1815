"""The measure of discovery: how it counts, and which worlds it looks at."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.crm.enums import RecordKind
from apps.operations.bench.discovery.comparing import (
    BY_ORACLE,
    Comparison,
    Doubt,
    Finding,
    Tally,
    Truth,
)
from apps.operations.bench.discovery.shifts import doubts, seen_by_an_oracle, shifted
from apps.operations.bench.discovery.worlds import Split, worlds_of
from apps.operations.demo.causes import Engagement, HiddenCauses
from apps.operations.demo.schemas import World
from apps.operations.tests.test_demo_simulation import NOW, whole_acme

A, B, C, D = ((RecordKind.LEAD, key) for key in "abcd")


def test_what_is_unsettled_is_neither_right_nor_wrong_nor_missed_but_told() -> None:
    truths = {finding: Truth() for finding in Finding}
    truths[Finding.HOT_LEAD] = Truth(holds=frozenset({A, B}), unsettled=frozenset({C}))
    comparison = Comparison()
    comparison.add({Finding.HOT_LEAD: {A, C, D}}, truths)
    comparison.add({}, truths)
    tally = comparison.tallies[Finding.HOT_LEAD]
    assert tally == Tally(right=1, wrong=1, unsettled=1, missed=3)
    assert (tally.precision, tally.precision_at_worst, tally.recall) == (0.5, 1 / 3, 0.25)
    assert comparison.tallies[Finding.CHURN] == Tally()


def test_nothing_found_is_no_precision_and_no_recall() -> None:
    assert (Tally(missed=3).precision, Tally(missed=3).recall) == (0.0, 0.0)


def test_one_who_knows_the_rates_sees_most_of_what_changed_and_is_a_row_of_its_own() -> None:
    world = whole_acme()
    changed = shifted(world, NOW, frozenset())
    seen = seen_by_an_oracle(world, changed, NOW, frozenset())
    comparison = Comparison()
    comparison.add_oracle(seen, changed)
    assert comparison.rows()[BY_ORACLE] == Tally(
        right=len(seen), missed=len(changed.holds) - len(seen)
    )
    assert comparison.by_oracle.recall > 0.85


@pytest.mark.parametrize(
    ("weeks_ago", "factor", "doubt"),
    [
        (1, 0.0, Doubt.YOUNG),
        (2, 0.0, None),
        (8, 0.0, None),
        (9, 0.0, Doubt.OLD),
        (8, 0.55, Doubt.SMALL),
    ],
)
def test_what_is_too_young_too_old_or_too_small_a_change_can_be_said_neither_way(
    weeks_ago: int, factor: float, doubt: Doubt | None
) -> None:
    begin, changed_at = NOW - timedelta(weeks=26), NOW - timedelta(weeks=weeks_ago)
    world = World(HiddenCauses())
    world.causes.engagement = [
        Engagement("a", "", begin, changed_at, 5.0),
        Engagement("a", "", changed_at, NOW, 5.0 * factor),
    ]
    subject = (RecordKind.CONTACT, "a")
    why = doubts(world, NOW, frozenset())
    assert why == ({} if doubt is None else {subject: doubt})
    unsettled = frozenset(why)
    assert shifted(world, NOW, frozenset()) == Truth(frozenset({subject}) - unsettled, unsettled)


def test_a_week_in_which_nobody_worked_tells_of_no_change() -> None:
    since = NOW - timedelta(weeks=20)
    changed_at = NOW - timedelta(weeks=3)
    world = World(HiddenCauses())
    world.causes.engagement = [
        Engagement("a", "", since, changed_at, 5.0),
    ]
    subject = (RecordKind.CONTACT, "a")
    assert shifted(world, NOW, frozenset()).holds == {subject}
    off = frozenset(NOW.date() - timedelta(days=days) for days in range(1, 22))
    assert shifted(world, NOW, off) == Truth()


def test_the_final_measure_looks_at_worlds_that_nobody_has_tuned_on() -> None:
    seeds = {split: {world.seed for world in worlds_of(split)} for split in Split}
    assert seeds == {
        Split.DEVELOPMENT: {11, 12, 13, 14, 15, 16},
        Split.HELD_OUT: {8301, 8302, 8303, 8304, 8305, 8306},
    }
    moments = {split: {world.now for world in worlds_of(split)} for split in Split}
    assert not moments[Split.DEVELOPMENT] & moments[Split.HELD_OUT]
