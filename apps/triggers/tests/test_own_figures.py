"""The tenant's own figures on a trigger's page: which are in force, and how they are drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pydantic import JsonValue

from apps.conftest import Cast, TenantClient
from apps.tenants.models import Tenant
from apps.triggers.charts import lay_out_strips
from apps.triggers.distribution import DistributionRow
from apps.triggers.models import Baseline
from apps.triggers.own_figures import read_own_figures
from apps.triggers.rules import registry
from apps.triggers.rules.leads import LeadInactive, LeadInactiveParameters
from apps.triggers.settings import change_setting, read_setting
from apps.users.models import User

PAGE = "/triggers/lead_inactive/"


class MeasuredLeadInactive(LeadInactive):
    """The trigger, measuring how long leads are silent, by source."""

    def distribution(
        self, figures: Mapping[str, JsonValue], parameters: LeadInactiveParameters
    ) -> tuple[DistributionRow, ...]:
        measured = [
            DistributionRow(source, 1400, 5, 12.5, 12.5, "days") for source in sorted(figures)
        ]
        return (*measured, DistributionRow("Fair", 3, None, None, parameters.silent_days, "days"))


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._triggers, "lead_inactive", MeasuredLeadInactive())


def freeze(version: str, *sources: str) -> None:
    Baseline.objects.create(
        trigger="lead_inactive",
        version=version,
        values=dict.fromkeys(sources, 1),
        measured_at=timezone.now(),
    )


def test_the_newest_are_in_force_with_the_parameters_of_the_tenant(cast: Cast) -> None:
    setting = read_setting("lead_inactive")
    assert read_own_figures(setting) is None
    freeze("2026-03-01 aaaaaaaaaaaa", "Web")
    freeze("2026-03-02 bbbbbbbbbbbb", "Web", "Referral")
    change_setting(
        user=cast.manager,
        key="lead_inactive",
        now=timezone.now(),
        parameters={"silent_days": 21},
    )
    figures = read_own_figures(read_setting("lead_inactive"))
    assert figures is not None
    assert figures.measured_on == date(2026, 3, 2)
    assert [(row.label, row.threshold) for row in figures.rows] == [
        ("Referral", 12.5), ("Web", 12.5), ("Fair", 21),
    ]  # fmt: skip


def test_those_of_a_clock_that_was_ahead_are_followed_by_the_next(cast: Cast) -> None:
    freeze("2029-05-15 aaaaaaaaaaaa", "Web")
    freeze("2026-03-02 bbbbbbbbbbbb", "Web")
    assert Baseline.objects.in_force().get().version == "2026-03-02 bbbbbbbbbbbb"


def test_the_page_draws_them_and_has_them_as_a_table(
    cast: Cast, client_for: Callable[[User], TenantClient]
) -> None:
    client = client_for(cast.rep)
    assert "From our own data" not in client.get(PAGE).content.decode()
    freeze("2026-03-02 bbbbbbbbbbbb", "Web")
    text = client.get(PAGE).content.decode()
    assert "Measured on 2 Mar 2026 and frozen for that day." in text
    assert '<rect class="chart-bar" x="0" y="4" width="89.29%" height="12"/>' in text
    assert '<rect class="chart-threshold" x="100.00%" y="0" width="2" height="20"/>' in text
    assert "half up to 5, four of five up to 12.5 · <strong>12.5 days</strong>" in text
    assert "3, too few to tell · <strong>14 days</strong>" in text
    assert '<td class="number" data-label="Records">1,400</td>' in text
    assert "style=" not in text


def test_the_page_costs_the_same_with_one_group_and_with_three(
    cast: Cast, client_for: Callable[[User], TenantClient]
) -> None:
    client, counts = client_for(cast.rep), []
    for number, sources in enumerate([("a",), ("a", "b", "c")]):
        freeze(f"2026-03-0{number + 1}", *sources)
        with CaptureQueriesContext(connection) as queries:
            client.get(PAGE)
        counts.append(len(queries))
    assert counts == [12, 12]


def test_another_tenants_figures_are_not_here(cast: Cast, globex: Tenant) -> None:
    with globex:
        freeze("2026-03-02 bbbbbbbbbbbb", "Web")
    assert read_own_figures(read_setting("lead_inactive")) is None


def test_each_unit_has_an_axis_of_its_own_from_zero() -> None:
    rows = [
        DistributionRow("A", 40, 10, 20, 15, "days"),
        DistributionRow("B", 40, 500, 2000, 1000, "USD"),
        DistributionRow("C", 2, None, None, 40, "days"),
    ]
    days, dollars = lay_out_strips(rows)
    assert (days.unit, days.highest, dollars.unit, dollars.highest) == ("days", 40, "USD", 2000)
    assert [(s.row.label, s.p50, s.p80, s.threshold) for s in days.strips] == [
        ("A", "25.00%", "50.00%", "37.50%"),
        ("C", "", "", "100.00%"),
    ]
    assert [(s.p50, s.p80, s.threshold) for s in dollars.strips] == [
        ("25.00%", "100.00%", "50.00%")
    ]
    assert lay_out_strips([]) == []


def test_an_axis_of_nothing_but_zeros_is_no_division_by_zero() -> None:
    (chart,) = lay_out_strips([DistributionRow("A", 40, 0, 0, 0, "days")])
    assert [(s.p50, s.p80, s.threshold) for s in chart.strips] == [("0.00%", "0.00%", "0.00%")]
