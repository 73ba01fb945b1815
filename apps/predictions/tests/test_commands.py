"""The commands of the engine: what they do, print and refuse."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.predictions.models import Forecast, TrainedModel
from apps.predictions.tests.services.closed_deals import add_closed_deals, add_open_deals
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant


def test_the_commands_do_the_same_and_say_it_as_json(committed_tenant: Tenant) -> None:
    add_closed_deals(120)
    add_open_deals()
    out = StringIO()
    schema = committed_tenant.schema_name
    call_command(
        "train",
        "--tenant",
        schema,
        "--prediction",
        "deal_close",
        "--json",
        stdout=out,
        stderr=StringIO(),
    )
    (run,) = json.loads(out.getvalue())["runs"]
    assert (run["kind"], run["prediction"], run["status"]) == (
        "training",
        "deal_close",
        "succeeded",
    )
    assert TrainedModel.objects.serving().count() == 1
    out = StringIO()
    call_command("score", "--tenant", schema, "--json", stdout=out, stderr=StringIO())
    assert [run["prediction"] for run in json.loads(out.getvalue())["runs"]] == [
        "deal_close",
        "contact_engagement",
    ]
    out = StringIO()
    call_command("forecast", "--tenant", schema, "--json", stdout=out, stderr=StringIO())
    (run,) = json.loads(out.getvalue())["runs"]
    assert run["message"] == "3 forecasts were published, of USD."
    assert Forecast.objects.of_company().count() == 3


def test_a_command_refuses_an_unknown_tenant_and_a_module_that_is_off(
    committed_tenant: Tenant,
) -> None:
    with pytest.raises(CommandError, match="There is no tenant 'nobody'"):
        call_command("score", "--tenant", "nobody")
    ModuleGate.objects.filter(tenant=committed_tenant, module=Module.PREDICTIONS).delete()
    with pytest.raises(CommandError, match="switched off"):
        call_command("score", "--tenant", committed_tenant.schema_name)
