"""Deals that were set back: a plan fell through at the customer's, and an earlier stage is true again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from apps.operations.demo.dates import Calendar

Stages = list[tuple[str, datetime]]

_SET_BACK_SHARE = 0.05


def set_back(stages: Stages, order: Sequence[str], calendar: Calendar, rng: Random) -> Stages:
    """Let some open deals have been a stage further before, and come back to where they stand.

    Args:
        stages: the keys that an open deal has passed, with the moments.
        order: the open stages, the earliest first.
    """
    present, entered_at = stages[-1]
    position = order.index(present)
    if position + 1 == len(order) or rng.random() >= _SET_BACK_SHARE:
        return stages
    # Whole weeks, so that what happened on a weekday still did.
    weeks = timedelta(weeks=rng.randint(2, 6))
    before = [(stage, at - weeks) for stage, at in stages]
    further_at = calendar.after(entered_at - weeks, weeks.days * rng.uniform(0.3, 0.7), rng)
    return [*before, (order[position + 1], further_at), (present, entered_at)]
