"""The demo's files, read once: Maven's CRM set and Salvirt's deals, as they are."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

DATA = Path(__file__).parent / "data"

# "GTXPro" in the pipeline is "GTX Pro" in the price list.
_PRODUCT_NAMES = {"GTXPro": "GTX Pro"}
# Spelling mistakes of the set that a reader of the demo would take for ours.
_SPELLING = {"technolgy": "technology", "Philipines": "Philippines"}


@dataclass(frozen=True, slots=True)
class MavenProduct:
    """A product and its list price in US dollars."""

    name: str
    series: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class MavenAccount:
    """A customer company; revenue in US dollars."""

    name: str
    sector: str
    revenue: Decimal
    employees: int
    location: str
    parent: str
    founded_in: int


@dataclass(frozen=True, slots=True)
class MavenAgent:
    """A sales agent, with manager and region."""

    name: str
    manager: str
    region: str


@dataclass(frozen=True, slots=True)
class MavenDeal:
    """A deal. ``account`` is empty for 1,425 open ones; only closed deals have a close date and value."""

    number: str
    agent: str
    product: str
    account: str
    stage: str
    engaged_on: date | None
    closed_on: date | None
    close_value: Decimal | None


@dataclass(frozen=True, slots=True)
class Maven:
    """The whole set."""

    products: list[MavenProduct]
    accounts: list[MavenAccount]
    agents: list[MavenAgent]
    deals: list[MavenDeal]

    @property
    def last_day(self) -> date:
        """The last day that the set knows."""
        return max(deal.closed_on for deal in self.deals if deal.closed_on)


@dataclass(frozen=True, slots=True)
class SalvirtDeal:
    """A deal of Salvirt: the row's number, its 22 features by column name, and Won or Lost."""

    number: int
    features: dict[str, str]
    status: str


def read_maven() -> Maven:
    """Read the four Maven files."""
    folder = DATA / "maven"
    return Maven(
        products=[
            MavenProduct(row["product"], row["series"], Decimal(row["sales_price"]))
            for row in _read(folder / "products.csv")
        ],
        accounts=[
            MavenAccount(
                name=row["account"],
                sector=_spell(row["sector"]),
                # The file counts in millions.
                revenue=Decimal(row["revenue"]) * 1_000_000,
                employees=int(row["employees"]),
                location=_spell(row["office_location"]),
                parent=row["subsidiary_of"],
                founded_in=int(row["year_established"]),
            )
            for row in _read(folder / "accounts.csv")
        ],
        agents=[
            MavenAgent(row["sales_agent"], row["manager"], row["regional_office"])
            for row in _read(folder / "sales_teams.csv")
        ],
        deals=[
            MavenDeal(
                number=row["opportunity_id"],
                agent=row["sales_agent"],
                product=_PRODUCT_NAMES.get(row["product"], row["product"]),
                account=row["account"],
                stage=row["deal_stage"].lower(),
                engaged_on=_day(row["engage_date"]),
                closed_on=_day(row["close_date"]),
                close_value=Decimal(row["close_value"]) if row["close_value"] else None,
            )
            for row in _read(folder / "sales_pipeline.csv")
        ],
    )


def read_salvirt() -> list[SalvirtDeal]:
    """Read Salvirt's deals, duplicate rows included."""
    deals = []
    for number, row in enumerate(_read(DATA / "salvirt" / "salvirt_b2b.csv"), start=1):
        status = row.pop("Status")
        deals.append(SalvirtDeal(number, row, status.lower()))
    return deals


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _spell(text: str) -> str:
    return _SPELLING.get(text, text)
