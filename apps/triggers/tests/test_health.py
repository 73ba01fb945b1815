"""The page that shows how the engine does, and the numbers on it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.formats import date_format

from apps.conftest import Cast, TenantClient, owner_connection
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.triggers.charts import lay_out_days, lay_out_spark
from apps.triggers.enums import ScanKind, ScanStatus, Severity
from apps.triggers.health import Health, TriggerHealth, read_health
from apps.triggers.models import Scan, ScanTrigger, Signal
from apps.triggers.rules import registry
from apps.triggers.settings import change_setting
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]

PAGE = "/triggers/health/"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_ids = count(1)


@pytest.fixture(autouse=True)
def in_berlin() -> Any:
    """The zone of a request."""
    with timezone.override(ZoneInfo("Europe/Berlin")):
        yield


def signal(key: str, fired_at: datetime, cleared_at: datetime | None = None) -> Signal:
    trigger = registry.get(key)
    return Signal.objects.create(
        trigger=key,
        goal=trigger.goal,
        record_kind=trigger.record_kind,
        record_id=next(_ids),
        severity=Severity.NORMAL,
        fired_at=fired_at,
        cleared_at=cleared_at,
    )


def scan(kind: ScanKind, began: datetime, *, took_s: float = 1, error: str = "") -> Scan:
    return Scan.objects.create(
        kind=kind,
        status=ScanStatus.FAILED if error else ScanStatus.SUCCEEDED,
        queued_at=began,
        started_at=began,
        finished_at=began + timedelta(seconds=took_s),
        error=error,
    )


def result(of: Scan, key: str, **values: Any) -> ScanTrigger:
    return ScanTrigger.objects.create(scan=of, trigger=key, **values)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def row_of(health: Health, key: str) -> TriggerHealth:
    (found,) = [row for row in health.triggers if row.setting.trigger.key == key]
    return found


def test_signals_are_counted_on_the_days_of_the_zone(acme: Tenant) -> None:
    # Half past midnight in Berlin, still the day before in UTC.
    midnight = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    signal("lead_inactive", midnight)
    signal("lead_inactive", midnight - timedelta(hours=1), cleared_at=midnight)
    signal("task_overdue", midnight)
    signal("task_overdue", ago(days=29, hours=9))
    signal("task_overdue", ago(days=30, hours=11), cleared_at=ago(days=30, hours=10))
    health = read_health(NOW)
    assert (health.days[0], health.days[-1], len(health.days)) == (
        date(2026, 2, 1), date(2026, 3, 2), 30,
    )  # fmt: skip
    lead, task = row_of(health, "lead_inactive"), row_of(health, "task_overdue")
    assert (lead.fired[-2:], lead.cleared[-2:], lead.firing) == ((1, 1), (0, 1), 1)
    assert (lead.fired_total, lead.cleared_total) == (2, 1)
    assert (task.fired[0], task.fired[-1], task.fired_total, task.cleared_total) == (1, 1, 2, 0)
    assert (health.fired[-2:], health.cleared[-2:], sum(health.fired)) == ((1, 2), (0, 1), 4)


def test_the_noisiest_come_first(acme: Tenant) -> None:
    for key, fired in (("task_overdue", 3), ("deal_stalled", 1), ("lead_inactive", 1)):
        for _ in range(fired):
            signal(key, ago(days=1), cleared_at=ago(hours=1) if key == "deal_stalled" else None)
    keys = [row.setting.trigger.key for row in read_health(NOW).triggers]
    assert keys[:3] == ["task_overdue", "lead_inactive", "deal_stalled"]
    assert len(keys) == len(registry.all())


def test_those_that_have_not_fired_for_ninety_days_are_named(acme: Tenant) -> None:
    for trigger in registry.all():
        if trigger.key not in {"deal_stalled", "lead_inactive"}:
            signal(trigger.key, ago(days=89))
    signal("lead_inactive", ago(days=91))
    health = read_health(NOW)
    silent = {row.setting.trigger.key: row.last_fired_at for row in health.silent}
    assert silent == {"deal_stalled": None, "lead_inactive": ago(days=91)}


def test_seconds_are_those_of_looks_at_everything(acme: Tenant) -> None:
    for days, seconds in ((3, 1.0), (1, 2.0), (2, 6.0)):
        result(scan(ScanKind.FULL, ago(days=days)), "lead_inactive", duration_s=seconds)
    result(scan(ScanKind.MANUAL, ago(hours=2)), "lead_inactive", duration_s=3.0)
    result(scan(ScanKind.REALTIME, ago(hours=1)), "lead_inactive", duration_s=0.001)
    result(scan(ScanKind.FULL, ago(days=31)), "lead_inactive", duration_s=99.0)
    failed = scan(ScanKind.FULL, ago(hours=1), error="lead_inactive: ValueError")
    result(failed, "lead_inactive", duration_s=50.0, error="ValueError")
    row = row_of(read_health(NOW), "lead_inactive")
    assert (row.last_s, row.average_s) == (3.0, 3.0)
    other = row_of(read_health(NOW), "task_overdue")
    assert (other.last_s, other.average_s) == (None, None)


def test_errors_are_counted_and_lead_to_the_last_scan_with_one(acme: Tenant) -> None:
    for kind, days in ((ScanKind.FULL, 31), (ScanKind.FULL, 2), (ScanKind.REALTIME, 1)):
        last = scan(kind, ago(days=days), error="lead_inactive: ValueError")
        result(last, "lead_inactive", error="ValueError")
    result(scan(ScanKind.FULL, ago(hours=1)), "lead_inactive")
    health = read_health(NOW)
    row = row_of(health, "lead_inactive")
    assert (row.errors, row.failed_scan_id) == (2, last.pk)
    assert (row_of(health, "task_overdue").errors, row_of(health, "task_overdue").failed_scan_id) == (
        0, None,
    )  # fmt: skip


def test_the_last_scan_of_each_kind_and_those_that_went_wrong(acme: Tenant) -> None:
    scan(ScanKind.FULL, ago(days=2))
    scan(ScanKind.FULL, ago(days=8), error="lead_inactive: ValueError")
    daily = scan(ScanKind.FULL, ago(days=1), took_s=2.5)
    failed = scan(ScanKind.REALTIME, ago(hours=2), error="lead_inactive: ValueError")
    realtime = scan(ScanKind.REALTIME, ago(hours=1))
    lost = Scan.objects.create(kind=ScanKind.MANUAL, status=ScanStatus.LOST, queued_at=ago(hours=1))
    health = read_health(NOW)
    assert health.latest == (lost, realtime, daily)
    assert health.gone_wrong == (lost, failed)
    assert [run.duration_s for run in health.latest] == [None, 1.0, 2.5]


def test_it_costs_the_same_with_one_of_everything_and_with_three(
    cast: Cast, client_for: ClientFor
) -> None:
    client, counts = client_for(cast.rep), []
    now = timezone.now()
    for total in (1, 3):
        while Scan.objects.filter(kind=ScanKind.FULL).count() < total:
            for kind in ScanKind:
                result(scan(kind, now, error="x"), "lead_inactive", fired=1, error="ValueError")
            signal("lead_inactive", now)
            signal("task_overdue", now, cleared_at=now)
        with CaptureQueriesContext(connection) as queries:
            page = client.get(PAGE)
        assert len(page.context["health"].gone_wrong) == min(4 * total, 10)
        counts.append(len(queries))
    assert counts == [18, 18]


def test_signals_are_counted_by_index(committed_tenant: Tenant) -> None:
    with owner_connection():
        tenant_connection().set_tenant(committed_tenant)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO triggers_signal (trigger, goal, record_kind, record_id, severity, facts,"
                " parameters, fired_at, cleared_at) SELECT (%(keys)s::text[])[1 + n %% 23], 'revive_lead',"
                " 'lead', n, 2, '{}', '{}', now() - n * interval '10 minutes',"
                " now() - n * interval '9 minutes'"
                " FROM generate_series(1, 20000) n",
                {"keys": [trigger.key for trigger in registry.all()]},
            )
            cursor.execute("VACUUM ANALYZE triggers_signal")
    tenant_connection().set_tenant(committed_tenant)
    with CaptureQueriesContext(connection) as queries:
        read_health(timezone.now())
    counting = [query["sql"] for query in queries if "triggers_signal" in query["sql"]]
    used = []
    for sql in counting:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "Seq Scan" not in plan, plan
        used += re.findall(r"(?:using|Index Scan on) (\w+)", plan)
    assert used == [
        "one_firing_signal_per_trigger_and_record",
        "signal_fired_by_trigger",
        "signal_cleared_by_trigger",
        "signal_fired_by_trigger",
    ]


def test_the_page_shows_chart_table_and_scans(cast: Cast, client_for: ClientFor) -> None:
    now = timezone.now()
    signal("lead_inactive", now)
    change_setting(user=cast.manager, key="task_overdue", now=now, is_enabled=False)
    failed = scan(ScanKind.FULL, now, error="lead_inactive: ValueError")
    result(failed, "lead_inactive", duration_s=0.25, error="ValueError")
    text = client_for(cast.rep).get(PAGE).content.decode()
    assert text.count('<g class="day-bar">') == 30
    assert 'class="day-bar-above"' in text
    assert "style=" not in text
    assert "Not fired for 90 days:" in text
    assert "Task overdue</a> (off)" in text
    assert f'href="/scans/{failed.pk}/">1<span' in text
    assert "Scans of the last 7 days that went wrong" in text


def test_without_anything_the_page_says_so(cast: Cast, client_for: ClientFor) -> None:
    page = client_for(cast.rep).get(PAGE)
    assert "No scan yet" in page.content.decode()
    assert "Nothing fired and nothing was cleared on these days." in page.content.decode()
    assert len(page.context["health"].silent) == len(registry.all())


def test_who_has_no_role_does_not_look(cast: Cast, client_for: ClientFor) -> None:
    cast.rep.groups.clear()
    client = client_for(cast.rep)
    assert client.get(PAGE).status_code == 403
    assert client_for(cast.manager).post(PAGE).status_code == 405


def test_each_tenant_sees_its_own(
    cast: Cast, globex: Tenant, globex_cast: Cast, client_for: ClientFor
) -> None:
    now = timezone.now()
    with globex:
        signal("lead_inactive", now)
        scan(ScanKind.FULL, now, error="lead_inactive: ValueError")
    health = client_for(cast.manager).get(PAGE).context["health"]
    assert (sum(health.fired), health.latest, health.gone_wrong) == (0, (), ())


DAYS = tuple(date(2026, 3, day) for day in range(1, 11))


def test_bars_share_one_scale_from_zero() -> None:
    chart = lay_out_days(DAYS, (0, 84, 42, *[0] * 7), (0, 21, 1, *[0] * 7))
    assert [(bar.above_px, bar.below_px) for bar in chart.bars[:4]] == [
        (0, 0), (84, 21), (42, 1), (0, 0),
    ]  # fmt: skip
    second = chart.bars[1]
    assert (second.x, second.width, second.above_y, chart.line_y) == ("11.00%", "8.00%", 16, 100)
    assert [bar.above_label for bar in chart.bars] == ["", "84", *[""] * 8]
    assert [bar.below_label for bar in chart.bars] == ["", "21", *[""] * 8]


def test_a_small_count_is_still_seen_and_none_is_not() -> None:
    chart = lay_out_days(DAYS, (100_000, 1, *[0] * 8), [0] * 10)
    assert [bar.above_px for bar in chart.bars[:3]] == [84, 1, 0]
    assert (chart.bars[0].above_label, [bar.below_label for bar in chart.bars]) == (
        "100,000",
        [""] * 10,
    )


def test_days_are_named_each_week_back_from_the_last_and_inside_the_drawing() -> None:
    chart = lay_out_days(DAYS, [0] * 10, [0] * 10)
    named = [(bar.day_label, bar.anchor, bar.label_x) for bar in chart.bars if bar.day_label]
    assert named == [("3 Mar", "middle", "25.00%"), ("10 Mar", "end", "99.00%")]


def test_a_small_chart_leaves_out_days_without_any() -> None:
    spark = lay_out_spark(DAYS[:4], [0, 28, 14, 0], [0, 0, 7, 0])
    assert [(bar.x, bar.above_y, bar.above_px, bar.below_px) for bar in spark.bars] == [
        ("27.50%", 0, 14, 0), ("52.50%", 7, 7, 4),
    ]  # fmt: skip
    assert (spark.line_y, spark.below_y, spark.height) == (14, 15, 29)
    assert lay_out_spark(DAYS[:2], [0, 0], [0, 0]).bars == ()


def test_what_each_trigger_fired_and_cleared_by_day_is_drawn_and_said_in_words(
    cast: Cast, client_for: ClientFor
) -> None:
    today = timezone.now()
    yesterday = today - timedelta(days=1)
    signal("lead_inactive", today)
    signal("lead_inactive", yesterday, cleared_at=today)
    page = client_for(cast.rep).get(PAGE)
    words = re.findall(r'<svg class="spark"[^>]*aria-label="([^"]*)"', page.content.decode())
    first, second = (date_format(timezone.localtime(day), "j M") for day in (yesterday, today))
    assert words == [
        f"{first}: 1 fired, 0 cleared; {second}: 1 fired, 1 cleared",
    ]
