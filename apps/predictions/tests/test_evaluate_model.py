"""The command that judges the ladder on a file: what it prints, and what it says when it cannot."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from apps.predictions.tests.tables import chance_of, drawn_rows

KEYS = [
    "rows", "base_rate", "rung", "auc", "average_precision", "brier", "log_loss", "base_log_loss",
    "calibration_error", "seconds", "refused",
]  # fmt: skip
# Quick, where it does not matter how often each row is judged.
ONE_SPLIT = ("--test-share", "0.3")
SHARED = Path(settings.BASE_DIR).parent / "shared" / "data"


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def evaluate(path: Path, *arguments: str, label: str = "won", positive: str = "yes") -> Any:
    output = StringIO()
    call_command(
        "evaluate_model", "--csv", str(path), "--label", label, "--positive", positive, "--json",
        *arguments, stdout=output,
    )  # fmt: skip
    return json.loads(output.getvalue())


def drawn_file(path: Path, count: int, *, strength: float = 2.0) -> Path:
    """A file of records with dates, amounts with a currency, gaps, and an outcome that can be learned."""
    rng = np.random.default_rng(5)
    rows = drawn_rows(count)
    won = rng.random(count) < [chance_of(row, strength) for row in rows]
    return write_csv(
        path,
        ["id", "opened", "amount", "age", "source", "won"],
        [
            [
                f"D-{number}",
                f"2025-{1 + number * 12 // count:02d}-{1 + number % 28:02d}",
                "" if row["amount"] is None else f"${row['amount']:,.2f}",
                row["age"],
                row["source"] or "n/a",
                "yes" if is_won else "no",
            ]
            for number, (row, is_won) in enumerate(zip(rows, won, strict=True))
        ],
    )


@pytest.mark.parametrize(
    "arguments", [[], ["--folds", "3"], ["--test-share", "0.25"], ["--time", "opened"]]
)
def test_a_file_is_judged_and_told_as_json(tmp_path: Path, arguments: list[str]) -> None:
    found = evaluate(drawn_file(tmp_path / "deals.csv", 400), *arguments)
    assert list(found) == KEYS
    assert found["rows"] == 400
    assert found["rung"] in {"frequencies", "logistic"}
    assert found["log_loss"] < found["base_log_loss"]
    assert 0.6 < found["auc"] < 1.0
    assert found["refused"] == {"id": "Hardly any value occurs more than once."}


def test_without_json_it_is_told_in_words(tmp_path: Path) -> None:
    output = StringIO()
    path = drawn_file(tmp_path / "deals.csv", 60, strength=0.0)
    call_command(
        "evaluate_model", "--csv", str(path), "--label", "won", "--positive", "yes", stdout=output
    )
    lines = output.getvalue().splitlines()
    assert lines[1] == "rung               Base rate"
    assert "No score would be shown: nothing beats the base rate." in lines
    assert lines[-1] == "not learned from   id: Hardly any value occurs more than once."


def test_the_same_file_gives_the_same_figures(tmp_path: Path) -> None:
    path = drawn_file(tmp_path / "deals.csv", 150)
    first, again = (evaluate(path, *ONE_SPLIT) for _ in range(2))
    assert {**first, "seconds": 0} == {**again, "seconds": 0}


def test_another_encoding_and_delimiter_are_found_out(tmp_path: Path) -> None:
    plain = drawn_file(tmp_path / "deals.csv", 150)
    foreign = tmp_path / "foreign.csv"
    with plain.open() as file:
        rows = [[cell.replace("fair", "Köln") for cell in row] for row in csv.reader(file)]
    with foreign.open("w", encoding="utf-16", newline="") as file:
        csv.writer(file, delimiter=";").writerows(rows)
    first, other = (evaluate(path, *ONE_SPLIT) for path in (plain, foreign))
    assert {**first, "seconds": 0} == {**other, "seconds": 0}


def test_dropped_columns_are_not_read(tmp_path: Path) -> None:
    path = drawn_file(tmp_path / "deals.csv", 150)
    assert evaluate(path, "--drop", "id, amount", *ONE_SPLIT)["refused"] == {}


def test_a_leak_is_refused_with_its_reason(tmp_path: Path) -> None:
    with drawn_file(tmp_path / "deals.csv", 300).open() as file:
        header, *rows = csv.reader(file)
    leaking = [[*row, "signed" if row[-1] == "yes" else "sent"] for row in rows]
    path = write_csv(tmp_path / "leak.csv", [*header, "contract"], leaking)
    refused = evaluate(path, *ONE_SPLIT)["refused"]
    assert refused["contract"] == (
        "Alone it tells the outcomes apart almost perfectly (AUC 1.000): "
        "it is known after the outcome, not before."
    )


def test_rows_without_outcome_or_moment_are_left_out(tmp_path: Path) -> None:
    with drawn_file(tmp_path / "deals.csv", 300).open() as file:
        header, *rows = csv.reader(file)
    rows[0][-1] = ""
    rows[1][1] = "n/a"
    path = write_csv(tmp_path / "gaps.csv", header, rows)
    assert evaluate(path, *ONE_SPLIT)["rows"] == 299
    assert evaluate(path, "--time", "opened")["rows"] == 298


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"label": "win"},
            "There is no column 'win'. The file has id, opened, amount, age, source, won.",
        ),
        ({"positive": "Yes"}, "The column 'won' never holds 'Yes'. It holds no, yes."),
        ({"time": "source"}, "The column 'source' holds neither dates nor numbers."),
        ({"time": "won"}, "The outcome cannot be the time, too."),
        (
            {"drop": "nothing"},
            "There is no column 'nothing'. The file has id, opened, amount, age, source, won.",
        ),
        (
            {"time": "opened", "folds": "3"},
            "With --time the newest rows judge: give --test-share, not --folds.",
        ),
        ({"folds": "1"}, "Error: argument --folds: '1' is no number of folds from 2 to 50"),
        ({"test-share": "2"}, "Error: argument --test-share: '2' is no share from 0.01 to 0.9"),
    ],
)
def test_what_cannot_be_answered_is_said_in_one_line(
    tmp_path: Path, arguments: dict[str, str], message: str
) -> None:
    path = drawn_file(tmp_path / "deals.csv", 40)
    options = {"label": "won", "positive": "yes", **arguments}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    with pytest.raises(CommandError) as caught:
        call_command("evaluate_model", "--csv", str(path), *words)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "The file is empty."),
        ("won,age\n", "The file has no rows below its header."),
        ("won,age\n,1\n,2\n", "The column 'won' is empty."),
        (
            "won,age\nyes,1\nyes,2\n",
            "In every row with an outcome 'won' is 'yes': there is nothing to tell apart.",
        ),
        (
            "won,age\nyes,1\nno,2\nno,3\n",
            "Of 3 rows 1 came about: each outcome must occur at least 2 times, else nothing can be judged.",
        ),
        ("won,age\nyes,1,7\n", "Row 2 has 3 cells, but the header has 2. A delimiter inside a cell must "
         "stand in quotes; export the file again, or mend that row."),
    ],
)  # fmt: skip
def test_a_file_that_holds_nothing_to_learn_is_refused_in_one_line(
    tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "deals.csv"
    path.write_text(content)
    with pytest.raises(CommandError) as caught:
        evaluate(path)
    assert str(caught.value) == message


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is no file"):
        evaluate(tmp_path / "none.csv")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data sets are not here")
def test_on_salvirt_it_ends_on_the_logistic_rung() -> None:
    found = evaluate(
        SHARED / "salvirt_b2b" / "salvirt_b2b.csv", "--folds", "4", label="Status", positive="Won"
    )
    assert (found["rows"], found["rung"], found["refused"]) == (448, "logistic", {})
    assert found["auc"] > 0.8
    assert found["log_loss"] < 0.54
