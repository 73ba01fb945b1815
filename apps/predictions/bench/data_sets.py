"""The tables on which log losses are compared: real ones beside the project, and generated ones."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from django.conf import settings

from apps.crm.importing.formats import open_path
from apps.predictions.columns import Column, ColumnKind, Row
from apps.predictions.estimation.bulk import served
from apps.predictions.estimation.examples import Examples
from apps.predictions.estimation.exports import Question, read_examples
from apps.predictions.estimation.tables import Floats, Table

SHARED = Path(settings.BASE_DIR).parent / "shared" / "data"
_MAX_BYTES = 10**8
_GENERATED_ROWS = 12_000


@dataclass(frozen=True, slots=True)
class DataSet:
    """A table and what others reached on it, AUC and log loss by the name of the peer; empty if unknown.

    ``repetitions`` is how often its five folds were drawn for those figures; 0 where time parted the rows.
    """

    name: str
    load: Callable[[], Examples]
    published: Mapping[str, tuple[float, float]]
    repetitions: int = 1


def shared_sets() -> list[DataSet]:
    """The real tables. Of the bank's only the first part is here, so that others' figures are not of it."""
    return [
        DataSet("salvirt", _salvirt, {
            "base rate": (0.5, 0.692), "Odoo's": (0.838, 0.936), "logistic": (0.838, 0.500),
            "HistGradientBoosting": (0.828, 0.515), "LightGBM": (0.823, 0.550),
        }, repetitions=5),
        DataSet("telco", _telco, {
            "base rate": (0.5, 0.579), "Odoo's": (0.807, 0.862), "logistic": (0.851, 0.410),
            "HistGradientBoosting": (0.841, 0.421), "LightGBM": (0.836, 0.432),
        }),
        DataSet("maven", _maven, {
            "base rate": (0.5, 0.667), "Odoo's": (0.491, 0.689), "logistic": (0.490, 0.674),
            "HistGradientBoosting": (0.513, 0.670), "LightGBM": (0.507, 0.709),
        }, repetitions=0),
        DataSet("bank", _bank, {}),
    ]  # fmt: skip


def generated_sets() -> list[DataSet]:
    """Tables drawn from a known rule: sums of columns, columns that matter together, and nothing at all."""
    return [
        DataSet(f"generated, {name}", lambda rule=rule: _generate(rule), {})  # type: ignore[misc]
        for name, rule in (("additive", _additive), ("together", _together), ("nothing", _nothing))
    ]


def _salvirt() -> Examples:
    examples = _read("salvirt_b2b/salvirt_b2b.csv", Question("Status", "Won"))
    columns = [column.codes for column in examples.table.categories.values()]
    rows = np.column_stack([*columns, examples.labels])
    _, first = np.unique(rows, axis=0, return_index=True)
    return examples.take(np.sort(first))


def _telco() -> Examples:
    return _read("telco_churn/telco.csv", Question("Churn", "Yes", drop=("customerID",)))


def _bank() -> Examples:
    return _read("bank_marketing/bank.csv", Question("y", "yes", drop=("duration",)))


def _maven() -> Examples:
    """Closed deals as they stood when they were engaged, with their account, product and team."""
    accounts, products, teams = (
        _by_first(f"maven_crm/{name}.csv") for name in ("accounts", "products", "sales_teams")
    )
    deals = [
        deal
        for deal in _rows("maven_crm/sales_pipeline.csv")
        if deal["deal_stage"] in {"Won", "Lost"}
    ]
    numbers = ("revenue", "employees", "sales_price")
    names = (
        "sales_agent",
        "product",
        "account",
        "sector",
        "office_location",
        "manager",
        "regional_office",
    )
    rows: list[Row] = []
    for deal in deals:
        product = products[deal["product"].replace("GTXPro", "GTX Pro")]
        whole = {
            **deal,
            **accounts.get(deal["account"], {}),
            **product,
            **teams[deal["sales_agent"]],
        }
        figures = {name: float(whole[name]) if name in whole else None for name in numbers}
        rows.append({**{name: whole.get(name) for name in names}, **figures})
    columns = [
        *(Column(name, ColumnKind.CATEGORY) for name in names),
        *(Column(name, ColumnKind.NUMBER) for name in numbers),
    ]
    days = [float(date.fromisoformat(deal["engage_date"]).toordinal()) for deal in deals]
    labels = np.array([deal["deal_stage"] == "Won" for deal in deals])
    return Examples(Table.from_rows(columns, rows), labels, moments=np.array(days))


def _read(name: str, question: Question) -> Examples:
    return read_examples(open_path(SHARED / name), question, max_bytes=_MAX_BYTES)


def _rows(name: str) -> list[dict[str, str]]:
    with (SHARED / name).open(newline="") as file:
        return list(csv.DictReader(file))


def _by_first(name: str) -> dict[str, dict[str, str]]:
    rows = _rows(name)
    return {next(iter(row.values())): row for row in rows}


def generate_table(rows: int, seed: int) -> Table:
    """Numbers of several shapes with gaps, and categories of several sizes."""
    rng = np.random.default_rng(seed)
    columns = {f"number {place}": rng.normal(size=rows) for place in range(4)}
    columns["amount"] = rng.lognormal(8, 1.5, rows).round(2)
    columns["days"] = rng.integers(0, 400, rows).astype(float)
    columns["calls"] = rng.poisson(2, rows).astype(float)
    for name in ("number 3", "amount"):
        columns[name][rng.random(rows) < 0.15] = np.nan
    sizes = {"region": 3, "source": 6, "industry": 20, "owner": 60}
    codes = {name: rng.zipf(1.5, rows) % size for name, size in sizes.items()}
    known = [
        *(Column(name, ColumnKind.NUMBER) for name in columns),
        *(Column(name, ColumnKind.CATEGORY) for name in codes),
    ]
    cells = [*(values.tolist() for values in columns.values())]
    cells += [[f"{name} {code}" for code in values.tolist()] for name, values in codes.items()]
    return Table.from_tuples(known, zip(*cells, strict=True))


def _generate(rule: Callable[[Table], Floats]) -> Examples:
    table = generate_table(_GENERATED_ROWS, seed=11)
    chances = served(rule(table))
    return Examples(table, np.random.default_rng(12).random(len(table)) < chances)


def _additive(table: Table) -> Floats:
    numbers, source = table.numbers, table.categories["source"].codes
    result: Floats = (
        -0.8 + 0.6 * numbers["number 0"] - 0.4 * numbers["number 1"]
        + 0.4 * (np.log1p(numbers["calls"]) - 1) + np.array([0.8, 0.3, 0, -0.3, -0.6, -1])[source]
    )  # fmt: skip
    return result


def _together(table: Table) -> Floats:
    numbers, region = table.numbers, table.categories["region"].codes
    result: Floats = (
        -0.5 + 1.2 * np.where(region == 0, numbers["number 0"], -numbers["number 0"])
        + np.where(np.abs(numbers["number 1"]) < 0.7, 0.8, -0.8) + 0.3 * (numbers["days"] > 200)
    )  # fmt: skip
    return result


def _nothing(table: Table) -> Floats:
    return np.full(len(table), -0.7)


def large_examples(rows: int) -> Examples:
    """As many rows as one wants, of the additive rule and of columns that matter together."""
    table = generate_table(rows, seed=21)
    chances = served((_additive(table) + _together(table)) / 2)
    return Examples(table, np.random.default_rng(22).random(rows) < chances)
