"""Climbing the ladder: a rung is tried when outcomes are enough, and stays when it predicts better."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from threadpoolctl import threadpool_limits

from apps.predictions.documents import ModelDocument
from apps.predictions.enums import Rung
from apps.predictions.estimation.encoding import LeftOut, empty_columns, encode, learn_columns
from apps.predictions.estimation.examples import Examples, Labels
from apps.predictions.estimation.leakage import find_leaks
from apps.predictions.estimation.measures import (
    Band,
    LiftBand,
    Measures,
    calibration_curve,
    lift_bands,
    losses,
    measure,
    ranking_z,
)
from apps.predictions.estimation.splits import Plan, plan_folds
from apps.predictions.estimation.stability import Reference, references
from apps.predictions.estimation.tables import Floats
from apps.predictions.estimation.trials import (
    RECIPES,
    Judged,
    Told,
    Trial,
    calibrate_rung,
    judge,
    learn_rung,
    try_learners,
)

# The first rung above the base rate must rank beyond chance, by so many standard errors of the AUC, since a
# lower loss may be luck: of tables of noise six to ten in a hundred are served then. Little data can hardly
# show as much, and what is served there lies near the base rate and costs one percent when it is wrong.
BEYOND_CHANCE_Z = 1.645
BEYOND_CHANCE_Z_OF_LITTLE_DATA = 1.0
LITTLE_DATA_OUTCOMES = 100


@dataclass(frozen=True, slots=True)
class Need:
    """What a rung asks for: so many records with an outcome, and of the rarer outcome."""

    outcomes: int
    rarer: int

    def is_met(self, examples: Examples) -> bool:
        """Whether there are enough."""
        return examples.outcomes >= self.outcomes and examples.rarer_outcomes >= self.rarer


# Logistic regression holds from about 100 outcomes on, boosting catches up between 500 and 1,000 (the figures
# in docs/predictions.md). Ten of the rarer outcome is the rule of events per variable (Peduzzi et al. 1996).
NEEDS = {
    Rung.FREQUENCIES: Need(outcomes=20, rarer=5),
    Rung.LOGISTIC: Need(outcomes=100, rarer=10),
    Rung.BOOSTING: Need(outcomes=500, rarer=25),
}
ORDER = (Rung.BASE_RATE, *NEEDS)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a rung did on the rows that judge, in log loss (lower is better), beside the base rate.

    ``gain`` is what it saves a row against the base rate, ``gain_error`` the standard error of that;
    ``ranking_z`` says how many standard errors it ranks above chance.
    """

    rung: Rung
    log_loss: float
    gain: float
    gain_error: float
    ranking_z: float


@dataclass(frozen=True, slots=True)
class Climb:
    """Where the ladder ended, and an honest account of it.

    Attributes:
        rung: the champion; `base_rate` where nothing beats it, and then no score is to be shown.
        is_served: whether scores are to be shown.
        outcomes: records with a known outcome.
        standings: every rung that was tried, the base rate first.
        next_need: what the next rung needs, in words.
        refused: columns from which was not learned, each with the reason.
        measures, base_measures: of the champion and the base rate on rows that neither had seen; None where
            there are too few rows to judge anything.
        curve: calibration with intervals, over scores that rise.
        lift: the tenths of the rows by falling score.
        references: how the columns were spread, to see later how far they moved.
        document: the champion, learned again from everything.
        is_by_time: whether the newest rows judged.
    """

    rung: Rung
    outcomes: int
    standings: tuple[Standing, ...]
    next_need: str
    refused: tuple[LeftOut, ...]
    measures: Measures | None
    base_measures: Measures | None
    curve: tuple[Band, ...]
    lift: tuple[LiftBand, ...]
    references: tuple[Reference, ...]
    document: ModelDocument
    is_by_time: bool

    @property
    def is_served(self) -> bool:
        """Whether the scores say more than the base rate."""
        return self.rung is not Rung.BASE_RATE


def climb(examples: Examples, *, seed: int = 0, told: Told | None = None) -> Climb:
    """Try every rung for which there are outcomes enough; the champion is learned again from everything.

    A rung is promoted when its log loss on the judging rows (the newest fifth where there are moments) is
    lower than the champion's, both calibrated; the first above the base rate must also rank beyond chance.
    The same examples and seed give the same document.
    """
    with threadpool_limits(limits=1):
        return _climb(examples, seed, told or _tell_nobody)


def _climb(examples: Examples, seed: int, told: Told) -> Climb:
    honest, refused = _without_refused(examples)
    rungs = _possible_rungs(honest)
    if len(rungs) == 1:
        return _without_judging(honest, refused)
    plan = plan_folds(honest, seed)
    learners = list(dict.fromkeys(name for rung in rungs for name in RECIPES[rung].learners))
    trials = try_learners(honest, plan, learners, seed, told)
    judged = {rung: judge(rung, trials, plan) for rung in rungs}
    standings = {
        rung: _standing(rung, found, judged[Rung.BASE_RATE], honest)
        for rung, found in judged.items()
    }
    champion = _choose(list(standings.values()), _beyond_chance_z(honest, plan))
    document, spread = _learn_again(honest, champion, trials, plan.repetitions, seed)
    told(len(plan.folds) + 1, len(plan.folds) + 1)
    shown = judged[champion]
    return Climb(
        rung=champion,
        outcomes=honest.outcomes,
        standings=tuple(standings.values()),
        next_need=_next_need(champion, honest, set(rungs)),
        refused=refused,
        measures=measure(shown.labels, shown.scores),
        base_measures=measure(shown.labels, judged[Rung.BASE_RATE].scores),
        curve=tuple(calibration_curve(*_once(shown))),
        lift=tuple(lift_bands(*_once(shown))),
        references=spread,
        document=document,
        is_by_time=plan.is_by_time,
    )


