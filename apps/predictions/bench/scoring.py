"""A million leads scored, features included, beside the features' SQL and the library's bare prediction."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

import numpy as np
from django.utils import timezone
from sklearn.ensemble import HistGradientBoostingClassifier

from apps.crm.models import Lead
from apps.predictions.bench.features import Reading, fill, read_all, run_bare
from apps.predictions.documents import Calibration, CategoryColumn, ModelDocument, digest_of
from apps.predictions.enums import ModelState, Prediction, Rung
from apps.predictions.estimation.encoding import EncodedTable, encode, learn_columns
from apps.predictions.estimation.rungs import BOOSTING, learn_trees
from apps.predictions.estimation.stability import references
from apps.predictions.estimation.tables import Table
from apps.predictions.features import read_rows, window_days
from apps.predictions.models import Score, TrainedModel
from apps.predictions.schemas import Distribution, ModelCard
from apps.predictions.services.changes import keep_cursor
from apps.predictions.services.scoring import score_records, scorer_of
from apps.predictions.services.work import score_changed
from apps.tenants.connections import tenant_connection
from apps.tenants.process_size import peak_size_mb
from apps.tenants.transactions import read_snapshot

_LEADS = 1_000_000
_LEARNED_FROM = 10_000
_ROUNDS = 100
_TIMES_BARE = 2
_MOST_MEMORY_MB = 1_500
_PREDICTION = Prediction.LEAD_CONVERSION
_CHANGED = 1_000
_MOST_ON_DEMAND_S, _MOST_IN_BULK_S = 1.0, 60.0
# The interval of "scoring of changes" in the schedule of beat.
_LOOK_EVERY_S = 30.0


def measure_scoring() -> Iterator[dict[str, object]]:
    """A million open leads, three activities each, and a model of boosted trees."""
    now = timezone.now()
    fill(_LEADS, now)
    encoded, labels = _lessons(now)
    _serve(encoded, labels)
    bare = run_bare(_PREDICTION, now, _LEADS)
    read = read_all(_PREDICTION, now)
    ours = _score_all(now)
    library_s = _predict_s(encoded, labels)
    if not bare.rows == read.rows == ours.rows == _LEADS:
        raise AssertionError("Not all leads were scored.")
    bare_s = bare.seconds + library_s
    yield {
        "name": "score 1M leads, features included",
        "value": round(ours.seconds, 1),
        "unit": "s",
        "target": round(_TIMES_BARE * bare_s, 1),
        "better": "lower",
        "baseline": round(bare_s, 1),
        "remark": f"{ours.seconds / bare_s:.2f} times the features' SQL ({bare.seconds:.1f} s, nothing sent)"
        f" and scikit-learn's predict on a matrix at hand ({library_s:.1f} s);"
        f" reading alone {read.seconds:.1f} s",
    }
    yield {
        "name": "worker memory of that scoring, scores written",
        "value": peak_size_mb(
            "score",
            "--tenant",
            tenant_connection().schema_name,
            "--prediction",
            _PREDICTION.value,
            "--json",
        ),
        "unit": "MB",
        "target": _MOST_MEMORY_MB,
        "better": "lower",
        "remark": f"{Score.objects.filter(is_latest=True).count():,} scores",
    }
    yield from _measure_changes()


def _measure_changes() -> Iterator[dict[str, object]]:
    """How soon after a change its score is there: one that is asked for, and many at the next look."""
    changed = list(Lead.objects.order_by("pk").values_list("pk", flat=True)[:_CHANGED])
    keep_cursor(read_snapshot().oldest_open)
    Lead.objects.filter(pk__in=changed).update(title="Changed", estimated_value=1_000)
    begun = time.perf_counter()
    score_records(_PREDICTION, changed[:1], now=timezone.now())
    one_s = time.perf_counter() - begun
    begun = time.perf_counter()
    score_changed(timezone.now())
    yield {
        "name": "changed record to new score, on demand",
        "value": round(one_s, 3),
        "unit": "s",
        "target": _MOST_ON_DEMAND_S,
        "better": "lower",
        "remark": "beside a million others; the model is read and the record's features, too",
    }
    yield {
        "name": f"{_CHANGED:,} changed records to new scores, in bulk",
        "value": round(_LOOK_EVERY_S + time.perf_counter() - begun, 1),
        "unit": "s",
        "target": _MOST_IN_BULK_S,
        "better": "lower",
        "remark": f"with the {_LOOK_EVERY_S:.0f} s until the next look, at most",
    }


def _lessons(now: datetime) -> tuple[EncodedTable, np.ndarray]:
    """Some of the leads as a model's table, with outcomes drawn from what they show."""
    page = read_rows(_PREDICTION, now, limit=_LEARNED_FROM)
    table = Table.from_tuples(page.columns, page.rows)
    chance = 0.1 + 0.1 * np.minimum(np.nan_to_num(table.numbers["mails_in_90"]), 5)
    return encode(learn_columns(table), table), np.random.default_rng(0).random(len(table)) < chance


