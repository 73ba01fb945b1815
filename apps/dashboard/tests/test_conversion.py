"""From stage to stage: what became of the deals that entered one."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from random import Random

import pytest
from django.utils import timezone

from apps.conftest import Cast
from apps.crm.models import Opportunity
from apps.dashboard.asked import Asked
from apps.dashboard.conversion import read_conversion, window_days
from apps.dashboard.enums import Scope
from apps.dashboard.tests.figures import asked_by, moved_deal, stages

Counts = tuple[int, int, int, int]


def counts(asked: Asked) -> dict[str, Counts]:
    """Entered, moved on, won and lost of each stage that a deal has entered."""
    rows = read_conversion(Opportunity.objects.filter(asked.is_of()), asked, stages())
    return {
        row.stage.key: (row.entered, row.moved_on, row.won, row.lost) for row in rows if row.entered
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (["engaging"], {"engaging": (1, 0, 0, 0)}),
        (["engaging", "won"], {"engaging": (1, 1, 1, 0)}),
        (["engaging", "lost"], {"engaging": (1, 0, 0, 1)}),
        (
            ["engaging", "proposal"],
            {"engaging": (1, 1, 0, 0), "proposal": (1, 0, 0, 0)},
        ),
        (
            ["prospecting", "engaging", "lost"],
            {"prospecting": (1, 1, 0, 0), "engaging": (1, 0, 0, 1)},
        ),
        # Back is not further, and what follows counts for the stage that was left.
        (["proposal", "engaging"], {"proposal": (1, 0, 0, 0), "engaging": (1, 0, 0, 0)}),
        (
            ["engaging", "proposal", "engaging", "won"],
            {"engaging": (1, 1, 1, 0), "proposal": (1, 1, 1, 0)},
        ),
        # Lost, taken up again and won.
        (["engaging", "lost", "engaging", "won"], {"engaging": (1, 1, 1, 0)}),
        # Entered as won: it passed through no open stage.
        (["won"], {}),
    ],
)
def test_what_becomes_of_a_deal(cast: Cast, path: list[str], expected: dict[str, Counts]) -> None:
    moved_deal(*path)
    assert counts(asked_by(cast.manager)) == expected


def test_stages_add_up(cast: Cast) -> None:
    moved_deal("engaging", "won")
    moved_deal("engaging", "lost")
    moved_deal("engaging", "proposal")
    moved_deal("engaging")
    asked = asked_by(cast.manager)
    rows = read_conversion(Opportunity.objects.all(), asked, stages())
    row = next(row for row in rows if row.stage.key == "engaging")
    assert (row.entered, row.moved_on, row.lost, row.rest) == (4, 2, 1, 1)
    assert row.moved_on_0_1 == 0.5


def test_an_entry_before_the_window_does_not_count(cast: Cast) -> None:
    moved_deal("engaging", "proposal", days_ago=200)
    assert counts(asked_by(cast.manager)) == {"proposal": (1, 0, 0, 0)}
    later = timezone.now() + timedelta(days=181)
    assert counts(asked_by(cast.manager, now=later)) == {}


def test_a_longer_period_widens_the_window(cast: Cast) -> None:
    moved_deal("engaging", days_ago=200)
    short, long = asked_by(cast.manager), asked_by(cast.manager, Scope.EVERYONE, 365)
    assert (window_days(short), window_days(long)) == (180, 365)
    assert (counts(short), counts(long)) == ({}, {"engaging": (1, 0, 0, 0)})


def test_a_deal_begins_when_it_was_opened_if_that_was_before(cast: Cast) -> None:
    moved_deal("engaging", days_ago=1, opened_on=timezone.localdate() - timedelta(days=300))
    assert counts(asked_by(cast.manager)) == {}


def test_it_is_of_the_people_asked_for(cast: Cast) -> None:
    moved_deal("engaging", "won", owner=cast.rep)
    moved_deal("engaging", "lost", owner=cast.teammate)
    moved_deal("engaging", owner=cast.outsider)
    moved_deal("engaging", owner=None)
    assert counts(asked_by(cast.rep, Scope.ME)) == {"engaging": (1, 1, 1, 0)}
    assert counts(asked_by(cast.rep, Scope.TEAM)) == {"engaging": (2, 1, 1, 1)}
    assert counts(asked_by(cast.manager)) == {"engaging": (4, 1, 1, 1)}


@pytest.mark.parametrize("seed", range(5))
def test_random_histories_are_counted_as_by_hand(cast: Cast, seed: int) -> None:
    rng = Random(seed)
    keys = [row.key for row in stages()]
    expected: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for _ in range(12):
        path = [rng.choice(keys)]
        for _ in range(rng.randrange(5)):
            path.append(rng.choice([key for key in keys if key != path[-1]]))
        days_ago = rng.choice([10, 300])
        moved_deal(*path, days_ago=days_ago, account=None)
        for key, fates in entries_of(path, is_new=days_ago < 180).items():
            for place, is_so in enumerate((True, *fates)):
                expected[key][place] += is_so
    assert counts(asked_by(cast.manager)) == {key: tuple(row) for key, row in expected.items()}


def entries_of(path: list[str], *, is_new: bool) -> dict[str, tuple[bool, bool, bool]]:
    """Whether a deal moved on, was won, or was only lost after it first entered each open stage."""
    by_key = {row.key: row for row in stages()}
    found: dict[str, tuple[bool, bool, bool]] = {}
    for place, key in enumerate(path):
        row = by_key[key]
        if row.outcome != "open" or key in found or (place == 0 and not is_new):
            continue
        later = [by_key[other] for other in path[place + 1 :]]
        is_won = any(other.outcome == "won" for other in later)
        is_further = any(o.outcome == "open" and o.position > row.position for o in later)
        is_lost = any(other.outcome == "lost" for other in later)
        moved_on = is_won or is_further
        found[key] = (moved_on, is_won, is_lost and not moved_on)
    return found
