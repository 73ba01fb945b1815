"""Pages of long lists."""

from __future__ import annotations

import pytest

from apps.crm.models import Lead
from apps.crm.tests.factories import LeadFactory
from apps.tenants import pagination
from apps.tenants.models import Tenant
from apps.tenants.pagination import COUNT_LIMIT, CappedPaginator

PER_PAGE = 2


def page_of(asked: str | None, *, count_limit: int = COUNT_LIMIT) -> tuple[int, int, str, bool]:
    """Number and length of the page, the count in words, and whether one can go on."""
    leads = Lead.objects.order_by("id")
    paginator = CappedPaginator(leads, PER_PAGE, asked, count_limit=count_limit)
    page = paginator.asked_page()
    return page.number, len(page), paginator.count_text, page.has_next()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, (1, 2, "5", True)), ("", (1, 2, "5", True)), ("1", (1, 2, "5", True)),
        ("3", (3, 1, "5", False)), ("999", (3, 1, "5", False)), ("abc", (1, 2, "5", True)),
        ("0", (1, 2, "5", True)), ("-2", (1, 2, "5", True)), ("9" * 30, (3, 1, "5", False)),
        ("9" * 5000, (1, 2, "5", True)), ("1e3", (1, 2, "5", True)),
    ],
)  # fmt: skip
def test_the_nearest_page_is_shown(
    acme: Tenant, asked: str | None, expected: tuple[int, int, str, bool]
) -> None:
    LeadFactory.create_batch(5)
    assert page_of(asked) == expected


def test_an_empty_list_has_one_empty_page(acme: Tenant) -> None:
    assert page_of("1") == (1, 0, "0", False)


def test_counting_stops_at_the_limit_and_paging_goes_on(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pagination, "FURTHEST_ROW", 8)
    LeadFactory.create_batch(11)
    assert page_of("1", count_limit=4) == (1, 2, "4+", True)
    assert page_of("3", count_limit=4) == (3, 2, "6+", True)
    # The last page that can be reached, and all beyond it.
    assert page_of("4", count_limit=4) == (4, 2, "8+", False)
    assert page_of("5", count_limit=4) == (4, 2, "8+", False)


def test_exactly_the_limit_is_no_more_than_the_limit(acme: Tenant) -> None:
    LeadFactory.create_batch(4)
    assert page_of("1", count_limit=4) == (1, 2, "4", True)
    assert page_of("2", count_limit=4) == (2, 2, "4", False)
