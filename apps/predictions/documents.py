"""A trained model as a JSON document that scores one record in plain Python.

The score is a sum in log-odds: each part of the model gives some, the calibration weighs them. A document
holds numbers and texts and nothing that could be run; it is read only when its digest is right.
"""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from apps.predictions.columns import Row, Value
from apps.predictions.enums import Rung
from apps.predictions.exceptions import DocumentRefusedError

FORMAT_VERSION: Literal[1] = 1
MAX_PACKED_BYTES = 16 * 1024 * 1024
MAX_UNPACKED_BYTES = 128 * 1024 * 1024

# Nothing is certain: a score of 0 or 100 % would be read as lost or won, and hardly a company has the
# thousand alike outcomes that it would take to tell one in a thousand from never.
LOWEST_0_1, HIGHEST_0_1 = 0.001, 0.999

# A number further out than this, in standard deviations of its signed logarithm, was not seen in training.
FARTHEST_DEVIATIONS = 4.0

# A record as the parts read it, column by column: a number, the code of a category, or None.
Encoded = Sequence[float | None]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class NumberColumn(_Strict):
    """A column of numbers. ``typical`` is its median, None where most are not known."""

    kind: Literal["number"] = "number"
    name: str
    typical: float | None

    def encode(self, value: Value) -> float | None:
        """The number itself, if one is known."""
        return number_of(value)


class CategoryColumn(_Strict):
    """A column of categories: the frequent ones have codes in their order, all others share the next one.

    ``has_other`` is False where training saw no rare one; an unseen one then counts as not known.
    """

    kind: Literal["category"] = "category"
    name: str
    values: tuple[str, ...]
    has_other: bool
    typical: str | None

    @property
    def code_count(self) -> int:
        """How many codes there are."""
        return len(self.values) + self.has_other

    @cached_property
    def _codes(self) -> dict[str, int]:
        return {value: code for code, value in enumerate(self.values)}

    def encode(self, value: Value) -> int | None:
        """The code of the category, or None where nothing is known."""
        category = category_of(value)
        if category is None:
            return None
        return self._codes.get(category, len(self.values) if self.has_other else None)


AnyColumn = Annotated[NumberColumn | CategoryColumn, Field(discriminator="kind")]


class LinearTerm(_Strict):
    """What a number adds: so much for each standard deviation of its signed logarithm from the mean."""

    kind: Literal["linear"] = "linear"
    mean: float
    deviation: float = Field(gt=0)
    slope: float
    missing: float

    def add(self, number: float | None) -> float:
        """Its share in the log-odds."""
        if number is None:
            return self.missing
        deviations = (signed_log(number) - self.mean) / self.deviation
        return self.slope * min(max(deviations, -FARTHEST_DEVIATIONS), FARTHEST_DEVIATIONS)


class CategoryTerm(_Strict):
    """What a category adds, by its code."""

    kind: Literal["category"] = "category"
    weights: tuple[float, ...]
    missing: float

    def add(self, code: float | None) -> float:
        """Its share in the log-odds."""
        return self.missing if code is None else self.weights[int(code)]


Term = Annotated[LinearTerm | CategoryTerm, Field(discriminator="kind")]


class AdditivePart(_Strict):
    """A sum over columns, in log-odds: frequencies, a logistic regression, or a base rate alone."""

    kind: Literal["additive"] = "additive"
    intercept: float
    terms: tuple[Term, ...]

    def reads(self, columns: Sequence[AnyColumn]) -> bool:
        """Whether its terms are for these columns. A base rate has none and reads nothing."""
        if not self.terms:
            return True
        return len(self.terms) == len(columns) and all(
            len(term.weights) == column.code_count
            if isinstance(term, CategoryTerm) and isinstance(column, CategoryColumn)
            else isinstance(column, NumberColumn) and not isinstance(term, CategoryTerm)
            for term, column in zip(self.terms, columns, strict=True)
        )

    def log_odds(self, encoded: Encoded) -> float:
        """What this part makes of a record."""
        total = self.intercept
        for term, value in zip(self.terms, encoded, strict=False):
            total += term.add(value)
        return total


class Tree(_Strict):
    """One tree, its nodes side by side; node 0 is the root, a leaf has the feature -1.

    A number goes left when it is at most the threshold, a category when its bit is set in ``left_codes``,
    and what is not known where ``missing_left`` says.
    """

    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left_codes: tuple[int, ...]
    missing_left: tuple[bool, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]
    is_category: tuple[bool, ...]

    @model_validator(mode="after")
    def _leads_to_a_leaf(self) -> Self:
        size = len(self.feature)
        lists = (
            self.threshold,
            self.left_codes,
            self.missing_left,
            self.left,
            self.right,
            self.value,
        )
        if not size or any(len(other) != size for other in (*lists, self.is_category)):
            raise ValueError("The lists of a tree must be of one length.")
        for node, feature in enumerate(self.feature):
            children = (self.left[node], self.right[node])
            if feature >= 0 and not all(node < child < size for child in children):
                raise ValueError("A node must lead to a later one.")
        return self

    def leaf_value(self, encoded: Encoded) -> float:
        """The value of the leaf in which a record ends."""
        node = 0
        while (feature := self.feature[node]) >= 0:
            value = encoded[feature]
            if value is None:
                goes_left = self.missing_left[node]
            elif self.is_category[node]:
                goes_left = bool(self.left_codes[node] >> int(value) & 1)
            else:
                goes_left = value <= self.threshold[node]
            node = self.left[node] if goes_left else self.right[node]
        return self.value[node]


