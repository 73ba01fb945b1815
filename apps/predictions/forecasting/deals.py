"""The deals of a company as arrays, and what was known of them on a day."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.int64]

# Amounts are taken for written at the close when 90 % of one outcome have one and 10 % of the other do;
# with fewer deals of either kind than this, chance could look like it.
_HAVE_0_1, _LACK_0_1, _ENOUGH_TO_TELL = 0.9, 0.1, 10


@dataclass(frozen=True, slots=True)
class Deal:
    """A deal as the company's records have it; days, names and amounts may be missing or wrong."""

    id: str
    opened: date | None
    closed: date | None
    won: bool
    amount: float | None
    owner: str = ""
    team: str = ""


@dataclass(frozen=True, slots=True)
class StageMove:
    """A deal came to a stage on a day."""

    deal_id: str
    entered: date
    stage: str


@dataclass(frozen=True)
class DealHistory:
    """Deals, one place of each array for each; days are ordinals of the calendar.

    Attributes:
        opened: the day.
        closed: the day; NaN while open.
        won: False while open.
        amount: NaN where it is not known; else 0 or more.
        owner, team: places in `owners` and `teams`.
        move_deal, move_day, move_stage: the changes of stage by day: which deal, when, place in `stages`.
        amount_known_while_open: False where amounts are written at the close only, so that having one
            would give the outcome away.
        remarks: what was left out or mended.
    """

    ids: tuple[str, ...]
    opened: Floats
    closed: Floats
    won: Flags
    amount: Floats
    owner: Codes
    team: Codes
    owners: tuple[str, ...]
    teams: tuple[str, ...]
    move_deal: Codes
    move_day: Floats
    move_stage: Codes
    stages: tuple[str, ...]
    amount_known_while_open: bool
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def is_open(self) -> Flags:
        """Which are open."""
        return np.isnan(self.closed)

    @property
    def won_value(self) -> Floats:
        """What each deal has brought: its amount where it is won, 0 where it is not or has none."""
        return np.where(self.won, np.nan_to_num(self.amount), 0.0)

    def won_between(self, first: float, after: float) -> float:
        """What was won from a day up to, but not including, another."""
        inside = self.won & (self.closed >= first) & (self.closed < after)
        return float(self.won_value[inside].sum())

    def as_of(self, day: int) -> DealHistory:
        """What was known as that day began.

        Deals that were opened later are not there; a deal that was closed later is open; a later stage is
        not entered; an amount that is written at the close is not known before.
        """
        known = self.opened < day
        closed = np.where(self.closed < day, self.closed, np.nan)[known]
        is_open = np.isnan(closed)
        amount = self.amount[known]
        if not self.amount_known_while_open:
            amount = np.where(is_open, np.nan, amount)
        places = np.cumsum(known) - 1
        moved = (self.move_day < day) & known[self.move_deal]
        return replace(
            self,
            ids=tuple(name for name, keep in zip(self.ids, known, strict=True) if keep),
            opened=self.opened[known],
            closed=closed,
            won=self.won[known] & ~is_open,
            amount=amount,
            owner=self.owner[known],
            team=self.team[known],
            move_deal=places[self.move_deal[moved]],
            move_day=self.move_day[moved],
            move_stage=self.move_stage[moved],
        )


def read_history(deals: Iterable[Deal], moves: Iterable[StageMove] = ()) -> DealHistory:
    """The deals as arrays. What cannot be right is mended or left out, and said in the remarks."""
    wrong: Counter[str] = Counter()
    kept: dict[str, tuple[Deal, float, float, float]] = {}
    for deal in deals:
        days = _days_of(deal, wrong)
        if deal.id in kept:
            wrong["Deals left out because their id came before"] += 1
        elif days is not None:
            kept[deal.id] = (deal, *days, _amount_of(deal, wrong))
    owners, owner = _codes([deal.owner for deal, *_ in kept.values()])
    teams, team = _codes([deal.team for deal, *_ in kept.values()])
    opened, closed, amount = (
        np.array([row[column] for row in kept.values()], dtype=np.float64) for column in (1, 2, 3)
    )
    won = np.array([deal.won for deal, *_ in kept.values()], dtype=np.bool_) & ~np.isnan(closed)
    places = {deal_id: place for place, deal_id in enumerate(kept)}
    known_moves = sorted(
        (move for move in moves if move.deal_id in places), key=lambda move: move.entered
    )
    stages, move_stage = _codes([move.stage for move in known_moves])
    is_known = not _tells_outcome(closed, won, amount)
    remarks = [f"{what}: {count:,}." for what, count in wrong.items()]
    if not is_known:
        remarks.append(
            "Amounts seem to be written at the close only: open deals count at the usual amount."
        )
    return DealHistory(
        ids=tuple(kept),
        opened=opened,
        closed=closed,
        won=won,
        amount=amount,
        owner=owner,
        team=team,
        owners=owners,
        teams=teams,
        move_deal=np.array([places[move.deal_id] for move in known_moves], dtype=np.int64),
        move_day=np.array([move.entered.toordinal() for move in known_moves], dtype=np.float64),
        move_stage=move_stage,
        stages=stages,
        amount_known_while_open=is_known,
        remarks=tuple(remarks),
    )


def sums_by(codes: Codes, values: Floats | Flags, count: int) -> Floats:
    """The sum of the values of each of `count` codes."""
    return np.bincount(codes, values, count).astype(np.float64)


def _days_of(deal: Deal, wrong: Counter[str]) -> tuple[float, float] | None:
    """The days on which it was opened and closed (NaN: open); None where it has no place in time."""
    if deal.closed is None:
        if deal.won:
            wrong["Deals left out because they were won on no known day"] += 1
        elif deal.opened is None:
            wrong["Deals left out because they have no day"] += 1
        else:
            return float(deal.opened.toordinal()), math.nan
        return None
    closed = float(deal.closed.toordinal())
    if deal.opened is None:
        wrong["Deals opened on no known day, taken as opened when they were closed"] += 1
        return closed, closed
    if deal.opened > deal.closed:
        wrong["Deals closed before they were opened, taken as opened when they were closed"] += 1
        return closed, closed
    return float(deal.opened.toordinal()), closed


def _amount_of(deal: Deal, wrong: Counter[str]) -> float:
    """The amount; NaN where there is none. An amount of 0 is one of a won deal only."""
    if deal.amount is None or math.isnan(deal.amount):
        return math.nan
    if not math.isfinite(deal.amount) or deal.amount < 0:
        wrong["Amounts below 0 or without end, taken as not known"] += 1
        return math.nan
    return deal.amount if deal.amount > 0 or deal.won else math.nan


def _tells_outcome(closed: Floats, won: Flags, amount: Floats) -> bool:
    """Whether having an amount gives away that a deal was won, or that it was closed."""
    has_one = ~np.isnan(amount)
    is_open = np.isnan(closed)
    for other in (~won & ~is_open, is_open):
        if (
            min(won.sum(), other.sum()) >= _ENOUGH_TO_TELL
            and has_one[won].mean() >= _HAVE_0_1
            and has_one[other].mean() <= _LACK_0_1
        ):
            return True
    return False


def _codes(names: Sequence[str]) -> tuple[tuple[str, ...], Codes]:
    """The different names in order, and the place of each."""
    different = tuple(sorted(set(names)))
    places = {name: place for place, name in enumerate(different)}
    return different, np.array([places[name] for name in names], dtype=np.int64)
