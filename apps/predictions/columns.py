"""The columns of a table from which is learned, and one row of it: plain Python, for every process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ColumnKind(StrEnum):
    """What the values of a column are."""

    NUMBER = "number"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True)
class Column:
    """A named column; the name is that of the feature or of the file's column."""

    name: str
    kind: ColumnKind


# A number, a category, or None where nothing is known. An empty text is nothing known, too.
Value = float | str | None
# One record as a model sees it, by the name of the column. A column that is missing is not known.
Row = Mapping[str, Value]
