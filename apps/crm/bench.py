"""The measures of the CRM: how long an import of a large file takes."""

from __future__ import annotations

import csv
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

from django.db import connection, transaction

from apps.audit.schemas import Actor
from apps.crm.importing.services import ImportSummary, import_file
from apps.crm.models import Account, Product, Stage
from apps.users.models import User

ROWS = 100_000
TARGET_S = 60
SOURCE = "bench"
ACCOUNTS, PRODUCTS, PEOPLE = 2000, 20, 30
STAGES = ("Prospecting", "Engaging", "Proposal", "Negotiation", "Won", "Lost")
HEADER = (
    "Record ID", "Deal Name", "Deal Stage", "Amount", "Create Date", "Close Date", "Company name", "Product",
    "Deal owner", "Next step", "Description", "Region", "Score",
)  # fmt: skip

# The same file by hand: no checks, values already as the database wants them, references by plain joins.
_BY_HAND = """
    INSERT INTO crm_opportunity (
        source, external_id, name, stage_id, amount, opened_on, expected_close_on, closed_on, account_id,
        product_id, owner_id, next_step, notes, attributes, currency, lost_reason)
    SELECT 'bench', f.id, f.name, stage.id, f.amount, f.opened,
           CASE WHEN stage.outcome = 'open' THEN f.closes END,
           CASE WHEN stage.outcome <> 'open' THEN f.closes END,
           account.id, product.id, person.id, f.next_step, f.notes,
           jsonb_build_object('region', f.region, 'score', f.score), 'USD', ''
    FROM bench_file f
    LEFT JOIN crm_stage stage ON stage.label = f.stage
    LEFT JOIN crm_account account ON account.name = f.account
    LEFT JOIN crm_product product ON product.name = f.product
    LEFT JOIN users_user person ON person.username = f.owner
    ON CONFLICT (source, external_id) WHERE external_id <> '' DO UPDATE SET
        name = excluded.name, stage_id = excluded.stage_id, amount = excluded.amount
    WHERE (crm_opportunity.name, crm_opportunity.stage_id, crm_opportunity.amount)
        IS DISTINCT FROM (excluded.name, excluded.stage_id, excluded.amount)
"""


def measure_import() -> Iterator[dict[str, object]]:
    """100,000 deals from an export with dates, sums, four references and two custom fields.

    Everything is rolled back afterwards; the checks that wait for the commit are made before the clock stops.
    """
    with tempfile.TemporaryDirectory(prefix="aisha-bench-") as folder:
        path, plain = Path(folder, "deals.csv"), Path(folder, "plain.csv")
        with transaction.atomic():
            _make_references()
            _write_files(path, plain)
            by_hand_s = _rolled_back(lambda: _timed(lambda: _import_by_hand(plain)))
            first_s = _timed(lambda: _import(path))
            again_s = _timed(lambda: _import(path))
            transaction.set_rollback(True)
    yield {
        "name": "import 100k rows",
        "value": round(first_s, 2),
        "unit": "s",
        "target": TARGET_S,
        "better": "lower",
        "baseline": round(by_hand_s, 2),
        "remark": f"{ROWS / first_s:,.0f} rows/s; baseline: COPY and INSERT … ON CONFLICT by hand",
    }
    yield {
        "name": "import 100k rows again, nothing changed",
        "value": round(again_s, 2),
        "unit": "s",
        "target": TARGET_S,
        "better": "lower",
        "baseline": None,
    }


def _import(path: Path) -> ImportSummary:
    mapping = {"columns": {"Region": "custom:region", "Score": "custom:score"}}
    actor = Actor.for_system("bench")
    summary = import_file(
        kind="opportunities", path=path, source=SOURCE, actor=actor, mapping=mapping
    )
    if (summary.rows_refused, summary.rows_warned) != (0, 0):
        raise RuntimeError(f"The bench's own file has errors: {summary}.")
    return summary


def _import_by_hand(path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE bench_file (id text, name text, stage text, amount numeric, opened date, "
            "closes date, account text, product text, owner text, next_step text, notes text, region text, "
            "score numeric) ON COMMIT DROP"
        )
        with (
            path.open("rb") as source,
            cursor.copy("COPY bench_file FROM STDIN (FORMAT csv)") as copy,
        ):
            while chunk := source.read(1 << 20):
                copy.write(chunk)
        cursor.execute("ANALYZE bench_file")
        cursor.execute(_BY_HAND)


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        elapsed_s = time.perf_counter() - started
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    return elapsed_s


def _rolled_back(measure: Callable[[], float]) -> float:
    with transaction.atomic():
        elapsed_s = measure()
        transaction.set_rollback(True)
    return elapsed_s


def _make_references() -> None:
    Account.objects.bulk_create(Account(name=f"Bench company {n}") for n in range(ACCOUNTS))
    Product.objects.bulk_create(
        Product(name=f"Bench product {n}", price=n) for n in range(PRODUCTS)
    )
    User.objects.bulk_create(User(username=f"bench-{n}") for n in range(PEOPLE))
    known = set(Stage.objects.values_list("label", flat=True))
    if not set(STAGES) <= known:
        raise RuntimeError(f"The bench's tenant lacks a stage: it has {sorted(known)}.")


def _write_files(path: Path, plain: Path) -> None:
    """The export as people get it, and the same with values as PostgreSQL reads them."""
    with path.open("w", newline="") as export, plain.open("w", newline="") as simple:
        written, bare = csv.writer(export), csv.writer(simple)
        written.writerow(HEADER)
        for n in range(ROWS):
            opened = date(2025, 1, 1) + timedelta(days=n % 365)
            closes = opened + timedelta(days=30 + n % 90)
            amount, score = 100 + n * 7 % 90_000, n % 1000 / 10
            texts = (
                f"Bench company {n % ACCOUNTS}", f"Bench product {n % PRODUCTS}", f"bench-{n % PEOPLE}",
                "Call again", f"A few words about deal {n}, as people write them.", f"Region {n % 12}",
            )  # fmt: skip
            head = (n, f"Deal {n}", STAGES[n % len(STAGES)])
            written.writerow(
                [
                    *head,
                    f"${amount:,}.00",
                    f"{opened:%m/%d/%Y}",
                    f"{closes:%m/%d/%Y}",
                    *texts,
                    score,
                ]
            )
            bare.writerow([*head, amount, opened, closes, *texts, score])
