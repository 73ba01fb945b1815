"""Reading a tenant's module gates: closed unless they can be read and say otherwise."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from django.db import DatabaseError
from django_tenants.utils import get_public_schema_name, schema_context

from apps.tenants.connections import failing_alone, tenant_connection
from apps.tenants.enums import Module
from apps.tenants.exceptions import ModuleOffError
from apps.tenants.models import ModuleGate, Tenant
from apps.tenants.statements import (
    ID_PLACE,
    NAME_PLACE,
    Asked,
    OneRow,
    Place,
    Prepared,
    ask_together,
    prepare_exists,
)

log = logging.getLogger(__name__)


def is_module_on(tenant: Tenant, module: Module) -> bool:
    """Return whether the module is on for this tenant; off when the gate cannot be read."""
    return _is_on(module, "tenant_id", ID_PLACE, tenant.pk)


def is_module_on_here(module: Module) -> bool:
    """The same for the tenant in whose schema the connection stands."""
    schema = tenant_connection().schema_name
    return _is_on(module, "tenant__schema_name", NAME_PLACE, schema)


def require_module(module: Module) -> None:
    """Pass when the module is on for the tenant in whose schema the connection stands.

    Raises:
        ModuleOffError: it is off, or its gate could not be read.
    """
    if not is_module_on_here(module):
        raise ModuleOffError()


def ask_behind_gate(module: Module, *asked: Asked[Any]) -> list[Any]:
    """Ask together with the module's gate in the schema at hand, where it is on.

    Raises:
        ModuleOffError: it is off, or its gate could not be read.
    """
    schema = tenant_connection().schema_name
    gate = Asked(_gate(module, "tenant__schema_name", NAME_PLACE), [schema], bool)
    try:
        with failing_alone():
            is_on, *answers = ask_together(gate, *asked)
    except DatabaseError:
        # Whose failure it was tells the gate alone.
        require_module(module)
        return ask_together(*asked)
    if not is_on:
        raise ModuleOffError()
    return answers


def _is_on(module: Module, by: str, place: Place, tenant: int | str) -> bool:
    try:
        with failing_alone():
            return bool(_gate(module, by, place).fetch(tenant))
    except DatabaseError:
        log.exception("a module gate could not be read", extra={"gate": module.value})
        return False


@cache
def _gate(module: Module, by: str, place: Place) -> Prepared:
    """Whether a module is on for the tenant that has this ``by``."""
    return prepare_exists(
        ModuleGate.objects.filter(module=module, is_on=True, **{by: place.mark}), place
    )


def enabled_schemas() -> list[str]:
    """Return the schemas of all tenants that are not switched off."""
    with schema_context(get_public_schema_name()):
        tenants = Tenant.objects.filter(is_enabled=True).exclude(
            schema_name=get_public_schema_name()
        )
        return list(tenants.order_by("schema_name").values_list("schema_name", flat=True))


def current_tenant() -> Tenant:
    """Return the tenant in whose schema the connection stands, freshly read.

    Raises:
        Tenant.DoesNotExist: it stands in none.
    """
    return found_tenant(asking_tenant().read())


def asking_tenant() -> Asked[Tenant | None]:
    """What ``current_tenant`` asks, to be asked together with others."""
    return _tenant_of_schema().asked(tenant_connection().schema_name)


def found_tenant(tenant: Tenant | None) -> Tenant:
    """The tenant that was found.

    Raises:
        Tenant.DoesNotExist: there is none.
    """
    if tenant is None:
        raise Tenant.DoesNotExist
    return tenant


@cache
def _tenant_of_schema() -> OneRow[Tenant]:
    return OneRow.of(Tenant.objects.filter(schema_name=NAME_PLACE.mark), NAME_PLACE)
