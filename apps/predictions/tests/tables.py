"""Tables with known outcomes for tests, drawn from a known rule, and documents made of them."""

from __future__ import annotations

import numpy as np

from apps.predictions.columns import Column, ColumnKind, Row
from apps.predictions.documents import (
    AdditivePart,
    Calibration,
    CategoryColumn,
    CategoryTerm,
    LinearTerm,
    ModelDocument,
    NumberColumn,
    Tree,
    TreesPart,
)
from apps.predictions.enums import Rung
from apps.predictions.estimation.examples import Examples
from apps.predictions.estimation.tables import Table

AMOUNT = Column("amount", ColumnKind.NUMBER)
AGE = Column("age", ColumnKind.NUMBER)
SOURCE = Column("source", ColumnKind.CATEGORY)
REGION = Column("region", ColumnKind.CATEGORY)
COLUMNS = (AMOUNT, AGE, SOURCE, REGION)

SOURCES = ("referral", "web", "fair", "call")
REGIONS = ("north", "south")


def drawn_rows(count: int, seed: int = 0) -> list[Row]:
    """Rows with values and gaps of every kind."""
    rng = np.random.default_rng(seed)
    amounts = rng.lognormal(8, 2, count)
    ages = rng.integers(0, 400, count)
    sources = rng.integers(0, len(SOURCES) + 1, count)
    regions = rng.integers(0, len(REGIONS), count)
    return [
        {
            "amount": None if number % 7 == 0 else float(amounts[number]),
            "age": float(ages[number]),
            "source": SOURCES[sources[number]] if sources[number] < len(SOURCES) else None,
            "region": REGIONS[regions[number]],
        }
        for number in range(count)
    ]


def chance_of(row: Row, strength: float = 1.0) -> float:
    """The rule by which outcomes are drawn: the source tells much, the age little, the region nothing."""
    age = row["age"]
    assert isinstance(age, float)
    log_odds = {"referral": 1.5, "web": -1.5}.get(str(row["source"]), 0.0) - (age - 200) / 200
    return float(1 / (1 + np.exp(-strength * log_odds)))


def drawn_examples(
    count: int, *, seed: int = 0, strength: float = 1.0, by_time: bool = False
) -> Examples:
    """Rows with outcomes drawn by ``chance_of``; with a strength of 0 nothing can be learned."""
    rows = drawn_rows(count, seed)
    chances = np.array([chance_of(row, strength) for row in rows])
    labels = np.random.default_rng(seed + 1).random(count) < chances
    moments = np.arange(count, dtype=float) if by_time else None
    return Examples(Table.from_rows(COLUMNS, rows), labels, moments)


def small_document() -> ModelDocument:
    """A document with every kind of column, term and part, small enough to be computed by hand."""
    return ModelDocument(
        libraries={"numpy": "2", "scikit-learn": "1"},
        rung=Rung.BOOSTING,
        outcomes=600,
        base_rate_0_1=0.25,
        columns=(
            NumberColumn(name="amount", typical=100.0),
            NumberColumn(name="age", typical=None),
            CategoryColumn(
                name="source", values=("referral", "web"), has_other=True, typical="web"
            ),
        ),
        parts=(
            AdditivePart(
                intercept=-1.0,
                terms=(
                    LinearTerm(mean=4.0, deviation=2.0, slope=0.5, missing=-0.25),
                    LinearTerm(mean=2.0, deviation=1.0, slope=-0.1, missing=0.4),
                    CategoryTerm(weights=(1.0, -1.0, 0.5), missing=0.0),
                ),
            ),
            TreesPart(
                baseline=0.5,
                trees=(
                    Tree(
                        feature=(2, 0, -1, -1, -1),
                        threshold=(0.0, 50.0, 0.0, 0.0, 0.0),
                        left_codes=(0b101, 0, 0, 0, 0),
                        missing_left=(False, True, False, False, False),
                        left=(1, 2, 0, 0, 0),
                        right=(4, 3, 0, 0, 0),
                        value=(0.0, 0.0, 1.0, 2.0, -3.0),
                        is_category=(True, False, False, False, False),
                    ),
                ),
            ),
        ),
        calibration=Calibration(intercept=0.25, weights=(0.5, 0.25)),
    )
