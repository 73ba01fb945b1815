"""The measure of the pipeline with the rules: ten thousand signals become suggestions in one worker."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.contrib.auth.hashers import make_password
from django.db import connection, reset_queries
from django.test import override_settings
from django.utils import timezone

from apps.brain.enums import Goal
from apps.crm.enums import LeadStatus, RecordKind
from apps.crm.models import Lead
from apps.suggestions.models import Suggestion
from apps.suggestions.pipeline.run import keep_true
from apps.tenants.services import current_tenant
from apps.triggers.bench.scanning import owner
from apps.triggers.enums import Severity
from apps.triggers.models import Signal
from apps.users.models import User

SIGNALS = 10_000
_LEAST_PER_S = 1_500
_OWNERS = 20
_SILENT = timedelta(days=30)
# Of each goal and owner four times as many are made as a person gets in a day.
_PER_DAY = 200


def measure_pipeline() -> dict[str, object]:
    """Context, prompt, rules, validation and delivery, the look for what awaits and the queues included."""
    now = timezone.now()
    owners = make_owners(_OWNERS)
    one, two = (_statements(owners, count, now) for count in (500, 1_000))
    fill(owners, SIGNALS, now)
    began = time.perf_counter()
    keep_true(now)
    spent_s = time.perf_counter() - began
    made = Suggestion.objects.count()
    clear()
    if made != SIGNALS:
        raise RuntimeError(f"{made} suggestions were made of {SIGNALS} signals.")
    return {
        "app": "suggestions",
        "name": "rules: signals to packets, 10,000",
        "value": round(SIGNALS / spent_s),
        "unit": "a second",
        "target": _LEAST_PER_S,
        "better": "higher",
        "remark": f"{spent_s:.2f} s; {one} statements for one batch of 500, {two - one} for one more",
    }


def make_owners(count: int) -> list[User]:
    """People with their own records, and room in their queues."""
    tenant = current_tenant()
    if tenant.suggestions_per_day != _PER_DAY:
        tenant.suggestions_per_day = _PER_DAY
        tenant.save(update_fields=["suggestions_per_day"])
    names = [f"bench-owner-{n}" for n in range(count)]
    User.objects.bulk_create(
        [User(username=name, password=make_password(None)) for name in names], ignore_conflicts=True
    )
    return list(User.objects.filter(username__in=names).order_by("pk"))


def fill(owners: list[User], count: int, now: datetime) -> None:
    """Leads that have been silent for a month, each with the signal that says so."""
    clear()
    leads = Lead.objects.bulk_create(
        (
            Lead(
                first_name="Ana",
                last_name=f"Bench {n}",
                company=f"Company {n % 500}",
                phone="+1 555 0100",
                status=LeadStatus.WORKING,
                owner=owners[n % len(owners)],
                created_at=now - _SILENT,
                estimated_value=1_000 + n,
                currency="USD",
            )
            for n in range(count)
        ),
        batch_size=1_000,
    )
    Signal.objects.bulk_create(
        (
            Signal(
                trigger="lead_inactive",
                goal=Goal.REVIVE_LEAD,
                record_kind=RecordKind.LEAD,
                record_id=lead.pk,
                severity=Severity.NORMAL,
                facts={"quiet_days": 30},
                parameters={"quiet_days": 14},
                fired_at=now,
                refreshed_at=now,
            )
            for lead in leads
        ),
        batch_size=1_000,
    )


def clear() -> None:
    """Forget what a measure has made."""
    with owner() as cursor:
        cursor.execute(
            "TRUNCATE triggers_signal, suggestions_suggestion, suggestions_nothingproposed,"
            " triggers_silence CASCADE"
        )


def _statements(owners: list[User], count: int, now: datetime) -> int:
    fill(owners, count, now)
    with override_settings(DEBUG=True):
        reset_queries()
        connection.force_debug_cursor = True
        try:
            keep_true(now)
            return len(connection.queries)
        finally:
            connection.force_debug_cursor = False
