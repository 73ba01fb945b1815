"""Log losses beside those of peers: the same rows to learn from, the same rows to judge."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from apps.predictions.bench.data_sets import DataSet
from apps.predictions.bench.peers import Peer, peers
from apps.predictions.estimation.bulk import probabilities
from apps.predictions.estimation.examples import Examples
from apps.predictions.estimation.ladder import climb
from apps.predictions.estimation.measures import auc, losses
from apps.predictions.estimation.splits import newest, random_folds, random_part
from apps.predictions.estimation.tables import Floats, Indices, Table

OURS = "ours"
# So many rows to learn from, and how often they are drawn; few rows differ more from one draw to the next.
DRAWS = {30: 16, 100: 10, 500: 5, 2_000: 2}
_JUDGED_SHARE = 0.3
_JUDGED_ROWS = 3_000
_NEWEST_SHARE = 0.25
_BOOTSTRAPS = 1_000
# A probability of 0 or 1, which some peers give, would make a single surprise infinitely wrong.
_NEARLY_0, _NEARLY_1 = 1e-4, 1 - 1e-4
# Deviations within which a peer counts as reproduced.
_AUC_WITHIN, _LOG_LOSS_WITHIN = 0.01, 0.02


@dataclass(frozen=True, slots=True)
class Comparison:
    """The losses of everyone on the same judged rows, one line for each draw of the rows to learn from."""

    rows: tuple[Indices, ...]
    labels: tuple[np.ndarray, ...]
    scores: Mapping[str, tuple[Floats, ...]]

    def log_loss(self, name: str) -> float:
        """The mean over all rows and draws."""
        return float(np.mean(np.concatenate(self._losses(name))))

    def judgings(self, name: str) -> Iterator[tuple[np.ndarray, Floats]]:
        """Outcomes and scores of all judged rows, one judging after the other."""
        size = len(np.unique(np.concatenate(self.rows)))
        labels, scores = np.concatenate(self.labels), np.concatenate(self.scores[name])
        for begin in range(0, len(labels), size):
            yield labels[begin : begin + size], scores[begin : begin + size]

    def best_peer(self) -> str:
        """Whoever else has the lowest log loss, the base rate included, as known afterwards."""
        return min((name for name in self.scores if name != OURS), key=self.log_loss)

    def within_noise(self, peer: str) -> float:
        """By how much ours could be higher than the peer's by chance: half of a bootstrap interval of 95 %.

        Draws are drawn again, and rows within them.
        """
        rng = np.random.default_rng(0)
        differences = [
            ours - other for ours, other in zip(self._losses(OURS), self._losses(peer), strict=True)
        ]
        means = np.empty(_BOOTSTRAPS)
        for place in range(_BOOTSTRAPS):
            drawn = rng.integers(0, len(differences), len(differences))
            means[place] = np.mean([
                rng.choice(differences[draw], len(differences[draw])).mean() for draw in drawn
            ])  # fmt: skip
        return float(np.mean(means) - np.quantile(means, 0.025))

    def _losses(self, name: str) -> list[Floats]:
        return [
            losses(labels, scores)
            for labels, scores in zip(self.labels, self.scores[name], strict=True)
        ]


def ours(train: Examples, test: Table) -> Floats:
    """The champion of the ladder."""
    return probabilities(climb(train).document, test)


def compare(examples: Examples, size: int | None) -> Comparison:
    """Learn from so many rows, or from all but the judged ones, again and again."""
    train, test = _judged(examples)
    if size is None:
        return _compare(examples, [(train, test)])
    draws = [_draw(examples, train, size, seed) for seed in range(DRAWS[size])]
    return _compare(examples, [(drawn, test) for drawn in draws])


def compare_folds(examples: Examples, repetitions: int) -> Comparison:
    """Judge every row, as the published figures do."""
    folds = [fold for seed in range(repetitions) for fold in random_folds(examples, 5, seed)]
    return _compare(examples, folds)


def reproduce(data_set: DataSet, examples: Examples) -> Iterator[tuple[str, float, float, float]]:
    """Each peer that can run here, its AUC and log loss, and how far it falls short of what is published.

    The shortfall is counted in what is allowed: more than one, and the peer is not as good as it was.
    """
    splits = [
        fold for seed in range(data_set.repetitions) for fold in random_folds(examples, 5, seed)
    ] or [_judged(examples)]
    able = peers()
    for name, (published_auc, published_loss) in data_set.published.items():
        if name not in able:
            continue
        comparison = _compare(examples, splits, {name: able[name]})
        found_auc = float(np.mean([
            auc(labels, scores)
            for labels, scores in zip(comparison.labels, comparison.scores[name], strict=True)
        ]))  # fmt: skip
        found_loss = comparison.log_loss(name)
        shortfall = max(
            (published_auc - found_auc) / _AUC_WITHIN,
            (found_loss - published_loss) / _LOG_LOSS_WITHIN,
        )
        yield name, found_auc, found_loss, shortfall


def _judged(examples: Examples) -> tuple[Indices, Indices]:
    """The rows to learn from and those to judge, of which there are not too many."""
    fold = newest(examples, _NEWEST_SHARE)
    if fold is not None:
        return fold.train, fold.test
    train, test = random_part(examples, _JUDGED_SHARE, seed=1)
    rng = np.random.default_rng(1)
    return train, np.sort(rng.permutation(test)[:_JUDGED_ROWS])


def _draw(examples: Examples, train: Indices, size: int, seed: int) -> Indices:
    """So many rows, of each outcome its share, but at least two: the peers' libraries need that."""
    rng = np.random.default_rng(seed)
    is_positive = examples.labels[train]
    positives = max(2, round(size * is_positive.mean()))
    drawn = [
        rng.choice(train[is_positive], positives, replace=False),
        rng.choice(train[~is_positive], size - positives, replace=False),
    ]
    rows: Indices = np.sort(np.concatenate(drawn))
    return rows


def _compare(
    examples: Examples,
    splits: list[tuple[Indices, Indices]],
    others: Mapping[str, Peer] | None = None,
) -> Comparison:
    everyone = others if others is not None else {OURS: ours, **peers()}
    scores: dict[str, list[Floats]] = {name: [] for name in everyone}
    with threadpool_limits(limits=1), warnings.catch_warnings():
        # With thirty rows some libraries warn of what is meant here.
        warnings.simplefilter("ignore")
        for train, test in splits:
            taught, judged = examples.take(train), examples.table.take(test)
            for name, learner in everyone.items():
                scores[name].append(np.clip(learner(taught, judged), _NEARLY_0, _NEARLY_1))
    return Comparison(
        rows=tuple(test for _, test in splits),
        labels=tuple(examples.labels[test] for _, test in splits),
        scores={name: tuple(found) for name, found in scores.items()},
    )
