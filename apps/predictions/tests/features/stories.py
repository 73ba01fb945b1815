"""Records with a dated past: what is done within ``on`` happened that many days after the beginning."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection

from aisha.environment import parse_database_url
from apps.crm.models import Record
from apps.crm.tests.factories import ActivityFactory
from apps.predictions.columns import Row, Value
from apps.predictions.enums import Prediction
from apps.predictions.features import read_examples, read_rows
from apps.tenants.connections import tenant_connection

# Long enough ago that nothing of a story lies in the future of the database's clock.
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)


def day(number: float) -> datetime:
    """A moment of a story."""
    return BEGIN + timedelta(days=number)


@dataclass
class Story:
    """What happens in the committed tenant in whose schema the connection stands."""

    owner: psycopg.Connection[Any]
    dated_up_to: int = 0

    @contextmanager
    def on(self, number: float) -> Iterator[datetime]:
        """Let the change log say that what is written in the block happened on that day."""
        yield day(number)
        self.dated_up_to = self.owner.execute(
            f"""
            WITH dated AS (
                UPDATE {tenant_connection().schema_name}.crm_changelog SET changed_at = %s
                WHERE id > %s RETURNING id
            ) SELECT COALESCE(max(id), %s) FROM dated
            """,
            [day(number), self.dated_up_to, self.dated_up_to],
        ).fetchone()[0]  # type: ignore[index]

    def change(self, number: float, record: Record, **values: Any) -> None:
        """Change fields of a record on a day."""
        with self.on(number):
            type(record)._default_manager.filter(pk=record.pk).update(**values)

    def begin_to_write_down(self) -> None:
        """Let activities be on file for long, so that what nobody wrote down did not happen."""
        self.touch(-1000, "note", "none")

    def touch(self, number: float, kind: str, direction: str, **subject: Any) -> Any:
        """Something happens with somebody and is written down at once."""
        with self.on(number) as moment:
            return ActivityFactory(
                activity_kind=kind,
                direction=direction,
                occurred_at=moment,
                created_at=moment,
                **subject,
            )


@contextmanager
def telling() -> Iterator[Story]:
    """A story; the database's owner dates the log, which nobody else can."""
    account = parse_database_url(settings.DATABASE_OWNER_URL)
    with psycopg.connect(
        host=account["HOST"],
        port=account["PORT"] or None,
        user=account["USER"],
        password=account["PASSWORD"],
        dbname=connection.settings_dict["NAME"],
        autocommit=True,
    ) as owner:
        yield Story(owner)


def features_on(prediction: Prediction, number: float, record_id: int) -> Row | None:
    """The features of a record on a day; None when it is not asked about."""
    chunk = read_rows(prediction, day(number), ids=[record_id])
    return chunk.by_name(0) if chunk.ids else None


def examples_by(
    prediction: Prediction, number: float
) -> dict[tuple[int, float], tuple[bool, dict[str, Value]]]:
    """All examples known on a day: by record and day of the story, the outcome and the features."""
    found = {}
    for chunk in read_examples(prediction, day(number)):
        names = [column.name for column in chunk.columns]
        for record_id, moment, outcome, row in zip(
            chunk.ids, chunk.moments, chunk.outcomes, chunk.rows, strict=True
        ):
            on = (moment - BEGIN) / timedelta(days=1)
            found[record_id, on] = (outcome, dict(zip(names, row, strict=True)))
    return found
