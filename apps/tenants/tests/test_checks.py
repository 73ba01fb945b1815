"""The check of the grants in force: silent on a sound schema, exact on a spoiled one."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from apps.conftest import owner_connection
from apps.tenants.checks import check_roles_in_force, find_power_faults
from apps.tenants.connections import tenant_connection
from apps.tenants.grants import GRANTS, apply_grants
from apps.tenants.models import Tenant


def test_every_schema_is_as_it_is_meant_to_be(acme: Tenant, globex: Tenant) -> None:
    for tenant in (acme, globex):
        tenant_connection().set_tenant(tenant)
        assert find_power_faults() == []
    tenant_connection().set_schema_to_public()
    assert find_power_faults() == []
    assert check_roles_in_force(None, ["default"]) == []
    assert len(GRANTS) > 20


def test_without_a_database_it_asks_nothing(acme: Tenant) -> None:
    assert check_roles_in_force(None, None) == []


@pytest.mark.parametrize(
    ("spoil", "says", "hint"),
    [
        (
            'GRANT DELETE ON "race".crm_lead TO aisha_apply',
            "aisha_apply on race.crm_lead has too much: DELETE",
            'REVOKE ALL ON "race"."crm_lead" FROM "aisha_apply"; '
            'GRANT SELECT, INSERT, UPDATE ON "race"."crm_lead" TO "aisha_apply";',
        ),
        (
            'REVOKE SELECT ON "race".crm_task FROM aisha_ai',
            "aisha_ai on race.crm_task lacks SELECT",
            'REVOKE ALL ON "race"."crm_task" FROM "aisha_ai"; '
            'GRANT SELECT ON "race"."crm_task" TO "aisha_ai";',
        ),
        (
            'GRANT SELECT (password) ON "race".users_user TO aisha_ai',
            "aisha_ai on race.users_user has too much: SELECT (password)",
            None,
        ),
        (
            'GRANT SELECT ON "race".users_apitoken TO PUBLIC',
            "PUBLIC on race.users_apitoken has too much: SELECT",
            'REVOKE ALL ON "race"."users_apitoken" FROM PUBLIC;',
        ),
        (
            'CREATE TABLE "race".made_by_hand (id int)',
            "aisha_app on race.made_by_hand lacks DELETE, INSERT, SELECT, UPDATE",
            None,
        ),
    ],
)
def test_a_spoiled_schema_is_named_with_the_sql_that_mends_it(
    committed_tenant: Tenant, spoil: str, says: str, hint: str | None
) -> None:
    with owner_connection(), connection.cursor() as cursor:
        cursor.execute(spoil)
    try:
        tenant_connection().set_tenant(committed_tenant)
        (message,) = check_roles_in_force(None, ["default"])
        assert (message.id, message.msg) == ("tenants.W002", says)
        if hint is not None:
            assert message.hint == hint
        told = StringIO()
        call_command("check", databases=["default"], stderr=told)
        assert says in told.getvalue()
        # The hint does what it says.
        with owner_connection(), connection.cursor() as cursor:
            cursor.execute(message.hint or "")
        tenant_connection().set_tenant(committed_tenant)
        assert find_power_faults() == []
    finally:
        with owner_connection(), connection.cursor() as cursor:
            cursor.execute('DROP TABLE IF EXISTS "race".made_by_hand')
            apply_grants("race")
