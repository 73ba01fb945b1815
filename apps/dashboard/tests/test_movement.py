"""Deals that moved: which way, and the latest of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audit.schemas import Actor
from apps.audit.services import acting
from apps.conftest import Cast
from apps.crm.models import Opportunity
from apps.dashboard.asked import Asked
from apps.dashboard.enums import Direction, Scope
from apps.dashboard.movement import MOVES_SHOWN, Movement, direction_of, read_movement
from apps.dashboard.tests.figures import asked_by, moved_deal, stage, stages


def movement(asked: Asked) -> Movement:
    return read_movement(Opportunity.objects.filter(asked.is_of()), asked, stages())


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        ("engaging", "proposal", Direction.FORWARD),
        ("proposal", "engaging", Direction.BACK),
        ("proposal", "won", Direction.WON),
        ("proposal", "lost", Direction.LOST),
        ("lost", "negotiation", Direction.BACK),
        ("lost", "won", Direction.WON),
    ],
)
def test_which_way_a_deal_went(cast: Cast, before: str, after: str, direction: Direction) -> None:
    assert direction_of(stage(before), stage(after)) == direction


def test_moves_are_counted_and_the_latest_stand_first(cast: Cast) -> None:
    first = moved_deal("engaging", "proposal", "engaging")
    with acting(Actor.for_person(cast.rep)):
        second = moved_deal("engaging", "won")
    moved_deal("engaging")
    found = movement(asked_by(cast.manager))
    assert (found.forward, found.back, found.won, found.lost, found.total) == (1, 1, 1, 0, 3)
    assert [(move.deal, move.direction, move.who) for move in found.latest] == [
        (second, Direction.WON, "Rita Rep"),
        (first, Direction.BACK, ""),
        (first, Direction.FORWARD, ""),
    ]


def test_only_some_are_shown_and_all_are_counted(cast: Cast) -> None:
    for _ in range(MOVES_SHOWN + 1):
        moved_deal("engaging", "lost")
    found = movement(asked_by(cast.manager))
    assert (len(found.latest), found.lost) == (MOVES_SHOWN, MOVES_SHOWN + 1)


def test_moves_before_the_period_are_past(cast: Cast) -> None:
    moved_deal("engaging", "proposal")
    later = timezone.now() + timedelta(days=31)
    found = movement(asked_by(cast.manager, Scope.EVERYONE, 30, later))
    assert found == Movement((), 0, 0, 0, 0)


def test_other_peoples_deals_stay_with_them(cast: Cast) -> None:
    mine = moved_deal("engaging", "won", owner=cast.rep)
    moved_deal("engaging", "won", owner=cast.teammate)
    moved_deal("engaging", "won", owner=cast.outsider)
    found = movement(asked_by(cast.rep, Scope.ME))
    assert ([move.deal for move in found.latest], found.won) == ([mine], 1)
    assert movement(asked_by(cast.rep, Scope.TEAM)).won == 2
