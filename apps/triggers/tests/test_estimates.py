"""What a scan would cost, told before it is started."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from apps.brain.enums import CallOutcome, Provider
from apps.brain.models import BudgetMonth
from apps.brain.settings import change_settings
from apps.brain.tests.test_call_pages import make_call
from apps.conftest import Cast, TenantClient
from apps.tenants.enums import Role
from apps.tenants.models import Tenant
from apps.tenants.roles import taking_role
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.estimates import ScanEstimate, estimate_scan
from apps.triggers.models import Scan, ScanTrigger
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]

NOW = timezone.now()


def scanned(made: int, fired: int, waiting: int | None = 0, **fields: Any) -> None:
    values = {"kind": ScanKind.FULL, "status": ScanStatus.SUCCEEDED, **fields}
    scan = Scan.objects.create(suggestions_created=made, signals_waiting=waiting, **values)
    part = fired // 3
    for trigger, share in (("lead_inactive", fired - part), ("task_overdue", part)):
        ScanTrigger.objects.create(scan=scan, trigger=trigger, fired=share)


def spend(tenant: Tenant, spent: str, reserved: str = "0") -> None:
    begins_on: date = timezone.localdate(NOW, timezone=tenant.zone).replace(day=1)
    with transaction.atomic(), taking_role(Role.AI):
        BudgetMonth.objects.create(
            begins_on=begins_on, usd_spent=Decimal(spent), usd_reserved=Decimal(reserved)
        )


@pytest.fixture
def model(cast: Cast) -> None:
    """The language model writes, with the limit of 50 $ a month."""
    change_settings(user=cast.admin, values={"provider": Provider.OPENAI})


def test_the_rules_cost_nothing(acme: Tenant) -> None:
    scanned(made=500, fired=900)
    assert estimate_scan(acme, NOW) is None


def test_before_the_second_scan_and_the_first_call_it_is_not_known(
    acme: Tenant, model: None
) -> None:
    assert estimate_scan(acme, NOW) == ScanEstimate(None, None, Decimal(50))
    scanned(made=900, fired=900)
    assert estimate_scan(acme, NOW) == ScanEstimate(None, None, Decimal(50))
    scanned(made=3, fired=5)
    assert estimate_scan(acme, NOW) == ScanEstimate(3, None, Decimal(50))


def test_it_goes_by_the_middle_one_of_five_scans_and_the_mean_of_a_hundred_calls(
    acme: Tenant, model: None
) -> None:
    scanned(made=999, fired=999)
    scanned(made=500, fired=900)
    for made in (10, 14, 12, 11):
        scanned(made=made, fired=20, kind=ScanKind.MANUAL)
    # What is no full look, or did not come to its end, tells nothing.
    scanned(made=777, fired=777, kind=ScanKind.INCREMENTAL)
    scanned(made=777, fired=777, status=ScanStatus.FAILED)
    make_call(cost_usd=Decimal(9))
    for _ in range(99):
        make_call(cost_usd=Decimal("0.001"))
    make_call(cost_usd=Decimal("0.101"), outcome=CallOutcome.FAILED)
    make_call(cost_usd=Decimal(0), provider=Provider.RULES)
    spend(acme, "0.8", "0.2")
    assert estimate_scan(acme, NOW) == ScanEstimate(12, Decimal("0.024"), Decimal(49))


def test_no_more_comes_of_it_than_what_waits_and_what_fires(acme: Tenant, model: None) -> None:
    for _ in range(4):
        scanned(made=40, fired=2)
    scanned(made=40, fired=2, waiting=7)
    estimate = estimate_scan(acme, NOW)
    assert estimate is not None
    assert estimate.suggestions == 9


def test_of_a_spent_month_nothing_is_left(acme: Tenant, model: None) -> None:
    spend(acme, "60")
    assert estimate_scan(acme, NOW) == ScanEstimate(None, None, Decimal(0))


def test_page_and_dialog_say_it_to_those_who_may_scan(
    cast: Cast, client_for: ClientFor, model: None
) -> None:
    page = client_for(cast.rep).get("/scans/").content.decode()
    assert "How many new suggestions come of a scan is known after the next one." in page
    scanned(made=9, fired=9)
    scanned(made=0, fired=0)
    page = client_for(cast.rep).get("/scans/").content.decode()
    said = "As a rule no new suggestions, which cost nothing of this month’s 50.00\u00a0$ left."
    assert said in page
    for _ in range(2):
        scanned(made=1, fired=5)
    make_call(cost_usd=Decimal("0.00053"))
    page = client_for(cast.rep).get("/scans/").content.decode()
    said = "About 1 new suggestion, about 0.00053\u00a0$ of this month’s 50.00\u00a0$ left."
    assert f"<span>A scan of everything</span> <span>{said}" in page
    assert f'data-confirm="Scan everything now? {said}' in page


def test_nothing_is_said_or_asked_with_the_rules(cast: Cast, client_for: ClientFor) -> None:
    page = client_for(cast.rep).get("/scans/").content.decode()
    assert ("A scan of everything" in page, 'scan_start" data-confirm' in page) == (False, False)
    assert (
        client_for(cast.rep)
        .post("/api/v1/scans/", content_type="application/json")
        .json()["estimate"]
        is None
    )


def test_the_api_answers_with_it(cast: Cast, client_for: ClientFor, model: None) -> None:
    scanned(made=99, fired=99)
    scanned(made=12, fired=20)
    make_call(cost_usd=Decimal("0.00053"))
    answer = client_for(cast.rep).post("/api/v1/scans/", content_type="application/json")
    assert (answer.status_code, answer.json()["estimate"]) == (
        202,
        {"suggestions": 12, "usd": "0.006360", "usd_left": "50.000000"},
    )
