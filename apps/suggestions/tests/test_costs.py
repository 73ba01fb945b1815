"""What the language model costs: exact sums by month, model, goal and suggestion; page, files and API."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.brain.enums import CallOutcome, FallBack, Goal, Mode, Provider
from apps.brain.models import BudgetMonth
from apps.brain.tests.test_call_pages import make_call
from apps.conftest import Cast, TenantClient
from apps.suggestions.costs import MonthCost, Trouble, Written, read_costs
from apps.suggestions.enums import State
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.enums import Role
from apps.tenants.models import Tenant
from apps.tenants.roles import taking_role
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]

PAGE = "/brain/cost/"
API = "/api/v1/brain/cost/"
# In Berlin a minute into March, and a minute before its end.
FIRST = datetime(2026, 2, 28, 23, 1, tzinfo=UTC)
LAST = datetime(2026, 3, 31, 21, 59, tzinfo=UTC)
NOW = datetime(2026, 4, 2, 9, tzinfo=UTC)
MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)


def make_month(begins_on: date, **fields: Any) -> None:
    with transaction.atomic(), taking_role(Role.AI):
        BudgetMonth.objects.create(begins_on=begins_on, **fields)


def suggest(cast: Cast, goal: Goal, state: State = State.PENDING, **call: Any) -> None:
    decided = state in {State.APPROVED, State.REJECTED}
    SuggestionFactory(
        brain_call=make_call(**{"called_at": FIRST, **call}),
        goal=goal,
        state=state,
        reviewed_by=cast.manager if decided else None,
        reviewed_at=NOW if decided else None,
    )


@pytest.fixture
def history(cast: Cast) -> None:
    """Two models and the rules in March, and a call on each side of the month."""
    suggest(cast, Goal.REVIVE_LEAD, cost_usd=Decimal("0.004"))
    suggest(cast, Goal.REVIVE_LEAD, State.APPROVED, cost_usd=Decimal("0.002"), called_at=LAST)
    suggest(cast, Goal.MOVE_DEAL, State.REJECTED, cost_usd=Decimal("0.01"), model="gpt-5")
    make_call(
        outcome=CallOutcome.FAILED, error_code="timeout", cost_usd=Decimal("0.001"), tokens_out=0,
        called_at=LAST,
    )  # fmt: skip
    make_call(dropped_code="unknown_fact", cost_usd=Decimal("0.003"), called_at=LAST)
    make_call(
        provider=Provider.RULES, model="", cost_usd=Decimal(0), tokens_in=0, tokens_out=0, tasks_count=2,
        fell_back_because=FallBack.CALL_FAILED, called_at=LAST,
    )  # fmt: skip
    # An answer to a question makes no suggestion, and is none that failed.
    make_call(mode=Mode.READ_ONLY, dropped_code="unknown_fact", called_at=LAST)
    make_call(called_at=datetime(2026, 2, 28, 22, 59, tzinfo=UTC))
    make_call(called_at=datetime(2026, 3, 31, 22, 0, tzinfo=UTC), model="gpt-5-nano")
    make_month(MARCH, tokens_spent=9_000, usd_spent=Decimal("0.02"))
    make_month(
        APRIL,
        tokens_spent=1_400,
        usd_spent=Decimal("30"),
        usd_reserved=Decimal("0.5"),
        tokens_reserved=10,
    )


def test_a_month_is_told_to_the_millionth(acme: Tenant, history: None) -> None:
    costs = read_costs(acme, MARCH, NOW)
    assert costs.models == (
        Written("gpt-4.1-mini", 4, 5400, Decimal("0.01"), 2, 1),
        Written("gpt-5", 1, 1400, Decimal("0.01"), 1, 0),
    )
    assert [row.usd_per_suggestion for row in costs.models] == [Decimal("0.005"), Decimal("0.01")]
    assert [row.usd_per_approved for row in costs.models] == [Decimal("0.01"), None]
    assert costs.goals == (
        Written("Get the deal moving", 1, 1400, Decimal("0.01"), 1, 0),
        Written("Revive the lead", 2, 2800, Decimal("0.006"), 2, 1),
    )
    assert costs.total == Written("All", 5, 6800, Decimal("0.02"), 3, 1)
    assert costs.without_suggestion_usd == Decimal("0.004")
    assert costs.troubles == (
        Trouble("Failed", "timeout", "no answer in time", 1, Decimal("0.001"), "outcome=failed"),
        Trouble("Did not hold", "unknown_fact", "unknown fact (language model)", 1, Decimal("0.003"), ""),
        Trouble(
            "Rules wrote instead", "call_failed", "the language model did not answer", 2, Decimal(0),
            "fell_back_because=call_failed",
        ),
    )  # fmt: skip


def test_the_present_month_stands_against_its_limits(acme: Tenant, history: None) -> None:
    costs = read_costs(acme, None, NOW)
    assert (costs.month, costs.now.month, costs.asks_model) == (APRIL, APRIL, False)
    assert [row.name for row in costs.models] == ["gpt-5-nano"]
    assert (costs.now.usd_spent, costs.now.usd_reserved) == (Decimal(30), Decimal("0.5"))
    assert (costs.now.share_0_1, costs.now.is_above_soft) == (0.61, True)
    assert costs.months == (
        MonthCost(APRIL, 1_400, Decimal(30), 10, Decimal("0.5")),
        MonthCost(MARCH, 9_000, Decimal("0.02"), 0, Decimal(0)),
    )


def test_nothing_was_spent_where_only_the_rules_write(cast: Cast, client_for: ClientFor) -> None:
    page = client_for(cast.manager).get(PAGE).content.decode()
    assert "The built-in rules write, and they cost nothing." in page
    assert "Nothing has been spent" in page


def test_the_page_shows_the_month_that_is_asked_for(
    cast: Cast, client_for: ClientFor, history: None
) -> None:
    client = client_for(cast.manager)
    page = client.get(f"{PAGE}?month=2026-03").content.decode()
    assert "Suggestions of March 2026" in page
    assert "0.0067\u00a0$" in page  # 0.02 for three suggestions
    for wrong in ("2026-13", "x", "2026-03-01", ""):
        assert client.get(f"{PAGE}?month={wrong}").status_code == 200


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("months", [["2026-04", "1400", "30.000000", "10", "0.500000"],
                    ["2026-03", "9000", "0.020000", "0", "0.000000"]]),
        ("models", [["gpt-4.1-mini", "4", "5400", "0.010000", "2", "1", "0.005000", "0.010000"],
                    ["gpt-5", "1", "1400", "0.010000", "1", "0", "0.010000", ""]]),
        ("goals", [["Get the deal moving", "1", "1400", "0.010000", "1", "0", "0.010000", ""],
                   ["Revive the lead", "2", "2800", "0.006000", "2", "1", "0.003000", "0.006000"]]),
        ("troubles", [["Failed", "timeout", "no answer in time", "1", "0.001000"],
                      ["Did not hold", "unknown_fact", "unknown fact (language model)", "1", "0.003000"],
                      ["Rules wrote instead", "call_failed", "the language model did not answer", "2", "0"]]),
    ],
)  # fmt: skip
def test_each_table_is_a_file(
    cast: Cast, client_for: ClientFor, history: None, table: str, rows: list[list[str]]
) -> None:
    answer = client_for(cast.manager).get(f"{PAGE}{table}.csv?month=2026-03")
    text = b"".join(answer).decode().removeprefix("\ufeff")
    header, *lines = csv.reader(io.StringIO(text))
    assert (lines, len(header)) == (rows, len(rows[0]))


def test_the_api_tells_the_same(cast: Cast, client_for: ClientFor, history: None) -> None:
    client = client_for(cast.manager)
    told = client.get(f"{API}?month=2026-03").json()
    assert told["month"] == "2026-03-01"
    assert told["models"][0] == {
        "name": "gpt-4.1-mini",
        "calls": 4,
        "tokens": 5400,
        "usd": "0.010000",
        "suggestions": 2,
        "approved": 1,
        "usd_per_suggestion": "0.005000",
        "usd_per_approved": "0.010000",
    }
    assert told["without_suggestion_usd"] == "0.004000"
    assert [row["code"] for row in told["troubles"]] == ["timeout", "unknown_fact", "call_failed"]
    for query, name in (("month=March", "month"), ("year=2026", "year")):
        answer = client.get(f"{API}?{query}")
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [name])


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}months.csv", f"{PAGE}troubles.csv", API])
def test_reps_do_not_see_what_it_costs(cast: Cast, client_for: ClientFor, path: str) -> None:
    statuses = [client_for(person).get(path).status_code for person in (cast.rep, cast.manager)]
    assert statuses == [403, 200]


def test_the_page_costs_the_same_with_one_call_and_with_three(
    cast: Cast, client_for: ClientFor
) -> None:
    client, counts = client_for(cast.manager), []
    for total, goals in ((1, [Goal.REVIVE_LEAD]), (3, [Goal.MOVE_DEAL, Goal.CLEAR_TASK])):
        for goal in goals:
            suggest(cast, goal, called_at=datetime.now(UTC), model=f"model-{goal}")
        with CaptureQueriesContext(connection) as queries:
            shown = client.get(PAGE)
        counts.append((len(shown.context["costs"].models), len(queries)))
        assert total == counts[-1][0]
    assert counts == [(1, 16), (3, 16)]


def test_another_tenants_costs_are_its_own(
    cast: Cast, globex: Tenant, acme: Tenant, history: None
) -> None:
    with globex:
        costs = read_costs(globex, MARCH, NOW)
    assert (costs.models, costs.months, costs.troubles) == ((), (), ())
