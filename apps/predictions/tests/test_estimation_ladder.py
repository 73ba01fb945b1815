"""The ladder ends where the outcomes say, tells why, and serves nothing where nothing can be known."""

from __future__ import annotations

import numpy as np
import pytest

from apps.predictions.columns import Column, ColumnKind
from apps.predictions.documents import AdditivePart, ModelDocument
from apps.predictions.enums import Rung
from apps.predictions.estimation.bulk import probabilities
from apps.predictions.estimation.examples import Examples
from apps.predictions.estimation.ladder import Climb, climb
from apps.predictions.estimation.measures import losses
from apps.predictions.estimation.stability import instability
from apps.predictions.estimation.tables import Table
from apps.predictions.tests.tables import COLUMNS, chance_of, drawn_examples, drawn_rows


def tried(found: Climb) -> list[Rung]:
    return [standing.rung for standing in found.standings]


@pytest.mark.parametrize(
    ("count", "rungs", "need"),
    [
        (
            10,
            [],
            "Shrunken frequencies needs 20 records with a known outcome, 5 of the rarer one; ",
        ),
        (60, [Rung.BASE_RATE, Rung.FREQUENCIES], "Logistic regression needs 100 records"),
        (300, [Rung.BASE_RATE, Rung.FREQUENCIES, Rung.LOGISTIC], "Boosting needs 500 records"),
        (600, [Rung.BASE_RATE, *list(Rung)[1:]], ""),
    ],
)
def test_each_rung_is_tried_from_its_number_of_outcomes_on(
    count: int, rungs: list[Rung], need: str
) -> None:
    found = climb(drawn_examples(count, strength=3.0))
    assert tried(found) == rungs
    assert found.outcomes == found.document.outcomes == count
    if found.rung is rungs[-1] if rungs else True:
        assert need in found.next_need


@pytest.mark.parametrize("by_time", [False, True])
def test_what_can_be_learned_is_learned_and_calibrated(by_time: bool) -> None:
    found = climb(drawn_examples(3_000, seed=1, by_time=by_time))
    assert found.is_served
    assert found.is_by_time is by_time
    assert found.measures is not None
    assert found.base_measures is not None
    assert found.measures.log_loss < found.base_measures.log_loss - 0.1
    assert found.measures.calibration_error < 0.06
    fresh = drawn_rows(4_000, seed=77)
    chances = np.array([chance_of(row) for row in fresh])
    scores = probabilities(found.document, Table.from_rows(COLUMNS, fresh))
    # The mean distance to the true chances, which no model can know exactly.
    assert np.abs(scores - chances).mean() < 0.06


@pytest.mark.parametrize("by_time", [False, True])
@pytest.mark.parametrize("count", [30, 120, 600, 2_000])
def test_where_nothing_can_be_learned_the_base_rate_stays(count: int, by_time: bool) -> None:
    found = climb(drawn_examples(count, strength=0.0, by_time=by_time))
    assert (found.rung, found.is_served) == (Rung.BASE_RATE, False)
    positives = round(found.document.base_rate_0_1 * count)
    expected = positives / count
    assert found.document.probability({}) == pytest.approx(expected)
    assert found.document.probability({"source": "referral"}) == pytest.approx(expected)


def test_the_same_examples_and_seed_give_the_same_document() -> None:
    first, again = (climb(drawn_examples(700), seed=3).document for _ in range(2))
    assert first.to_bytes() == again.to_bytes()


def test_outcomes_that_flip_in_the_newest_rows_are_not_foretold() -> None:
    """What was learned from the older rows is wrong now, and nothing is better than that."""
    examples = drawn_examples(1_000, strength=2.0, by_time=True)
    labels = examples.labels.copy()
    labels[700:] = ~labels[700:]
    found = climb(Examples(examples.table, labels, examples.moments))
    assert (found.rung, found.is_by_time) == (Rung.BASE_RATE, True)


