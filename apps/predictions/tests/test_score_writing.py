"""Scores are written where they have moved, keep their history, and go when there is nothing to say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.conftest import Cast
from apps.crm.enums import RecordKind
from apps.predictions.enums import Prediction
from apps.predictions.models import Score
from apps.predictions.services.writing import Scored, retire_scores, write_scores

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
TUESDAY = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)


def write(now: datetime, scored: Scored, version: str = "lead_conversion-1") -> int:
    return write_scores(
        Prediction.LEAD_CONVERSION, RecordKind.LEAD, scored, version=version, now=now
    )


def latest() -> dict[int, tuple[float, str]]:
    rows = Score.objects.latest_of(Prediction.LEAD_CONVERSION)
    return {row.record_id: (row.score_0_1, row.model_version) for row in rows}


def test_only_scores_that_moved_half_a_point_are_written_again(cast: Cast) -> None:
    assert write(MONDAY, Scored([1, 2, 3], [0.2, 0.5, 0.9])) == 3
    assert write(TUESDAY, Scored([1, 2, 3], [0.2049, 0.505, 0.7]), "lead_conversion-2") == 2
    assert latest() == {
        1: (0.2, "lead_conversion-1"),
        2: (0.505, "lead_conversion-2"),
        3: (0.7, "lead_conversion-2"),
    }
    history = Score.objects.of_record("lead", 3).values_list("score_0_1", "scored_at")
    assert list(history) == [(0.7, TUESDAY), (0.9, MONDAY)]


def test_a_record_that_is_no_longer_asked_about_loses_its_score(cast: Cast) -> None:
    write(MONDAY, Scored([1, 2, 3, 9], [0.2, 0.5, 0.9, 0.4]))
    assert write(TUESDAY, Scored([1, 3], [0.2, 0.9], after_id=0, until_id=3)) == 0
    assert sorted(latest()) == [1, 3, 9]
    write(TUESDAY, Scored([1, 3], [0.2, 0.9], after_id=3, until_id=None))
    assert sorted(latest()) == [1, 3]
    assert Score.objects.get(record_id=9).withdrawn_at == TUESDAY
    # Of some records: the others are left alone.
    write(TUESDAY, Scored([1], [0.6], asked=[1, 9]))
    assert latest() == {1: (0.6, "lead_conversion-1"), 3: (0.9, "lead_conversion-1")}
    # One that another follows was not withdrawn.
    assert not Score.objects.filter(record_id=1).exclude(withdrawn_at=None).exists()
    write(TUESDAY, Scored([], [], asked=[1]))
    assert sorted(latest()) == [3]


def test_another_predictions_scores_are_left_alone(cast: Cast) -> None:
    write(MONDAY, Scored([1, 2], [0.2, 0.5]))
    write_scores(
        Prediction.DEAL_CLOSE, RecordKind.OPPORTUNITY, Scored([1], [0.3]), version="d", now=MONDAY
    )
    assert retire_scores(Prediction.LEAD_CONVERSION, now=TUESDAY) == 2
    assert latest() == {}
    assert Score.objects.latest_of(Prediction.DEAL_CLOSE).count() == 1
    assert Score.objects.count() == 3


def test_triggers_are_told_of_scores_that_go(cast: Cast) -> None:
    """Rounds follow the transaction of a row, so that a score that is gone is news as well."""
    write(MONDAY, Scored([1], [0.2]))
    Score.objects.update(transaction_id=1)
    retire_scores(Prediction.LEAD_CONVERSION, now=TUESDAY)
    assert Score.objects.get().transaction_id > 1
