"""Module gates: closed unless they can be read and say otherwise."""

from __future__ import annotations

import pytest
from django.db import DataError, connection, transaction

from apps.tenants.enums import Module, Role
from apps.tenants.exceptions import ModuleOffError
from apps.tenants.models import ModuleGate, Tenant
from apps.tenants.roles import taking_role
from apps.tenants.services import (
    ask_behind_gate,
    enabled_schemas,
    is_module_on,
    require_module,
)
from apps.tenants.statements import Asked, Prepared


@pytest.mark.parametrize("module", list(Module))
def test_a_new_tenant_has_every_module(acme: Tenant, module: Module) -> None:
    assert is_module_on(acme, module)
    require_module(module)


@pytest.mark.parametrize("module", list(Module))
def test_fault_17_a_gate_that_is_off_or_missing_is_closed(acme: Tenant, module: Module) -> None:
    gate = ModuleGate.objects.filter(tenant=acme, module=module)
    gate.update(is_on=False)
    assert not is_module_on(acme, module)
    gate.delete()
    assert not is_module_on(acme, module)
    with pytest.raises(ModuleOffError) as caught:
        require_module(module)
    assert caught.value.status == 403


def test_fault_17_another_tenants_gate_says_nothing(acme: Tenant, globex: Tenant) -> None:
    ModuleGate.objects.filter(tenant=acme).update(is_on=False)
    assert [is_module_on(tenant, Module.TRIGGERS) for tenant in (acme, globex)] == [False, True]
    with pytest.raises(ModuleOffError):
        require_module(Module.TRIGGERS)
    with globex:
        require_module(Module.TRIGGERS)


def test_fault_17_a_gate_that_cannot_be_read_is_closed(
    acme: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    # The AI's role may not look at the operators' tables.
    with transaction.atomic(), taking_role(Role.AI):
        assert not is_module_on(acme, Module.TRIGGERS)
        # The failed look-up has not spoilt the transaction around it.
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)
    assert [record.message for record in caplog.records] == ["a module gate could not be read"]
    assert is_module_on(acme, Module.TRIGGERS)


def test_fault_17_what_is_asked_behind_a_gate_is_answered_where_it_is_known_to_be_open(
    acme: Tenant,
) -> None:
    one = Asked(Prepared.with_text("SELECT 1", []), [], len)
    assert ask_behind_gate(Module.TRIGGERS, one) == [1]
    with transaction.atomic(), taking_role(Role.AI):
        with pytest.raises(ModuleOffError):
            ask_behind_gate(Module.TRIGGERS, one)
        assert one.read() == 1
    broken = Asked(Prepared.with_text("SELECT 1 / $1", ["int"]), [0], len)
    with pytest.raises(DataError), transaction.atomic():
        ask_behind_gate(Module.TRIGGERS, one, broken)
    ModuleGate.objects.filter(tenant=acme, module=Module.TRIGGERS).update(is_on=False)
    with pytest.raises(ModuleOffError):
        ask_behind_gate(Module.TRIGGERS, one)


def test_only_tenants_that_are_on_are_worked_for(acme: Tenant, globex: Tenant) -> None:
    assert enabled_schemas() == ["acme", "globex"]
    Tenant.objects.filter(pk=globex.pk).update(is_enabled=False)
    assert enabled_schemas() == ["acme"]
