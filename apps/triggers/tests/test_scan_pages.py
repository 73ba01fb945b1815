"""The ledger of scans as a page, narrowed by kind and state; how many signals wait for their turn."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.conftest import Cast, TenantClient
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.models import Scan, ScanTrigger
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]

LIST = "/scans/"
NOW = timezone.now()


def scan(kind: ScanKind, status: ScanStatus = ScanStatus.SUCCEEDED) -> Scan:
    made = Scan.objects.create(kind=kind, status=status, started_at=NOW, finished_at=NOW)
    ScanTrigger.objects.create(scan=made, trigger="lead_inactive", fired=1)
    return made


def listed(client: TenantClient, **filters: str) -> list[Scan]:
    answer = client.get(LIST, filters)
    assert answer.status_code == 200
    return list(answer.context["page"])


def test_every_kind_has_its_words(cast: Cast, client_for: ClientFor) -> None:
    scans = [scan(kind) for kind in ScanKind]
    client = client_for(cast.rep)
    text = client.get(LIST).content.decode()
    for made, words in zip(
        scans, ("Daily", "What changed or came due", "As it happened", "Manual"), strict=True
    ):
        assert f">{words}&nbsp;·&nbsp;{made.pk}</a>" in text
        page = client.get(f"{LIST}{made.pk}/").content.decode()
        assert f'<h1 class="header-title">Scan {made.pk}</h1>' in page
        assert f"<span>{words}</span>" in page


def test_the_list_is_narrowed_by_kind_and_state(cast: Cast, client_for: ClientFor) -> None:
    daily, realtime = scan(ScanKind.FULL), scan(ScanKind.REALTIME)
    failed = scan(ScanKind.REALTIME, ScanStatus.FAILED)
    client = client_for(cast.rep)
    assert listed(client) == [failed, realtime, daily]
    assert listed(client, kind="realtime") == [failed, realtime]
    assert listed(client, kind="realtime", status="failed") == [failed]
    assert listed(client, kind="full", page="9") == [daily]
    nothing = client.get(LIST, {"kind": "incremental"})
    assert "No scan fits these filters" in nothing.content.decode()


def test_a_kind_that_there_is_not_narrows_nothing(cast: Cast, client_for: ClientFor) -> None:
    made = scan(ScanKind.FULL)
    assert listed(client_for(cast.rep), kind="hourly") == [made]


def test_the_list_costs_the_same_with_one_scan_and_with_three(
    cast: Cast, client_for: ClientFor
) -> None:
    client, counts = client_for(cast.rep), []
    for total in (1, 3):
        while Scan.objects.count() < total:
            scan(ScanKind.INCREMENTAL)
        with CaptureQueriesContext(connection) as queries:
            assert len(listed(client, kind="incremental")) == total
        counts.append(len(queries))
    assert counts == [12, 12]


@pytest.mark.parametrize(
    ("waiting", "shown"), [(9880, "9,880"), (0, "0"), (None, '<span class="not-set">–</span>')]
)
def test_the_list_says_how_many_signals_wait(
    cast: Cast, client_for: ClientFor, waiting: int | None, shown: str
) -> None:
    scan(ScanKind.FULL)
    Scan.objects.update(signals_waiting=waiting)
    page = client_for(cast.rep).get(LIST).content.decode()
    assert f'data-label="Signals waiting">{shown}</td>' in page


@pytest.mark.parametrize(
    ("waiting", "told"),
    [(9880, ["9,880 signals"]), (1, ["1 signal"]), (0, []), (None, [])],
)
def test_a_scans_page_says_it_when_some_do(
    cast: Cast, client_for: ClientFor, waiting: int | None, told: list[str]
) -> None:
    made = scan(ScanKind.FULL)
    Scan.objects.update(signals_waiting=waiting)
    page = client_for(cast.rep).get(f"{LIST}{made.pk}/").content.decode()
    assert re.findall(r"<span>([^<]*) waiting their turn</span>", page) == told


def test_who_may_not_see_scans_is_refused_page_and_file(cast: Cast, client_for: ClientFor) -> None:
    made = scan(ScanKind.FULL)
    client = client_for(cast.rep)
    addresses = (LIST, f"{LIST}{made.pk}/", f"{LIST}export.csv")
    assert [client.get(address).status_code for address in addresses] == [200, 200, 200]
    cast.rep.groups.clear()
    assert [client.get(address).status_code for address in addresses] == [403, 403, 403]
