"""What is done by the clock, in every tenant; and sealing all keys anew."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from aisha.celery import app
from apps.audit.models import AuditEntry
from apps.brain.budget import LOST_AFTER
from apps.brain.config import read_config
from apps.brain.models import ONLY_ROW, BrainSettings, BudgetMonth, BudgetReservation, CapturedText
from apps.brain.settings import change_settings
from apps.brain.tasks import keep_all_up
from apps.brain.tests.test_call_pages import make_call
from apps.brain.upkeep import remove_old_texts
from apps.conftest import Cast
from apps.tenants.connections import tenant_connection
from apps.tenants.enums import Role
from apps.tenants.models import Tenant
from apps.tenants.roles import taking_role
from apps.tenants.secrets import seal

KEY = "sk-tenants-own-key-9876"
NOW = timezone.now()


def keep_text(captured_at: datetime) -> CapturedText:
    call = make_call()
    with transaction.atomic(), taking_role(Role.AI):
        return CapturedText.objects.create(call=call, prompt="prompt", captured_at=captured_at)


def test_texts_go_after_the_days_that_the_tenant_wants(cast: Cast) -> None:
    almost, over = timedelta(days=7, seconds=-1), timedelta(days=7, seconds=1)
    kept, _ = keep_text(NOW - almost), keep_text(NOW - over)
    assert remove_old_texts(NOW) == 1
    assert list(CapturedText.objects.all()) == [kept]
    # Keeping no more texts leaves those that are there their days; fewer days leave them fewer.
    change_settings(user=cast.admin, values={"captures_text": False})
    assert remove_old_texts(NOW) == 0
    change_settings(user=cast.admin, values={"capture_days": 6})
    assert remove_old_texts(NOW) == 1


@pytest.fixture
def tasks_at_once() -> Iterator[None]:
    """Tasks run where they are queued."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


@pytest.mark.usefixtures("tasks_at_once")
def test_upkeep_reaches_every_tenant(acme: Tenant, globex: Tenant) -> None:
    long_ago = timezone.now() - LOST_AFTER - timedelta(minutes=1)
    for tenant in (acme, globex):
        with tenant:
            keep_text(timezone.now() - timedelta(days=8))
            with transaction.atomic(), taking_role(Role.AI):
                month = BudgetMonth.objects.create(
                    begins_on="2026-03-01", tokens_reserved=700, usd_reserved=Decimal("0.5")
                )
                BudgetReservation.objects.create(
                    month=month, tokens=700, usd=Decimal("0.5"), made_at=long_ago
                )
    tenant_connection().set_schema_to_public()
    keep_all_up()
    for tenant in (acme, globex):
        with tenant:
            row = BudgetMonth.objects.get()
            assert (row.tokens_reserved, row.tokens_spent, row.usd_spent) == (
                0,
                700,
                Decimal("0.5"),
            )
            assert (CapturedText.objects.count(), BudgetReservation.objects.get().is_lost) == (
                0,
                True,
            )


def rotate() -> list[str]:
    out = io.StringIO()
    call_command("rotate_secrets", stdout=out)
    return out.getvalue().splitlines()


def test_all_keys_are_sealed_anew_with_the_newest(
    acme: Tenant, globex: Tenant, settings: LazySettings
) -> None:
    settings.SECRET_SEALING_KEYS = ["old"]
    sealed = seal(KEY)
    BrainSettings.objects.create(pk=ONLY_ROW, sealed_key=sealed)
    settings.SECRET_SEALING_KEYS = ["new", "old"]
    tenant_connection().set_schema_to_public()
    assert rotate() == [
        "1/2 acme: 1 sealed anew",
        "2/2 globex: nothing sealed anew",
        "1 sealed anew, 0 with unreadable ones.",
    ]
    settings.SECRET_SEALING_KEYS = ["new"]
    with acme:
        assert BrainSettings.objects.get().sealed_key != sealed
        assert read_config().api_key == KEY
        entry = AuditEntry.objects.get(event="settings.changed")
        assert (entry.actor_name, entry.details) == (
            "rotate_secrets",
            {"setting": "brain", "key": "sealed anew"},
        )


def test_a_key_that_no_sealing_key_opens_is_told_and_the_others_go_on(
    acme: Tenant, globex: Tenant, settings: LazySettings
) -> None:
    settings.SECRET_SEALING_KEYS = ["lost"]
    BrainSettings.objects.create(pk=ONLY_ROW, sealed_key=seal(KEY))
    settings.SECRET_SEALING_KEYS = ["new"]
    with globex:
        BrainSettings.objects.create(pk=ONLY_ROW, sealed_key=seal(KEY))
    tenant_connection().set_schema_to_public()
    with pytest.raises(CommandError, match=r"No sealing key opens secrets of acme\."):
        rotate()
    with globex:
        assert read_config().api_key == KEY
        assert AuditEntry.objects.filter(event="settings.changed").count() == 1
    with acme:
        assert not AuditEntry.objects.filter(event="settings.changed").exists()
