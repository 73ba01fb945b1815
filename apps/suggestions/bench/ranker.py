"""A logistic ranker, to be held against plain rates: what it would have to beat before it is added."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from apps.suggestions.bench.reviewers import Judged
from apps.suggestions.learning.rules import HALF_LIFE_DAYS

# Chosen on other seeds, for the ranker's best.
_RATE = 0.05
_EPOCHS = 6
_RIDGE = 0.004


def losses(judged: Sequence[Judged], *, since: int, until: int) -> list[tuple[float, float]]:
    """The log losses of plain rates and of the ranker on each decision of these days.

    Each day the ranker is trained on all that came before; plain rates are what the product expected.
    """
    found = []
    weights: dict[str, float] = {}
    for day in range(since, until):
        _train(weights, [one for one in judged if one.day < day], day)
        found += [
            (_loss(one.expected, one.wanted), _loss(_chance(weights, one), one.wanted))
            for one in judged
            if one.day == day
        ]
    return found


def _train(weights: dict[str, float], examples: Sequence[Judged], today: int) -> None:
    """Stochastic gradient descent with a ridge; a decision weighs half after thirty days, as everywhere."""
    for epoch in range(_EPOCHS):
        rate = _RATE / (1 + epoch)
        for one in examples:
            names = list(_features(one))
            age = 2 ** (-(today - one.day) / HALF_LIFE_DAYS)
            step = rate * age * (one.wanted - _chance(weights, one))
            for name in names:
                old = weights.get(name, 0.0)
                weights[name] = old + step - rate * _RIDGE * old


def _chance(weights: dict[str, float], one: Judged) -> float:
    return 1 / (1 + math.exp(-sum(weights.get(name, 0.0) for name in _features(one))))


def _features(one: Judged) -> Iterable[str]:
    who = one.reviewer
    return (
        "all",
        f"t {one.trigger}",
        f"s {one.segment}",
        f"p {who}",
        f"u {one.urgency}",
        f"t {one.trigger} s {one.segment}",
        f"p {who} t {one.trigger}",
        f"p {who} s {one.segment}",
        f"p {who} t {one.trigger} s {one.segment}",
    )


def _loss(chance: float, wanted: bool) -> float:
    inside = min(max(chance, 0.001), 0.999)
    return -math.log(inside if wanted else 1 - inside)
