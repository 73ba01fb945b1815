"""Scoring: all records at night, changed ones within a minute, one at a time when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from apps.crm.enums import RecordKind
from apps.predictions.documents import ModelDocument
from apps.predictions.enums import Prediction
from apps.predictions.exceptions import NothingServesError, ScoringBusyError
from apps.predictions.features import contact_engagement, feature_set, read_rows
from apps.predictions.features.reading import CHUNK_ROWS, SUBJECTS
from apps.predictions.models import TrainedModel
from apps.predictions.services.writing import Scored, write_scores
from apps.tenants.locks import holding
from apps.tenants.work.runs import Tell

ENGAGEMENT_VERSION = "contact_engagement-1"
# Somebody who scores all records is at it for minutes; who scores changed ones comes again soon.
_WAIT_MS = 20_000


@dataclass(frozen=True, slots=True)
class Page:
    """Records with their scores, in the order of their ids."""

    ids: Sequence[int]
    scores_0_1: Sequence[float]


# Reads and scores the records after an id, or those of the given ids.
PageReader = Callable[[int, Sequence[int] | None], Page]


@dataclass(frozen=True, slots=True)
class Scorer:
    """What gives the scores of a prediction at a moment."""

    prediction: Prediction
    version: str
    read: PageReader

    @property
    def kind(self) -> RecordKind:
        """The kind of record that is scored."""
        return SUBJECTS[self.prediction].record_kind


def score_all(prediction: Prediction, *, now: datetime, tell: Tell) -> str:
    """Score every record that is asked about; what is no longer asked about loses its score.

    Written page by page, so that a run that was cut off has lost nothing: the next one writes only what
    moved. Returns what came of it, in words.

    Raises:
        NothingServesError: no model is in service.
        ScoringBusyError: somebody else is at it.
        WorkCancelledError: a person wants it to stop.
    """
    scorer = scorer_of(prediction, now)
    read = moved = 0
    with _sole_writer(prediction):
        for after_id, until_id, page in _pages(scorer):
            scored = Scored(page.ids, page.scores_0_1, after_id=after_id, until_id=until_id)
            moved += write_scores(prediction, scorer.kind, scored, version=scorer.version, now=now)
            read += len(page.ids)
            tell(read, 0)
    return f"{read:,} records scored; {moved:,} scores are new or have moved."


def score_records(prediction: Prediction, ids: Iterable[int], *, now: datetime) -> int:
    """Score some records anew; returns how many scores have moved.

    Raises:
        NothingServesError: no model is in service.
        ScoringBusyError: somebody else is at it.
    """
    scorer = scorer_of(prediction, now)
    wanted = sorted(set(ids))
    moved = 0
    with _sole_writer(prediction):
        for start in range(0, len(wanted), CHUNK_ROWS):
            asked = wanted[start : start + CHUNK_ROWS]
            page = scorer.read(0, asked)
            scored = Scored(page.ids, page.scores_0_1, asked=asked)
            moved += write_scores(prediction, scorer.kind, scored, version=scorer.version, now=now)
    return moved


def scorer_of(prediction: Prediction, now: datetime) -> Scorer:
    """What scores a prediction now.

    Raises:
        NothingServesError: no model is in service.
    """
    if prediction is Prediction.CONTACT_ENGAGEMENT:
        return Scorer(prediction, ENGAGEMENT_VERSION, _engagement_reader(now))
    model = TrainedModel.objects.serving().filter(prediction=prediction).first()
    if model is None:
        raise NothingServesError()
    document = model.read_document()
    return Scorer(prediction, model.version, _model_reader(prediction, document, now))


def _model_reader(prediction: Prediction, document: ModelDocument, now: datetime) -> PageReader:
    from apps.predictions.estimation.bulk import probabilities
    from apps.predictions.estimation.tables import Table

    features = feature_set(prediction)

    def read(after_id: int, ids: Sequence[int] | None) -> Page:
        chunk = read_rows(prediction, now, ids, after_id, CHUNK_ROWS, features)
        table = Table.from_tuples(chunk.columns, chunk.rows)
        return Page(chunk.ids, probabilities(document, table).tolist())

    return read


def _engagement_reader(now: datetime) -> PageReader:
    def read(after_id: int, ids: Sequence[int] | None) -> Page:
        found = contact_engagement(now, ids, after_id, CHUNK_ROWS)
        return Page([row.contact_id for row in found], [row.score_0_1 for row in found])

    return read


def _pages(scorer: Scorer) -> Iterator[tuple[int, int | None, Page]]:
    """The pages of everything, each with the ids between which it lies; the last one reaches to the end."""
    after_id = 0
    while True:
        page = scorer.read(after_id, None)
        is_last = len(page.ids) < CHUNK_ROWS
        yield after_id, None if is_last else page.ids[-1], page
        if is_last:
            return
        after_id = page.ids[-1]


@contextmanager
def _sole_writer(prediction: Prediction) -> Iterator[None]:
    """Nobody else writes scores of the prediction within the block."""
    with holding(f"scoring:{prediction}", wait_ms=_WAIT_MS) as is_ours:
        if not is_ours:
            raise ScoringBusyError()
        yield