def _serve(encoded: EncodedTable, labels: np.ndarray) -> None:
    """Put a model of boosted trees into service."""
    trees = learn_trees(encoded, labels, seed=0, rounds=_ROUNDS)
    document = ModelDocument(
        libraries={},
        rung=Rung.BOOSTING,
        outcomes=len(labels),
        base_rate_0_1=float(labels.mean()),
        columns=encoded.columns,
        parts=(trees,),
        calibration=Calibration(intercept=0.0, weights=(1.0,)),
    )
    content = document.to_bytes()
    TrainedModel.objects.filter(prediction=_PREDICTION).delete()
    TrainedModel.objects.create(
        prediction=_PREDICTION,
        number=1,
        state=ModelState.SERVING,
        rung=Rung.BOOSTING,
        outcomes=len(labels),
        base_rate_0_1=document.base_rate_0_1,
        card=_card_of(encoded).model_dump(mode="json"),
        document=content,
        digest=digest_of(content),
    )


def _card_of(encoded: EncodedTable) -> ModelCard:
    """A card with what a scoring reads of it: the spread of each column, for drift."""
    return ModelCard(
        data_from=None,
        data_until=None,
        examples=len(encoded),
        window_days=window_days(_PREDICTION, timezone.now()),
        with_history_0_1=1.0,
        next_rung_needs="",
        verdict="",
        standings=(),
        measures=None,
        calibration=(),
        lift=(),
        refused=(),
        columns={},
        distributions=tuple(
            Distribution(
                name=row.column, edges=row.edges, categories=row.categories, shares=row.shares
            )
            for row in references(encoded)
        ),
    )


def _score_all(now: datetime) -> Reading:
    """The pages of everything through the product's own scorer, which nothing writes down."""
    began, rows, after_id = time.perf_counter(), 0, 0
    scorer = scorer_of(_PREDICTION, now)
    while (page := scorer.read(after_id, None)).ids:
        rows += len(page.ids)
        after_id = page.ids[-1]
    return Reading(rows, time.perf_counter() - began)


def _predict_s(encoded: EncodedTable, labels: np.ndarray) -> float:
    """The library's own prediction for as many rows, from a matrix that lies in memory."""
    matrix = np.column_stack(encoded.values)
    model = HistGradientBoostingClassifier(
        learning_rate=BOOSTING.learning_rate,
        max_iter=_ROUNDS,
        max_leaf_nodes=BOOSTING.max_leaves,
        min_samples_leaf=BOOSTING.fewest_rows_of_a_leaf,
        l2_regularization=BOOSTING.l2,
        early_stopping=False,
        categorical_features=[isinstance(column, CategoryColumn) for column in encoded.columns],
        random_state=0,
    ).fit(matrix, labels)
    every = np.tile(matrix, (_LEADS // len(matrix), 1))
    began = time.perf_counter()
    model.predict_proba(every)
    return time.perf_counter() - began
