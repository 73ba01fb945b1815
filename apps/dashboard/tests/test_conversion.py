"""From stage to stage: what became of the deals that entered one."""

from __future__ import annotations

from datetime import timedelta

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
