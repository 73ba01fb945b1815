"""``manage.py backtest_forecast``: files in, figures out, without a database."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from apps.predictions.tests.forecasting.companies import steady_deals, steady_moves

MAVEN = (
    Path(settings.BASE_DIR) / "apps/operations/demo/data/maven/sales_pipeline.csv",
    "opened=engage_date,closed=close_date,won=deal_stage:Won,amount=close_value,owner=sales_agent",
)


def write(path: Path, header: list[str], rows: Iterable[Sequence[object]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([header, *rows])
    return path


@pytest.fixture
def deals(tmp_path: Path) -> Path:
    rows = [
        [deal.id, deal.opened, deal.closed or "", "yes" if deal.won else "no", deal.amount]
        for deal in steady_deals(400)
    ]
    return write(tmp_path / "deals.csv", ["id", "opened", "closed", "won", "amount"], rows)


def run(*arguments: object, cutoffs: str = "2024-10-01,2024-11-01") -> dict[str, Any]:
    out, progress = StringIO(), StringIO()
    call_command(
        "backtest_forecast", "--horizon-days", "30", "--cutoffs", cutoffs, "--json",
        *(str(argument) for argument in arguments), stdout=out, stderr=progress,
    )  # fmt: skip
    assert progress.getvalue()
    return json.loads(out.getvalue())  # type: ignore[no-any-return]


def test_every_method_is_told_for_every_cutoff(deals: Path) -> None:
    told = run("--csv", deals)
    assert told["deals"] == 800
    assert list(told["methods"]) == [
        "simulation", "stage_win_rate", "stage_won_within", "last_windows", "last_quarter",
    ]  # fmt: skip
    for figures in told["methods"].values():
        assert set(figures) == {"cutoffs", "mape", "error_share", "pinball", "coverage"}
        assert figures["cutoffs"] == 2
    assert [row["cutoff"] for row in told["cutoffs"]] == ["2024-10-01", "2024-11-01"]
    assert told["methods"]["simulation"]["mape"] < 0.2


def test_stages_are_read_where_there_are_some(deals: Path, tmp_path: Path) -> None:
    moves = steady_moves(steady_deals(400))
    history = write(
        tmp_path / "moves.csv",
        ["deal", "stage", "entered"],
        [[move.deal_id, move.stage, f"{move.entered} 10:30"] for move in moves],
    )
    told = run("--csv", deals, "--history", history)
    assert told["methods"]["stage_won_within"] != run("--csv", deals)["methods"]["stage_won_within"]


def test_maven_is_read_by_its_own_columns_as_the_peers_figures_say() -> None:
    path, columns = MAVEN
    cutoffs = ",".join(f"2017-{month:02}-01" for month in range(6, 13))
    told = run("--csv", path, "--columns", columns, cutoffs=cutoffs)
    assert told["deals"] == 8_300
    assert told["methods"]["last_quarter"]["mape"] == pytest.approx(0.10, abs=0.005)
    assert told["methods"]["simulation"]["mape"] < 0.15


def test_a_file_as_spreadsheets_and_data_frames_write_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "deals.csv"
    rows = ["id;opened;closed;won;amount"]
    rows += [
        f"{deal.id};{deal.opened} 09:30:00;{deal.closed or 'NaT'};"
        f"{(1.0 if deal.won else 0.0) if deal.closed else ''};1.000,00"
        for deal in steady_deals(400)
    ]
    path.write_text("\n".join(rows), encoding="utf-16")
    told = run("--csv", path)
    assert told["deals"] == 800
    assert told["cutoffs"][0]["actual"] % 1_000 == 0
    assert told["methods"]["simulation"]["mape"] < 0.2


def test_a_table_for_people_names_what_would_have_been_shown(deals: Path) -> None:
    out = StringIO()
    call_command(
        "backtest_forecast", "--csv", str(deals), "--horizon-days", "30",
        "--cutoffs", "2024-10-01", stdout=out, stderr=StringIO(),
    )  # fmt: skip
    assert "What would have been shown" in out.getvalue()
    assert "Same phase of the last quarter" in out.getvalue()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [["a", "2024-31-31", "", "no", 1]],
            "row 2, opened: '2024-31-31' is not a day of the calendar",
        ),
        ([["a", "2024-01-01", "", "perhaps", 1]], "row 2, won: 'perhaps' is neither yes nor no"),
        ([["a", "2024-01-01", "", "no", "much"]], "row 2, amount: 'much' is not an amount"),
        ([["a", "03/04/2024", "", "no", 1]], "nothing tells whether days or months come first"),
        ([], "There are no deals yet"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(
    tmp_path: Path, rows: list[list[object]], said: str
) -> None:
    path = write(tmp_path / "deals.csv", ["id", "opened", "closed", "won", "amount"], rows)
    with pytest.raises(CommandError) as refusal:
        run("--csv", path)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "deals.csv", ["opened", "closed", "won"], [["2024-01-01", "", "no"]])
    with pytest.raises(CommandError, match="has no column 'amount'; it has opened, closed, won"):
        run("--csv", path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cutoffs", "soon"], "'soon' is no day"),
        (["--cutoffs", "9999-12-15"], "9999-12-15 does not lie from 1900 to 2200"),
        (["--horizon-days", "0"], "--horizon-days is a number from 1"),
        (["--columns", "opened:day"], "names no column"),
        (["--csv", "nowhere.csv"], "There is no file nowhere.csv"),
    ],
)
def test_a_wrong_argument_is_said(deals: Path, arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run("--csv", deals, *arguments)
