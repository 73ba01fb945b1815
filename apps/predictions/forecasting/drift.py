"""How what comes differs from what is expected: of late, and from month to month."""

from __future__ import annotations

import numpy as np

from apps.predictions.forecasting.deals import Floats

_BLOCK_DAYS = 28
# Blocks whose mean stands for what could have been expected of the next one.
_BEFORE = 3
# A spread, drawn to this one (10 % of the mean) as if so many blocks more had shown it; and the most that
# is believed.
_SPREAD, _K_SPREAD, _MOST_SPREAD = 0.01, 4.0, 0.5


def shrunken(observed: Floats, expected: Floats, k: float) -> Floats:
    """Observed ÷ expected, drawn to 1 as if k more had come as expected."""
    return (observed + k) / (expected + k)


def level_of(observed: Floats, expected: Floats, *, half_life_days: float, k: float) -> float:
    """What came ÷ what was expected of it, on days of which the last is the newest."""
    age = np.arange(len(observed), 0, -1)
    weight = 0.5 ** (age / half_life_days)
    sums = np.array([observed @ weight, expected @ weight])
    return float(shrunken(sums[0], sums[1], k))


def spread_ahead(spread: float, days: int) -> float:
    """The spread of the sum of so many days, when what a block was off goes on from block to block.

    That of the mean of n steps of a random walk, of which each is off by the spread.
    """
    blocks = max(days / _BLOCK_DAYS, 1.0)
    return spread * (blocks + 1) * (2 * blocks + 1) / (6 * blocks)


def spread_of(observed: Floats, expected: Floats) -> float:
    """Variance ÷ mean² of blocks of 28 days about the level of the three before, beyond that of chance.

    Chance is Poisson: its variance is the mean, and that of three blocks' mean a third of it.
    """
    blocks = len(observed) // _BLOCK_DAYS
    if blocks <= _BEFORE:
        return _SPREAD
    came, meant = (
        days[len(days) - blocks * _BLOCK_DAYS :].reshape(blocks, _BLOCK_DAYS).sum(axis=1)
        for days in (observed, expected)
    )
    came_before, meant_before = (
        np.convolve(counts, np.ones(_BEFORE), mode="valid")[:-1] for counts in (came, meant)
    )
    ratio = np.divide(
        came_before, meant_before, out=np.zeros_like(came_before), where=meant_before > 0
    )
    usual = meant[_BEFORE:] * ratio
    # The variance of the usual is that of its own number of events.
    by_chance = usual + np.divide(
        usual**2, came_before, out=np.zeros_like(usual), where=came_before > 0
    )
    beyond = float(((came[_BEFORE:] - usual) ** 2 - by_chance).sum())
    weight = float((usual**2).sum())
    prior = _K_SPREAD * weight / len(usual)
    if weight <= 0:
        return _SPREAD
    return float(np.clip((beyond + prior * _SPREAD) / (weight + prior), 0.0, _MOST_SPREAD))