def _tell_nobody(done: int, total: int) -> None:
    """Nobody asked for the progress."""


def _without_refused(examples: Examples) -> tuple[Examples, tuple[LeftOut, ...]]:
    leaks = find_leaks(examples)
    honest = examples.without_columns({leak.column for leak in leaks})
    empty = empty_columns(honest.table)
    return honest.without_columns({column.column for column in empty}), (*leaks, *empty)


def _possible_rungs(examples: Examples) -> list[Rung]:
    if not examples.table.columns:
        return [Rung.BASE_RATE]
    return [Rung.BASE_RATE, *(rung for rung, need in NEEDS.items() if need.is_met(examples))]


def _without_judging(examples: Examples, refused: tuple[LeftOut, ...]) -> Climb:
    """The base rate of the few rows, or of rows of which nothing can be learned."""
    document, spread = _learn_again(examples, Rung.BASE_RATE, [], 1, 0)
    return Climb(
        rung=Rung.BASE_RATE,
        outcomes=examples.outcomes,
        standings=(),
        next_need=_next_need(Rung.BASE_RATE, examples, {Rung.BASE_RATE}),
        refused=refused,
        measures=None,
        base_measures=None,
        curve=(),
        lift=(),
        references=spread,
        document=document,
        is_by_time=False,
    )


def _standing(rung: Rung, judged: Judged, base: Judged, examples: Examples) -> Standing:
    saved = losses(base.labels, base.scores) - losses(judged.labels, judged.scores)
    of_record = _mean_by_record(saved, judged, examples)
    by_repetition = [
        ranking_z(judged.labels[is_one], judged.scores[is_one])
        for is_one in (judged.repetitions == place for place in np.unique(judged.repetitions))
    ]
    # Rows of one record tell little more than one of them.
    independent = np.sqrt(examples.outcomes / len(examples))
    return Standing(
        rung=rung,
        log_loss=float(losses(judged.labels, judged.scores).mean()),
        gain=float(saved.mean()),
        gain_error=float(of_record.std(ddof=1) / np.sqrt(len(of_record))),
        ranking_z=float(np.mean(by_repetition) * independent),
    )


def _mean_by_record(values: Floats, judged: Judged, examples: Examples) -> Floats:
    """The mean over a record's rows and repetitions."""
    owners = judged.rows if examples.groups is None else examples.groups[judged.rows]
    _, record = np.unique(owners, return_inverse=True)
    means: Floats = np.bincount(record, weights=values) / np.bincount(record)
    return means


def _choose(standings: list[Standing], beyond_chance_z: float) -> Rung:
    champion, *challengers = standings
    for challenger in challengers:
        is_first = champion.rung is Rung.BASE_RATE
        is_luck = is_first and challenger.ranking_z < beyond_chance_z
        if challenger.log_loss < champion.log_loss and not is_luck:
            champion = challenger
    return champion.rung


def _beyond_chance_z(examples: Examples, plan: Plan) -> float:
    """What the first rung must show. Of little data the newest fifth is a handful of rows: it may be luck."""
    is_little = examples.outcomes < LITTLE_DATA_OUTCOMES and not plan.is_by_time
    return BEYOND_CHANCE_Z_OF_LITTLE_DATA if is_little else BEYOND_CHANCE_Z


def _once(judged: Judged) -> tuple[Labels, Floats]:
    """Each judged row once: intervals would be too narrow otherwise."""
    is_first = judged.repetitions == 0
    return judged.labels[is_first], judged.scores[is_first]


def _learn_again(
    examples: Examples, rung: Rung, trials: list[Trial], repetitions: int, seed: int
) -> tuple[ModelDocument, tuple[Reference, ...]]:
    encoded = encode(learn_columns(examples.table), examples.table)
    document = ModelDocument(
        libraries={name: version(name) for name in ("numpy", "scikit-learn")},
        rung=rung,
        outcomes=examples.outcomes,
        base_rate_0_1=examples.base_rate_0_1,
        columns=encoded.columns,
        parts=learn_rung(rung, encoded, examples.labels, trials, seed),
        calibration=calibrate_rung(rung, trials, repetitions),
    )
    return document, references(encoded)


def _next_need(champion: Rung, examples: Examples, tried: set[Rung]) -> str:
    """What the next rung asks for, in words."""
    above = ORDER[ORDER.index(champion) + 1 :]
    if not above:
        return "This is the highest rung."
    rung = above[0]
    if rung in tried:
        return f"{rung.label} was tried and did not predict better."
    need = NEEDS[rung]
    return (
        f"{rung.label} needs {need.outcomes:,} records with a known outcome, {need.rarer} of the rarer one; "
        f"there are {examples.outcomes:,} and {examples.rarer_outcomes:,}."
    )
