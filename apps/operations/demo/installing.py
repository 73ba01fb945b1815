"""Setting the demo up: tenants, people, data, first scan. A second run only moves the dates along."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from psycopg import sql

from apps.audit.schemas import Actor
from apps.brain.enums import Provider
from apps.brain.settings import change_settings, read_settings
from apps.crm.changelog import record_models
from apps.operations.demo.aging import days_behind, move_dates
from apps.operations.demo.exceptions import DemoRefusedError, ForeignTenantError, ScanFailedError
from apps.operations.demo.loading import load_world
from apps.operations.demo.marker import read_mark, write_mark
from apps.operations.demo.people import DEMO_PASSWORD
from apps.operations.demo.reporting import (
    DemoReport,
    Login,
    TenantReport,
    address_of,
    logins_of,
    report_tenant,
)
from apps.operations.demo.schemas import World
from apps.operations.demo.simulation import acme, globex
from apps.operations.provisioning import create_tenant, ensure_public_host
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.services import scan_now
from apps.users.enums import PersonRole
from apps.users.models import User

SEED = 2026
OPERATOR = "operator"
# Tells the person how far it has come.
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DemoTenant:
    """One of the demo's tenants and how its world comes about."""

    schema: str
    name: str
    time_zone: str
    currency: str
    simulate: Callable[[datetime], World]

    @property
    def host(self) -> str:
        """The host name."""
        return f"{self.schema}.localhost"


DEMO_TENANTS = (
    DemoTenant(
        "acme", "Acme", acme.TIME_ZONE, "USD", lambda now: acme.simulate_acme(now=now, seed=SEED)
    ),
    DemoTenant(
        "globex",
        "Globex",
        globex.TIME_ZONE,
        "EUR",
        lambda now: globex.simulate_globex(now=now, seed=SEED),
    ),
)


def install_demo(
    *,
    now: datetime,
    say: Say,
    fresh: bool = False,
    tenants: tuple[DemoTenant, ...] | None = None,
) -> DemoReport:
    """Make the demo, or bring an existing one up to date.

    Args:
        now: the moment that the data are to lead up to.
        say: gets a line for each stage.
        fresh: remove the demo's tenants first.
        tenants: instead of acme and globex; tests give smaller ones.

    Raises:
        DemoRefusedError: this is a production system.
        ForeignTenantError: a tenant of that name exists and holds data that the demo did not make.
        ScanFailedError: the first scan did not succeed.
    """
    if settings.IS_PRODUCTION:
        raise DemoRefusedError()
    watch = _Watch(say)
    reports: dict[str, TenantReport] = {}
    logins: list[Login] = []
    with watch.stage("operator"):
        _ensure_public_tenant()
    for demo in tenants or DEMO_TENANTS:
        _require_own(demo)
        if fresh:
            with watch.stage(f"{demo.schema}: removal"):
                _remove(demo)
        tenant = Tenant.objects.filter(schema_name=demo.schema).first()
        if tenant is None:
            with watch.stage(f"{demo.schema}: schema"):
                tenant = create_tenant(
                    schema=demo.schema,
                    name=demo.name,
                    host=demo.host,
                    time_zone=demo.time_zone,
                    currency=demo.currency,
                    actor=Actor.for_system("setup_demo"),
                )
        with tenant:
            _fill(demo, tenant, now, watch)
            switch_model_on()
            with watch.stage(f"{demo.schema}: scan"):
                _scan(now)
            reports[demo.schema] = report_tenant()
            logins += logins_of(demo.host)
    logins.append(Login(address_of(settings.PUBLIC_HOST), OPERATOR, DEMO_PASSWORD, OPERATOR))
    return DemoReport(reports, watch.seconds, logins)


class _Watch:
    """Takes the time of stages."""

    def __init__(self, say: Say) -> None:
        self.seconds: dict[str, float] = {}
        self._say = say

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage, and say how long it took."""
        began = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - began, 2)
        self._say(f"{name}: {self.seconds[name]:.1f} s")


def _ensure_public_tenant() -> None:
    """The public host with its operator, who enters the public admin."""
    tenant_connection().set_schema_to_public()
    with transaction.atomic():
        ensure_public_host(settings.PUBLIC_HOST)
        if not User.objects.filter(username=OPERATOR).exists():
            User.objects.create_superuser(OPERATOR, f"{OPERATOR}@aisha.example", DEMO_PASSWORD)


def _require_own(demo: DemoTenant) -> None:
    """Refuse to touch a tenant that somebody else has filled."""
    tenant = Tenant.objects.filter(schema_name=demo.schema).first()
    if tenant is None or read_mark(demo.schema) is not None:
        return
    with tenant:
        is_used = User.objects.exists() or any(
            model._default_manager.exists() for model in record_models()
        )
    if is_used:
        raise ForeignTenantError(demo.schema)


def _remove(demo: DemoTenant) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(demo.schema))
        )
        Tenant.objects.filter(schema_name=demo.schema).delete()


def _fill(demo: DemoTenant, tenant: Tenant, now: datetime, watch: _Watch) -> None:
    as_of = read_mark(demo.schema)
    if as_of is not None:
        with watch.stage(f"{demo.schema}: dates"):
            move_dates(as_of, days_behind(as_of, now))
        return
    with watch.stage(f"{demo.schema}: simulation"):
        world = demo.simulate(now)
    with watch.stage(f"{demo.schema}: import"), transaction.atomic():
        load_world(world, tenant)
        write_mark(demo.schema, now)
    with watch.stage(f"{demo.schema}: statistics"), connection.cursor() as cursor:
        # The scan comes before autovacuum: without statistics the planner takes the tables for empty.
        for model in record_models():
            cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(model._meta.db_table)))
        cursor.execute("ANALYZE crm_changelog")


def switch_model_on() -> None:
    """Where a language model is at hand, let it write, unless somebody has settled who does.

    Without it, or once it is gone, the rules write in its place and the pages say so.
    """
    if not settings.OPENAI_API_KEY or read_settings().revision:
        return
    administrator = User.objects.filter(groups__name=PersonRole.ADMIN).order_by("pk").first()
    if administrator is not None:
        change_settings(user=administrator, values={"provider": Provider.OPENAI})


def _scan(now: datetime) -> None:
    scan = scan_now(kind=ScanKind.FULL, now=now)
    if scan.status != ScanStatus.SUCCEEDED:
        raise ScanFailedError(scan.error or scan.get_status_display())
