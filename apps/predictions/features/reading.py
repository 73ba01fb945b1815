"""Reading features: pages of records as of a moment, and records of the past with what became of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import psycopg
from django.db import connection
from django.utils import timezone
from psycopg import sql

from apps.predictions.columns import Column, Row, Value
from apps.predictions.enums import Prediction
from apps.predictions.features.custom_fields import custom_features
from apps.predictions.features.deals import DEALS
from apps.predictions.features.definitions import FeatureSet
from apps.predictions.features.engagement import CONTACTS
from apps.predictions.features.leads import LEADS
from apps.predictions.features.outcomes import questions_of
from apps.predictions.features.renewals import RENEWALS
from apps.predictions.features.subjects import Asking

CHUNK_ROWS = 20_000
# A moment so lately past is the present: a scoring of everything takes minutes and has one moment.
PRESENT_LASTS = timedelta(minutes=10)

SUBJECTS = {subject.prediction: subject for subject in (LEADS, DEALS, RENEWALS, CONTACTS)}


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records with their features, in the order of ``ids``; each row has a value for each column."""

    columns: tuple[Column, ...]
    ids: list[int]
    rows: list[tuple[Value, ...]]

    def by_name(self, position: int) -> Row:
        """One record's features by name."""
        names = (column.name for column in self.columns)
        return dict(zip(names, self.rows[position], strict=True))


@dataclass(frozen=True, slots=True)
class Examples:
    """Records at moments of the past with what became of them, oldest first.

    ``ids`` are those of the rows whose outcome it is: lead, deal, contract. They are not unique: one is an
    example at each moment at which it was asked about.
    """

    columns: tuple[Column, ...]
    ids: list[int]
    moments: list[datetime]
    outcomes: list[bool]
    rows: list[tuple[Value, ...]]


@dataclass(frozen=True, slots=True)
class Engagement:
    """The engagement of a contact and its parts, each from 0 to 1; ``trend`` is its change in four weeks."""

    contact_id: int
    score_0_1: float
    trend: float
    recency_0_1: float
    frequency_0_1: float
    reciprocity_0_1: float


def feature_set(prediction: Prediction) -> FeatureSet:
    """The features of a prediction, with the tenant's custom fields as they are now."""
    subject = SUBJECTS[prediction]
    features = subject.features
    if subject.attributes:
        features += custom_features(subject.record_kind, subject.attributes)
    return FeatureSet(prediction, subject.record_kind, features)


def population(prediction: Prediction, moment: datetime) -> list[int]:
    """The ids of the records that are asked about at a moment, in order."""
    subject = SUBJECTS[prediction]
    with connection.cursor() as cursor:
        cursor.execute(
            subject.population(_asking(moment)), {"moment": moment, "after_id": 0, "limit": None}
        )
        return [record_id for (record_id,) in cursor.fetchall()]


def read_rows(
    prediction: Prediction,
    moment: datetime,
    ids: Sequence[int] | None = None,
    after_id: int = 0,
    limit: int = CHUNK_ROWS,
    features: FeatureSet | None = None,
) -> Chunk:
    """Read up to ``limit`` records of the population at ``moment`` with ids after ``after_id``, by id.

    With ``ids`` only those of them that are in the population. Who reads many pages gives the ``features``,
    which are found out anew otherwise.
    """
    subject = SUBJECTS[prediction]
    features = features or feature_set(prediction)
    statement = subject.statement(_asking(moment), features.features, has_ids=ids is not None)
    params: dict[str, Any] = {"moment": moment, "after_id": after_id, "limit": limit}
    if ids is not None:
        params["ids"] = list(ids)
    found = _fetch(statement, params)
    return Chunk(features.columns, [row[0] for row in found], [row[3:] for row in found])


def contact_engagement(
    moment: datetime,
    ids: Sequence[int] | None = None,
    after_id: int = 0,
    limit: int = CHUNK_ROWS,
) -> list[Engagement]:
    """How much contacts and we have to do with each other at ``moment``, by id (``engagement``).

    Every contact has a score: 0 where nothing happened within a year.
    """
    page = read_rows(Prediction.CONTACT_ENGAGEMENT, moment, ids, after_id, limit)
    return [
        Engagement(contact_id, *cast(tuple[float, ...], row))
        for contact_id, row in zip(page.ids, page.rows, strict=True)
    ]


def read_examples(
    prediction: Prediction, now: datetime, features: FeatureSet | None = None
) -> Iterator[Examples]:
    """Read every record at each moment of the past at which its outcome was open and is known by ``now``.

    One statement, read through a cursor on the server: all chunks are of one snapshot.

    Raises:
        KeyError: the prediction is not learned.
    """
    subject = SUBJECTS[prediction]
    features = features or feature_set(prediction)
    questions, params = questions_of(subject, now)
    statement = subject.statement(Asking.EXAMPLES, features.features, questions=questions)
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, params)
        while found := cursor.fetchmany(CHUNK_ROWS):
            yield Examples(
                columns=features.columns,
                ids=[row[0] for row in found],
                moments=[row[1] for row in found],
                outcomes=[row[2] for row in found],
                rows=[row[3:] for row in found],
            )


def _fetch(statement: sql.Composed, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Read all rows in the binary format: a million rows of floats are not written out and read again."""
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        psycopg.Cursor(cursor.connection) as reader,
    ):
        return reader.execute(statement, params, binary=True, prepare=False).fetchall()


def _asking(moment: datetime) -> Asking:
    is_present = moment >= timezone.now() - PRESENT_LASTS
    return Asking.PRESENT if is_present else Asking.PAST