class TreesPart(_Strict):
    """Boosted trees: the sum of their leaves, in log-odds."""

    kind: Literal["trees"] = "trees"
    baseline: float
    trees: tuple[Tree, ...]

    def reads(self, columns: Sequence[AnyColumn]) -> bool:
        """Whether its trees ask for these columns alone."""
        return all(feature < len(columns) for tree in self.trees for feature in tree.feature)

    def log_odds(self, encoded: Encoded) -> float:
        """What this part makes of a record."""
        total = self.baseline
        for tree in self.trees:
            total += tree.leaf_value(encoded)
        return total


Part = AdditivePart | TreesPart
AnyPart = Annotated[Part, Field(discriminator="kind")]


class Calibration(_Strict):
    """How the parts' log-odds become those of the score (Platt 1999; with several parts, Wolpert 1992)."""

    intercept: float
    weights: tuple[float, ...]


class ModelDocument(_Strict):
    """A trained model: the columns it reads, its parts and their calibration.

    ``outcomes`` and ``base_rate_0_1`` are those of the training; ``libraries`` names versions by package.
    """

    format_version: Literal[1] = FORMAT_VERSION
    libraries: dict[str, str]
    rung: Rung
    outcomes: int
    base_rate_0_1: float
    columns: tuple[AnyColumn, ...]
    parts: tuple[AnyPart, ...]
    calibration: Calibration

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(self.calibration.weights) != len(self.parts):
            raise ValueError("Each part needs one weight.")
        for part in self.parts:
            if not part.reads(self.columns):
                raise ValueError("A part reads other columns than the document has.")
        return self

    def probability(self, row: Row) -> float:
        """The score of one record, between 0.001 and 0.999. Columns that the row lacks are not known."""
        encoded = [column.encode(row.get(column.name)) for column in self.columns]
        total = self.calibration.intercept
        for weight, part in zip(self.calibration.weights, self.parts, strict=True):
            total += weight * part.log_odds(encoded)
        return min(max(probability_of(total), LOWEST_0_1), HIGHEST_0_1)

    def typical(self) -> Row:
        """A record with the typical value in every column."""
        return {column.name: column.typical for column in self.columns}

    def to_bytes(self) -> bytes:
        """The document as compressed JSON; keep ``digest_of`` it apart from it."""
        return zlib.compress(self.model_dump_json().encode(), level=6)

    @classmethod
    def from_bytes(cls, content: bytes, digest: str) -> Self:
        """Read a document back.

        Raises:
            DocumentRefusedError: it is not the one that the digest was made of, too large, or of a format
                that this version does not read.
        """
        if len(content) > MAX_PACKED_BYTES:
            raise DocumentRefusedError("too_large", "The stored model is too large to be read.")
        if digest_of(content) != digest:
            raise DocumentRefusedError(
                "digest", "The stored model is not the one that was trained."
            )
        text = _unpack(content)
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise DocumentRefusedError(
                "format", "The stored model has a format that this version does not read."
            ) from error


def digest_of(content: bytes) -> str:
    """The SHA-256 of a stored document, as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def number_of(value: Value) -> float | None:
    """The number in a cell of a number column: finite, or not known. A text is no number."""
    if value is None or isinstance(value, str):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def category_of(value: Value) -> str | None:
    """The category in a cell of a category column; an empty text, or what is no text, is not known."""
    return value if isinstance(value, str) and value else None


def signed_log(number: float) -> float:
    """The logarithm of one plus the amount, with its sign: amounts of any size on one scale."""
    return math.copysign(math.log1p(abs(number)), number)


def probability_of(log_odds: float) -> float:
    """The inverse of ``log_odds_of``, without overflow."""
    if log_odds >= 0:
        return 1 / (1 + math.exp(-min(log_odds, 700.0)))
    raised = math.exp(max(log_odds, -700.0))
    return raised / (1 + raised)


def log_odds_of(probability_0_1: float) -> float:
    """The logarithm of the odds."""
    return math.log(probability_0_1 / (1 - probability_0_1))


def _unpack(content: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(content, MAX_UNPACKED_BYTES)
    except zlib.error as error:
        raise DocumentRefusedError("unpacked", "The stored model cannot be unpacked.") from error
    if unpacking.unconsumed_tail:
        raise DocumentRefusedError("too_large", "The stored model is too large to be read.")
    if not unpacking.eof:
        raise DocumentRefusedError("unpacked", "The stored model is cut off.")
    return text
