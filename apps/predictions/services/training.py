"""Training: a tenant's outcomes become a model, which serves when it says more than the base rate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Max

from apps.crm.models import ChangeLog
from apps.predictions.columns import Value
from apps.predictions.documents import digest_of
from apps.predictions.enums import Prediction
from apps.predictions.exceptions import DocumentRefusedError
from apps.predictions.features import feature_set, read_examples, window_days
from apps.predictions.features.reading import SUBJECTS
from apps.predictions.models import TrainedModel
from apps.predictions.services.card_writing import card_of
from apps.predictions.services.succession import Newcomer, take_in
from apps.tenants.work.runs import Tell

if TYPE_CHECKING:
    # Numerical libraries load where they are used: never in the web process.
    from apps.predictions.estimation.examples import Examples
    from apps.predictions.estimation.ladder import Climb
    from apps.predictions.estimation.tables import Table

# Outcomes mature with time, without any change: so often a model is learned anew all the same.
OLDEST_MODEL = timedelta(days=7)
_SEED = 0
_DAY_S = 86_400
# What everybody sees of a record anyway. A score that says no more than these columns is not shown: that
# deals which are open for long end otherwise than others is told by the forecast.
_PLAIN = {Prediction.DEAL_CLOSE: frozenset({"age", "stage", "days_in_stage"})}
# So many standard errors must lie between the rankings.
_BEYOND_CHANCE_Z = 2.0
_NOTHING_TO_LEARN_FROM = "There is no outcome to learn from yet."

_DAYS_TO_WIN = """
SELECT percentile_cont(ARRAY(SELECT n / 100.0::float8 FROM generate_series(0, 100) AS n))
       WITHIN GROUP (ORDER BY (closed_on - opened_on)::float8)
FROM crm_opportunity
WHERE outcome = 'won' AND opened_on IS NOT NULL AND closed_on >= opened_on
"""


@dataclass(frozen=True, slots=True)
class Lessons:
    """What a model is learned from: examples, the span of their moments, and words for their columns.

    ``with_history_0_1`` is the share of examples of which the change log knows how they came to be so.
    """

    examples: Examples
    first: datetime | None
    last: datetime | None
    labels: Mapping[str, str]
    with_history_0_1: float


def train(prediction: Prediction, *, now: datetime, tell: Tell) -> str:
    """Learn a model from all outcomes known by now, and put it into service if it proves itself.

    Returns what came of it, in words.

    Raises:
        WorkCancelledError: a person wants it to stop; nothing was written then.
    """
    from apps.predictions.estimation.ladder import climb

    lessons = read_lessons(prediction, now, tell)
    if not len(lessons.examples):
        return _NOTHING_TO_LEARN_FROM
    found = climb(lessons.examples, seed=_SEED, told=tell)
    is_plain = found.is_served and not _tells_more_than_plain(prediction, found, lessons, tell)
    document = found.document.to_bytes()
    newcomer = Newcomer(
        prediction=prediction,
        rung=found.rung,
        is_proven=found.is_served and not is_plain,
        outcomes=found.outcomes,
        base_rate_0_1=lessons.examples.base_rate_0_1,
        card=card_of(
            found,
            lessons,
            is_plain=is_plain,
            window_days=window_days(prediction, now),
            days_to_win=_days_to_win(prediction),
        ),
        document=document,
        digest=digest_of(document),
    )
    return take_in(newcomer, now=now).state_reason


def is_due(prediction: Prediction, now: datetime) -> bool:
    """Whether records have changed since the last training, it is long ago, or its model cannot be read.

    An upgrade may leave documents behind that the new version does not read.
    """
    trained_at = TrainedModel.objects.filter(prediction=prediction).aggregate(
        last=Max("trained_at")
    )["last"]
    if trained_at is None or trained_at < now - OLDEST_MODEL:
        return True
    kind = SUBJECTS[prediction].about.kind
    has_changed = ChangeLog.objects.filter(record_kind=kind, changed_at__gt=trained_at).exists()
    return has_changed or not _is_readable(prediction)


def _is_readable(prediction: Prediction) -> bool:
    """Whether the model in service, if one is, can be scored with."""
    model = TrainedModel.objects.serving().filter(prediction=prediction).first()
    if model is None:
        return True
    try:
        model.read_document()
    except DocumentRefusedError:
        return False
    return True


def read_lessons(prediction: Prediction, now: datetime, tell: Tell) -> Lessons:
    """Read the examples of a prediction, chunk by chunk."""
    import numpy as np

    from apps.predictions.estimation.examples import Examples
    from apps.predictions.estimation.tables import Table

    features = feature_set(prediction)
    ids: list[int] = []
    moments: list[datetime] = []
    outcomes: list[bool] = []

    def rows() -> Iterator[Sequence[Value]]:
        for chunk in read_examples(prediction, now, features):
            ids.extend(chunk.ids)
            moments.extend(chunk.moments)
            outcomes.extend(chunk.outcomes)
            yield from chunk.rows
            tell(len(ids), 0)

    table = Table.from_tuples(features.columns, rows())
    return Lessons(
        examples=Examples(
            table=table,
            labels=np.array(outcomes, dtype=bool),
            moments=np.array([moment.timestamp() / _DAY_S for moment in moments]),
            groups=np.array(ids, dtype=np.int64),
        ),
        first=min(moments, default=None),
        last=max(moments, default=None),
        labels={feature.name: feature.label for feature in features.features},
        with_history_0_1=_share_with_history(table),
    )


def _share_with_history(table: Table) -> float:
    """The share of examples whose feature ``has_history`` says yes."""
    known = table.categories["has_history"]
    if "yes" not in known.vocabulary:
        return 0.0
    return float((known.codes == known.vocabulary.index("yes")).mean())


def _tells_more_than_plain(
    prediction: Prediction, found: Climb, lessons: Lessons, tell: Tell
) -> bool:
    """Whether all columns say more than the plain ones, beyond chance; the same rows judge both."""
    from apps.predictions.estimation.ladder import climb

    plain = _PLAIN.get(prediction)
    if plain is None:
        return True
    examples = lessons.examples
    others = {column.name for column in examples.table.columns} - plain
    alone = climb(examples.without_columns(others), seed=_SEED, told=tell)
    if not alone.is_served:
        return True
    (mine,) = (row for row in found.standings if row.rung is found.rung)
    (theirs,) = (row for row in alone.standings if row.rung is alone.rung)
    is_ranked_better = mine.ranking_z - theirs.ranking_z >= _BEYOND_CHANCE_Z
    return is_ranked_better and mine.log_loss < theirs.log_loss


def _days_to_win(prediction: Prediction) -> tuple[float, ...]:
    """The hundredths of the days that won deals took; empty for other predictions, and without any."""
    if prediction is not Prediction.DEAL_CLOSE:
        return ()
    with connection.cursor() as cursor:
        cursor.execute(_DAYS_TO_WIN)
        return tuple(cursor.fetchone()[0] or ())
