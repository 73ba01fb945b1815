"""The measures of learning: how soon it helps, whether its numbers hold, and whom it listens to."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from statistics import mean, median, stdev

from apps.suggestions.bench.ranker import losses
from apps.suggestions.bench.reviewers import A_DAY, REVIEWERS, Company, simulate
from apps.suggestions.learning.quieting import find_quiet

SEEDS = range(12)
DAYS = 30
# On this day the taste of the first reviewer turns round for half of the triggers.
_TURNS_ON = 20
# After ten days: the five that follow.
_AFTER = range(10, 15)
_LAST = 1_000
# By so much, in percent of the log loss, a ranker must beat plain rates before it is added (decision 21).
LEAST_GAIN = 1
_BINS = 10
_DRAWS = 400


def measure_learning() -> Iterator[dict[str, object]]:
    """Companies of four reviewers with hidden tastes, 40 suggestions a day each, for thirty days."""
    companies = [simulate(seed, DAYS, _leave) for seed in SEEDS]
    turned = [simulate(seed, DAYS, _turn) for seed in SEEDS]
    first = _wanted_share(companies, [0])
    later = _wanted_share(companies, _AFTER)
    best = mean(
        company.best[day, n] for company in companies for day in _AFTER for n in range(REVIEWERS)
    )
    yield {
        "app": "suggestions",
        "name": "wanted share of the top 10 after 10 days",
        "value": round(later / first, 2),
        "unit": "× the first day's",
        "target": 1.5,
        "better": "higher",
        "remark": f"{later:.0%} after {first:.0%}; {len(companies)} seeds, {REVIEWERS} reviewers,"
        f" {A_DAY} a day each; one who knew the tastes: {best / first:.2f}",
    }
    ratios = [calibration_ratio(company) for company in companies]
    shaken = [calibration_ratio(company) for company in turned]
    yield {
        "app": "suggestions",
        "name": "calibration of shown confidence on the last 1,000 decisions",
        "value": round(median(ratios), 2),
        "unit": "× p95 of a perfect one",
        "target": 1,
        "better": "lower",
        "remark": f"median of {len(ratios)} seeds, {_above(ratios)} above 1 (a perfect one:"
        f" {0.05 * len(ratios):.1f}), the worst {max(ratios):.2f}; where a taste has just changed:"
        f" {median(shaken):.2f}, {_above(shaken)} above 1",
    }
    curve = [_of_best(turned, day) for day in range(DAYS)]
    before = mean(curve[_TURNS_ON - 5 : _TURNS_ON])
    back = next((day for day in range(_TURNS_ON, DAYS) if curve[day] >= 0.9 * before), DAYS)
    yield {
        "app": "suggestions",
        "name": "days to follow a changed taste",
        "value": back - _TURNS_ON,
        "unit": "days",
        "target": 5,
        "better": "lower",
        "remark": f"until the top 10 are 90 % as good as before; of what is attainable {before:.0%}, then"
        f" {', '.join(f'{share:.0%}' for share in curve[_TURNS_ON : _TURNS_ON + 7])}",
    }
    yield _measure_rejecter(companies[:4])
    yield _measure_ranker(companies[:6], turned[:6])


def _measure_rejecter(ordinary: Sequence[Company]) -> dict[str, object]:
    silenced, shares, mine = 0, [], 0
    for plain in ordinary:
        company = simulate(plain.seed, _TURNS_ON, _reject_all)
        rejecter, *others = (person.pk for person in company.people)
        heard = [tally for tally in company.tallies if tally.person_id != rejecter]
        without = find_quiet(heard, [None, *others]).quiet
        found = find_quiet(company.tallies, [None, *others, rejecter]).quiet
        mine += sum(kind.person_id == rejecter for kind in found)
        silenced += len({*found} - {*without}) - sum(kind.person_id == rejecter for kind in found)
        shares.append(_others_share(company) / _others_share(plain))
    return {
        "app": "suggestions",
        "name": "kinds silenced for others by one who rejects everything",
        "value": silenced,
        "unit": "kinds",
        "target": 0,
        "better": "lower",
        "remark": f"{mine} for themselves, in {len(shares)} seeds; wanted among the others' top 10:"
        f" {mean(shares):.2f} × that beside an ordinary colleague",
    }


def _measure_ranker(steady: Sequence[Company], turned: Sequence[Company]) -> dict[str, object]:
    """Half of the companies keep their tastes, in half of them one reviewer's has just turned round.

    The ranker's features are those that the tastes are made of: no ranker could hope for a fairer world.
    """
    among_steady, among_turned = _gains(steady), _gains(turned)
    gains = [*among_steady, *among_turned]
    return {
        "app": "suggestions",
        "name": "gain of a logistic ranker on later decisions",
        "value": round(mean(gains), 2),
        "unit": "% of log loss",
        "target": LEAST_GAIN,
        "better": "lower",
        "remark": f"± {2 * stdev(gains) / len(gains) ** 0.5:.2f} on {len(gains):,} decisions"
        f" ({mean(among_steady):+.1f} where tastes stay, {mean(among_turned):+.1f} where one has"
        f" changed); above {LEAST_GAIN} it would be worth adding",
    }


def _gains(companies: Sequence[Company]) -> list[float]:
    """By how much of the plain rates' mean log loss the ranker does better, for each late decision."""
    pairs = [
        pair
        for company in companies
        for pair in losses(company.judged, since=_TURNS_ON, until=DAYS)
    ]
    plain = mean(loss for loss, _ in pairs)
    return [100 * (loss - ranked) / plain for loss, ranked in pairs]


