"""What a feature is: something known of a record at a moment, in words and as SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from django.db import models
from psycopg import sql

from apps.crm.enums import RecordKind
from apps.predictions.columns import Column, ColumnKind
from apps.predictions.enums import Prediction


class Factor(models.TextChoices):
    """What features tell together; a score is explained factor by factor."""

    ORIGIN = "origin", "Where it came from"
    STATE = "state", "How far it has come"
    AGE = "age", "How long it has been open"
    VALUE = "value", "What it is worth"
    OWNER = "owner", "Who works on it"
    DETAILS = "details", "What is known of them"
    COMPANY = "company", "What kind of company it is"
    FROM_THEM = "from_them", "What comes from them"
    FROM_US = "from_us", "What we do"
    MEETINGS = "meetings", "Meetings"
    SILENCE = "silence", "How long ago the last contact was"
    TASKS = "tasks", "What is planned"
    PACE = "pace", "How the deal moves"
    TRACK_RECORD = "track_record", "What went before"
    TERM = "term", "The contract's term"
    CUSTOM = "custom", "The company's own fields"
    HISTORY = "history", "How much is on file"


@dataclass(frozen=True, slots=True)
class Feature:
    """Something known of a record at a moment.

    ``label`` is in words as a rep reads it. ``expression`` is SQL over the statement of its feature set: a
    double precision or a text, NULL where nothing is known.
    """

    name: str
    label: str
    factor: Factor
    expression: sql.Composable
    kind: ColumnKind = ColumnKind.NUMBER
    unit: str = ""

    @property
    def column(self) -> Column:
        """The column of a table that holds the feature."""
        return Column(self.name, self.kind)


def number(name: str, label: str, factor: Factor, expression: str, unit: str = "") -> Feature:
    """A number; NaN, which a decimal column may hold, is nothing known."""
    known = sql.SQL("NULLIF(({})::float8, 'NaN')").format(sql.SQL(expression))
    return Feature(name, label, factor, known, ColumnKind.NUMBER, unit)


def category(name: str, label: str, factor: Factor, expression: str) -> Feature:
    """One of few texts; an empty one is nothing known, and a long one is cut."""
    return Feature(name, label, factor, short_text(sql.SQL(expression)), ColumnKind.CATEGORY)


def yes_or_no(name: str, label: str, factor: Factor, condition: str) -> Feature:
    """Whether something holds."""
    answer = sql.SQL("CASE ({}) WHEN true THEN 'yes' WHEN false THEN 'no' END").format(
        sql.SQL(condition)
    )
    return Feature(name, label, factor, answer, ColumnKind.CATEGORY)


def short_text(expression: sql.Composable) -> sql.Composed:
    """A text as a category."""
    return sql.SQL("NULLIF(left(btrim({}), 200), '')").format(expression)


@dataclass(frozen=True)
class FeatureSet:
    """All features of a prediction, those of the tenant's custom fields included."""

    prediction: Prediction
    record_kind: RecordKind
    features: tuple[Feature, ...]

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the table that the features make."""
        return tuple(feature.column for feature in self.features)

    @cached_property
    def by_name(self) -> Mapping[str, Feature]:
        """The features by name."""
        return {feature.name: feature for feature in self.features}
