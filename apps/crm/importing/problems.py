"""What is wrong with a row, and the list of it as a file that is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TextIO

COLUMNS = ("row", "column", "value", "message", "result")
REFUSED, WARNED = "row not imported", "imported, value left out"
MAX_VALUE_CHARACTERS = 200
# More problems than a person will read; the file ends with a line that says so.
MAX_LISTED_PROBLEMS = 100_000
# A cell that begins with one of these is taken for a formula (OWASP, "CSV Injection"); the last four are
# the full-width forms, which some spreadsheets fold.
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One thing wrong with one row; ``is_refused`` when the row was left out for it."""

    row_number: int
    column: str
    value: str
    message: str
    is_refused: bool = True

    @property
    def result(self) -> str:
        """What became of the row, in words."""
        return REFUSED if self.is_refused else WARNED


def disarm(text: str) -> str:
    """Make a text that a spreadsheet would run a plain text, by an apostrophe in front."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_SIGNS) else text


def write_problems(target: TextIO, problems: Iterable[RowProblem]) -> None:
    """Write the list, one line per problem."""
    writer = csv.writer(target)
    writer.writerow(COLUMNS)
    for count, problem in enumerate(problems, start=1):
        if count > MAX_LISTED_PROBLEMS:
            writer.writerow(
                [
                    "",
                    "",
                    "",
                    f"More than {MAX_LISTED_PROBLEMS:,} problems; the rest is left out.",
                    "",
                ]
            )
            break
        writer.writerow(
            [
                problem.row_number,
                disarm(problem.column),
                disarm(problem.value[:MAX_VALUE_CHARACTERS]),
                disarm(problem.message),
                problem.result,
            ]
        )