def _turn(company: Company, day: int) -> None:
    company.tastes[0].is_turned = day >= _TURNS_ON


def _leave(company: Company, day: int) -> None:
    """Nothing changes."""


def _reject_all(company: Company, day: int) -> None:
    company.tastes[0].wants_nothing = True


def _above(ratios: Sequence[float]) -> int:
    return sum(ratio > 1 for ratio in ratios)


def _wanted_share(companies: Sequence[Company], days: Iterable[int]) -> float:
    """By the hidden chances: the luck of single decisions is no merit of the learner."""
    return mean(one.chance for company in companies for day in days for one in company.top(day))


def _of_best(companies: Sequence[Company], day: int) -> float:
    """How good the first reviewer's top 10 are, as a share of the best that could be had."""
    had = mean(one.chance for company in companies for one in company.top(day) if one.reviewer == 0)
    return had / mean(company.best[day, 0] for company in companies)


def _others_share(company: Company) -> float:
    """What the others wanted among their top 10 in the last ten days."""
    return mean(
        one.chance for day in range(10, 20) for one in company.top(day) if one.reviewer != 0
    )


def calibration_ratio(company: Company) -> float:
    """The calibration error of the last decisions, over the 95th percentile of a perfect one's.

    A perfect one is drawn: at the same shown confidences, each decision falls as the confidence says
    (consistency resampling, Bröcker and Smith 2007).
    """
    shown = [(one.shown, one.wanted) for one in company.judged if one.shown is not None][-_LAST:]
    random_ = random.Random(company.seed)  # noqa: S311 - a simulation
    drawn = sorted(
        _error([(chance, random_.random() < chance) for chance, _ in shown]) for _ in range(_DRAWS)
    )
    return _error(shown) / drawn[int(0.95 * _DRAWS)]


def _error(pairs: Sequence[tuple[float, bool]]) -> float:
    """The expected calibration error in ten bins of equal number."""
    ordered = sorted(pairs)
    size = len(ordered)
    bins = [ordered[b * size // _BINS : (b + 1) * size // _BINS] for b in range(_BINS)]
    return sum(abs(sum(chance - wanted for chance, wanted in one)) for one in bins) / size
