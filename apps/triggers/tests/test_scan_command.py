"""``manage.py scan``."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.crm.tests.factories import LeadFactory, TaskFactory
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.triggers.models import Scan, Signal, TriggerSetting
from apps.triggers.rules import registry

LONG_AGO = timezone.now() - timedelta(days=30)


def run(*arguments: str) -> str:
    """Run the command as it is run from a shell: from the public schema."""
    out = StringIO()
    tenant_connection().set_schema_to_public()
    call_command("scan", *arguments, stdout=out)
    return out.getvalue()


def test_json_is_one_object_with_everything_found(acme: Tenant) -> None:
    LeadFactory(created_at=LONG_AGO)
    LeadFactory(created_at=LONG_AGO)
    TaskFactory(due_on=LONG_AGO.date())
    told: dict[str, Any] = json.loads(run("--tenant", "acme", "--json"))
    tenant_connection().set_tenant(acme)
    assert (told["scan"], told["status"]) == (Scan.objects.get().pk, "succeeded")
    fired = {key: row["fired"] for key, row in told["triggers"].items()}
    assert fired == {
        **{trigger.key: 0 for trigger in registry.all()},
        "lead_inactive": 2,
        "task_overdue": 1,
    }
    assert set(told["triggers"]["lead_inactive"]) == {
        "matched", "fired", "refreshed", "cleared", "duration_s", "error",
    }  # fmt: skip
    assert told["suggestions"] == {
        "created": 3, "refreshed": 0, "withdrawn": 0, "held_back": 0, "signals_waiting": 0,
    }  # fmt: skip


def test_a_table_for_people(acme: Tenant) -> None:
    LeadFactory(created_at=LONG_AGO)
    lines = run("--tenant", "acme", "--trigger", "lead_inactive").splitlines()
    assert lines[0].split() == ["trigger", "matched", "fired", "cleared", "seconds"]
    assert lines[1].split()[:4] == ["lead_inactive", "1", "1", "0"]
    assert (
        lines[2] == "suggestions: 1 new, 0 refreshed, 0 withdrawn, 0 held back, 0 signals waiting"
    )
    assert len(lines) == 3


def test_two_triggers_by_name(acme: Tenant) -> None:
    told = json.loads(
        run(
            "--tenant", "acme", "--trigger", "deal_stalled", "--trigger", "task_overdue", "--json"
        )
    )  # fmt: skip
    assert list(told["triggers"]) == ["deal_stalled", "task_overdue"]


@pytest.mark.parametrize("name", ["nobody", "public", "acme.localhost"])
def test_an_unknown_tenant_is_named(acme: Tenant, name: str) -> None:
    with pytest.raises(CommandError, match=f"There is no tenant '{name}'."):
        run("--tenant", name)


def test_an_unknown_trigger_is_named(acme: Tenant) -> None:
    with pytest.raises(CommandError, match=r"There is no trigger named 'lead_inactve'\."):
        run("--tenant", "acme", "--trigger", "lead_inactve")


def test_a_failed_scan_prints_and_exits_with_an_error(acme: Tenant) -> None:
    TriggerSetting.objects.create(trigger="lead_inactive", parameters={"silent_days": 0})
    out = StringIO()
    with pytest.raises(CommandError, match="lead_inactive: InvalidParametersError"):
        call_command("scan", "--tenant", "acme", "--json", stdout=out)
    assert json.loads(out.getvalue())["status"] == "failed"


def test_the_other_tenant_is_not_touched(acme: Tenant, globex: Tenant) -> None:
    with globex:
        LeadFactory(created_at=LONG_AGO)
    run("--tenant", "acme")
    with globex:
        assert (Scan.objects.count(), Signal.objects.count()) == (0, 0)
