"""``manage.py find_duplicates`` on tables of somebody's own."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from apps.duplicates.matching.fields import Field
from apps.duplicates.tests.matching.tables import drawn_rows

SHARED = settings.BASE_DIR.parent / "shared" / "data"
KEYS = [
    "rows", "pairs", "threshold", "precision", "recall", "f1", "best_f1", "cluster_f1", "seconds",
    "peak_mb",
]  # fmt: skip
PEOPLE = (
    ("id", "first name", "last name", "mail", "who"),
    ("1", "Ada", "Quinn", "ada.quinn@acme.com", "a"),
    ("2", "Adda", "Quinn", "ada.quinn@acme.com", "a"),
    ("3", "Dustin", "Brinkmann", "d.brinkmann@globex.com", "b"),
    ("4", "Dustin", "Brinkman", "d.brinkmann@globex.com", "b"),
    ("5", "Darcel", "Schlecht", "darcel@initech.com", ""),
    ("6", "Grace", "Kelly", "grace@hooli.com", ""),
)


def write(path: Path, rows: Sequence[Sequence[str]], encoding: str = "utf-8", **how: Any) -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, **how).writerows(rows)
    return path


def found(path: Path, *arguments: str) -> dict[str, Any]:
    output = StringIO()
    call_command(
        "find_duplicates",
        "--csv",
        str(path),
        "--json",
        *arguments,
        stdout=output,
        stderr=StringIO(),
    )
    answer: dict[str, Any] = json.loads(output.getvalue())
    return answer


def told(path: Path, *arguments: str) -> str:
    output = StringIO()
    call_command(
        "find_duplicates", "--csv", str(path), *arguments, stdout=output, stderr=StringIO()
    )
    return output.getvalue()


def test_a_small_table_is_measured_against_its_truth(tmp_path: Path) -> None:
    answer = found(write(tmp_path / "people.csv", PEOPLE), "--truth", "who")
    assert list(answer) == KEYS
    measured = {key: answer[key] for key in ("rows", "pairs", *KEYS[3:8])}
    assert measured == {
        "rows": 6, "pairs": 2, "precision": 1, "recall": 1, "f1": 1, "best_f1": 1, "cluster_f1": 1,
    }  # fmt: skip


def test_without_truth_its_figures_are_not_known(tmp_path: Path) -> None:
    answer = found(write(tmp_path / "people.csv", PEOPLE))
    assert answer["pairs"] == 2
    assert [answer[key] for key in KEYS[3:8]] == [None] * 5


def test_without_truth_the_strongest_pairs_are_told_with_reasons(tmp_path: Path) -> None:
    lines = told(write(tmp_path / "people.csv", PEOPLE), "--id", "id").splitlines()
    assert lines[1] == "columns     given_name=first name, surname=last name, email=mail"
    pairs = [line for line in lines if line.startswith("  ")]
    assert {line.split(":")[0].split("  ")[-1] for line in pairs} == {"1 and 2", "3 and 4"}
    assert "e-mail the same (+" in pairs[0]


def test_where_nothing_is_found_that_is_said(tmp_path: Path) -> None:
    rows = [("company",), ("Acme AG",), ("Globex AG",), ("Initech AG",)]
    lines = told(write(tmp_path / "companies.csv", rows)).splitlines()
    assert lines[4:7] == [
        "weights     the usual ones: the table is too small, or teaches none that make sense",
        "pairs       0 from there on, in 0 groups",
        "nothing     no two rows are likely enough to be the same; so few columns may not suffice to tell",
    ]
    assert not [line for line in lines if line.startswith("estimated")]


def test_what_is_not_compared_is_told_to_be_named(tmp_path: Path) -> None:
    extra = [f"x{number}" for number in range(22)]
    rows = [(*PEOPLE[0], *extra), *((*row, *[""] * len(extra)) for row in PEOPLE[1:])]
    lines = told(write(tmp_path / "people.csv", rows), "--id", "id", "--truth", "who").splitlines()
    assert (
        lines[2]
        == f"left out    {', '.join(extra[:20])} and 2 more; --columns names what is to be compared"
    )


def test_what_a_file_holds_steers_no_terminal(tmp_path: Path) -> None:
    rows = [
        ["\x1b[2Jid", *PEOPLE[0][1:]],
        *[["\x1b]0;x\x07\n" + row[0], *row[1:]] for row in PEOPLE[1:]],
    ]
    text = told(write(tmp_path / "people.csv", rows), "--id", "\x1b[2Jid")
    assert "[U+001B]]0;x[U+0007] 1 and [U+001B]]0;x[U+0007] 2: " in text
    assert "\x1b" not in text
    with pytest.raises(CommandError) as caught:
        told(tmp_path / "people.csv", "--truth", "x")
    assert "\x1b" not in str(caught.value)


def test_another_encoding_and_delimiter_are_found_out(tmp_path: Path) -> None:
    rows = [[cell.replace("Quinn", "Quîñn") for cell in row] for row in PEOPLE]
    plain = write(tmp_path / "plain.csv", rows)
    foreign = write(tmp_path / "foreign.csv", rows, encoding="utf-16", delimiter=";")
    first, other = (found(path, "--truth", "who") for path in (plain, foreign))
    assert {**first, "seconds": 0, "peak_mb": 0} == {**other, "seconds": 0, "peak_mb": 0}


def test_named_columns_alone_are_compared(tmp_path: Path) -> None:
    path = write(tmp_path / "people.csv", PEOPLE)
    text = told(path, "--columns", "email=mail")
    assert "columns     email=mail" in text.splitlines()


def test_a_column_that_stands_twice_is_told_apart(tmp_path: Path) -> None:
    header = ("id", "name", "name", "mail", "who")
    path = write(tmp_path / "people.csv", [header, *PEOPLE[1:]])
    assert found(path, "--columns", "given=name,surname=name (2),email=mail")["pairs"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--truth", "x"), "There is no column 'x'. The file has id, first name, last name, mail, who."),
        (("--id", "x"), "There is no column 'x'. The file has id, first name, last name, mail, who."),
        (("--columns", "email=mail,given=who", "--truth", "who"),
         "The truth cannot be compared, too: leave it out of --columns."),
        (("--region", "Swiss"), "Error: argument --region: 'Swiss' is no country's two letters, such as CH"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_said_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(CommandError) as caught:
        found(write(tmp_path / "people.csv", PEOPLE), *arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty."),
        (b"email,name\n", "The file has no rows below its header."),
        (b"email,name\na@b.ch,Ada\n", "The file has one row: there is nothing to compare it with."),
        (b"hat\nred\nblue\n", "No column is recognised among hat: say which is which, as in --columns "
         "given=first_name,email=mail. The fields are " + ", ".join(Field) + "."),
    ],
)  # fmt: skip
def test_a_file_in_which_nothing_can_be_found_is_refused_in_one_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    with pytest.raises(CommandError) as caught:
        found(path)
    assert str(caught.value) == message


@pytest.mark.parametrize("content", [b"\x00\x01\x02" * 99, b"\xff\xfe\x00"])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    with pytest.raises(CommandError):
        found(path)


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is no file"):
        found(tmp_path / "none.csv")


def test_one_column_suffices(tmp_path: Path) -> None:
    rows = [["email"], *[[f"person{number}@acme.com"] for number in (1, 20, 300, 4000, 1)]]
    assert found(write(tmp_path / "people.csv", rows))["rows"] == 5


def test_an_interrupt_ends_it_cleanly(tmp_path: Path) -> None:
    header = [field.value for field in Field]
    rows = [[row.get(field, "") for field in Field] for row in drawn_rows(0, 1_400)]
    path = write(tmp_path / "people.csv", [header, *rows])
    with subprocess.Popen(
        [sys.executable, "manage.py", "find_duplicates", "--csv", str(path), "--json"],
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background hands down that interrupts are ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "reading the file\n"
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (130, "")
    assert errors.splitlines()[-1] == "Stopped."
    assert "Traceback" not in errors


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data sets are not here")
@pytest.mark.parametrize(
    ("path", "truth", "rows", "least_f1"),
    [
        ("fake_1000/fake_1000.csv", "cluster", 1000, 0.92),
        ("febrl/dataset1.csv", "rec_id", 1000, 0.99),
        ("febrl/dataset2.csv", "rec_id", 5000, 0.99),
    ],
)
def test_shared_sets_are_read_and_their_duplicates_found(
    path: str, truth: str, rows: int, least_f1: float
) -> None:
    answer = found(SHARED / path, "--truth", truth)
    assert answer["rows"] == rows
    assert answer["f1"] > least_f1
    assert answer["cluster_f1"] > least_f1
