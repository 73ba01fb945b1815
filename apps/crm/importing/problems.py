"""What is wrong with a row, and the list of it as a file that is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TextIO

from apps.crm.enums import RecordKind
from apps.crm.look_alikes import Ref
from apps.tenants.exports import defuse

COLUMNS = ("row", "column", "value", "message", "result")
REFUSED, WARNED = "row not imported", "imported, value left out"
# Of a row that looks like another: it is for people to say whether it is the same.
TOLD = "imported"
MAX_VALUE_CHARACTERS = 200
# More problems than a person will read; the file ends with a line that says so.
MAX_LISTED_PROBLEMS = 100_000


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
        if self.is_refused:
            return REFUSED
        return WARNED if self.column else TOLD

    @property
    def record(self) -> Ref | None:
        """The record that the row looks like, if that is what is told: its name is told by who may see it."""
        if self.result != TOLD or not self.value:
            return None
        kind, _, record_id = self.value.partition(":")
        return RecordKind(kind), int(record_id)

    @classmethod
    def of_look_alike(cls, number: int, ref: Ref) -> RowProblem:
        """That a row looks like a record; the list is for people of whom not each may see it."""
        kind, record_id = ref
        message = "Looks like a record that is here already."
        return cls(number, "", f"{kind.value}:{record_id}", message, is_refused=False)

    @classmethod
    def of_like_row(cls, number: int, other: int) -> RowProblem:
        """That a row looks like another one above it."""
        return cls(number, "", "", f"Looks like row {other}.", is_refused=False)


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
                defuse(problem.column),
                defuse(problem.value[:MAX_VALUE_CHARACTERS]),
                defuse(problem.message),
                problem.result,
            ]
        )
