"""What comes later never changes what was known of a moment; and the present is read as the past is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, given, settings

from apps.predictions.columns import Value
from apps.predictions.enums import Prediction
from apps.predictions.features import feature_set, read_rows
from apps.predictions.features.reading import SUBJECTS
from apps.predictions.features.subjects import Asking
from apps.predictions.tests.features.histories import Company, Move, histories
from apps.predictions.tests.features.stories import Story, day, examples_by

Known = dict[tuple[Prediction, float, int], dict[str, Value]]


def known_on(days: Sequence[float]) -> Known:
    """All features of everything that is asked about on some days."""
    known: Known = {}
    for prediction in SUBJECTS:
        features = feature_set(prediction)
        for number in days:
            page = read_rows(prediction, day(number), features=features)
            for position, record_id in enumerate(page.ids):
                known[prediction, number, record_id] = dict(page.by_name(position))
    return known


def known_by(asking: Asking, number: float) -> list[tuple[object, ...]]:
    """The same on one day, read as the present or as the past."""
    rows = []
    for prediction, subject in SUBJECTS.items():
        statement = subject.statement(asking, feature_set(prediction).features)
        with connection.cursor() as cursor:
            cursor.execute(statement, {"moment": day(number), "after_id": 0, "limit": 1000})
            rows += [(prediction, *row) for row in cursor.fetchall()]
    return rows


# A history takes seconds to make, so that shrinking one would take hours.
ONCE_EACH = settings(
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@settings(ONCE_EACH, max_examples=4)
@given(earlier=histories(20, 40), later=histories(20, 40))
def test_later_history_changes_nothing(
    story: Story, earlier: list[Move], later: list[Move]
) -> None:
    hold_later_against_earlier(story, earlier, later)


@pytest.mark.soak
@settings(ONCE_EACH, max_examples=40)
@given(earlier=histories(40, 120), later=histories(40, 120))
def test_long_later_history_changes_nothing(
    story: Story, earlier: list[Move], later: list[Move]
) -> None:
    hold_later_against_earlier(story, earlier, later)


def hold_later_against_earlier(story: Story, earlier: list[Move], later: list[Move]) -> None:
    company = Company(story)
    company.found()
    company.live(earlier)
    days = [company.today * share for share in (0, 0.3, 0.7, 1)]
    known = known_on(days)
    assert known_by(Asking.PRESENT, company.today) == known_by(Asking.PAST, company.today)

    # Just after: what happens on the very moment is part of it.
    company.today += 0.001
    company.live(later)
    assert known_on(days) == known
    for prediction in (Prediction.LEAD_CONVERSION, Prediction.DEAL_CLOSE):
        hold_examples_against_pages(prediction, company.today + 400)


def hold_examples_against_pages(prediction: Prediction, now: float) -> None:
    """An example shows what a page of its moment shows; unless it came in at its end."""
    examples = examples_by(prediction, now)
    assert examples
    for number in {on for _, on in examples}:
        page = known_on([number])
        for (record_id, on), (_, row) in examples.items():
            if on == number:
                on_page = page.get((prediction, number, record_id))
                assert row == on_page or (on_page is None and row["has_history"] == "no")