def test_a_record_with_many_rows_counts_once() -> None:
    """Ten copies of twelve records: 120 rows would do for a logistic regression, 12 records do not."""
    rows = np.repeat(np.arange(12), 10)
    few = drawn_examples(12)
    found = climb(Examples(few.table.take(rows), few.labels[rows], groups=rows))
    assert (found.outcomes, tried(found), found.rung) == (12, [], Rung.BASE_RATE)


def test_a_leak_is_refused_and_not_learned_from() -> None:
    examples = drawn_examples(400)
    won = [1000.0 if label else 0.0 for label in examples.labels]
    column = Column("close_value", ColumnKind.NUMBER)
    table = Table(
        (*COLUMNS, column),
        {**examples.table.numbers, "close_value": np.array(won)},
        examples.table.categories,
        400,
    )
    found = climb(Examples(table, examples.labels))
    assert [refusal.column for refusal in found.refused] == ["close_value"]
    assert "close_value" not in {column.name for column in found.document.columns}
    assert found.measures is not None
    assert found.measures.auc < 0.95


def test_the_account_is_of_rows_that_were_not_learned_from() -> None:
    examples = drawn_examples(1_000, by_time=True)
    found = climb(examples)
    assert found.measures is not None
    assert found.base_measures is not None
    assert found.measures.rows == found.base_measures.rows == 200
    assert sum(band.rows for band in found.curve) == 200
    assert found.lift[0].first_rank == 1
    assert found.lift[-1].last_rank == 200
    base, *_ = found.standings
    train = examples.labels[:800]
    share = train.mean()
    expected = losses(examples.labels[800:], np.full(200, share)).mean()
    assert base.log_loss == pytest.approx(expected)
    assert found.base_measures.log_loss == pytest.approx(expected)


def test_references_tell_how_far_columns_have_moved() -> None:
    examples = drawn_examples(600)
    found = climb(examples)
    same = instability(found.references, found.document.columns, examples.table)
    assert same == pytest.approx(dict.fromkeys(("amount", "age", "source", "region"), 0.0))
    moved = [{**row, "source": "billboard"} for row in drawn_rows(600)]
    table = Table.from_rows(COLUMNS, moved)
    far = instability(found.references, found.document.columns, table)
    assert far["source"] > 1.0
    assert far["age"] == pytest.approx(0.0)


def test_a_base_rate_reads_no_columns() -> None:
    document: ModelDocument = climb(drawn_examples(10)).document
    assert document.parts == (AdditivePart(intercept=document.parts[0].log_odds([]), terms=()),)


def test_progress_is_told_to_the_end() -> None:
    steps: list[tuple[int, int]] = []
    climb(drawn_examples(2_500), told=lambda done, total: steps.append((done, total)))
    assert steps == [(done, 6) for done in range(7)]


def test_a_column_that_is_known_of_the_newest_rows_alone_stops_nothing() -> None:
    """A field that was brought in lately is empty in the rows from which is learned first."""
    examples = drawn_examples(900, by_time=True)
    assert examples.moments is not None
    newest = examples.moments >= np.quantile(examples.moments, 0.9)
    late = np.where(newest, 1.0 + np.arange(len(examples)) % 7, np.nan)
    table = examples.table
    wider = Table(
        columns=(*table.columns, Column("late", ColumnKind.NUMBER)),
        numbers={**table.numbers, "late": late},
        categories=table.categories,
        size=table.size,
    )
    found = climb(Examples(wider, examples.labels, examples.moments, examples.groups))
    assert tried(found) == list(Rung)
    assert all(np.isfinite(standing.log_loss) for standing in found.standings)


def test_rows_of_which_a_fold_knows_nothing_but_the_outcome_stop_nothing() -> None:
    """A single column that was brought in with the newest rows."""
    examples = drawn_examples(600, by_time=True)
    assert examples.moments is not None
    newest = examples.moments >= np.quantile(examples.moments, 0.9)
    late = np.where(newest, 1.0 + np.arange(len(examples)) % 7, np.nan)
    table = Table((Column("late", ColumnKind.NUMBER),), {"late": late}, {}, len(examples))
    found = climb(Examples(table, examples.labels, examples.moments, examples.groups))
    assert not found.is_served
