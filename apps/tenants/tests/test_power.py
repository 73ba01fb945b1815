"""Every kind of fault that keeps web and worker from starting: the database is broken, and the fault is told.

A superuser breaks it in a transaction that is rolled back, asks as the run-time login, and then runs the SQL
that the fault offers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django.plugin import DjangoDbBlocker

from apps.conftest import connect_as
from apps.operations.embedded.postgres import SUPERUSER
from apps.tenants.checks import find_power_faults
from apps.tenants.connections import tenant_connection
from apps.tenants.database_triggers import registered_database_triggers
from apps.tenants.enums import Role
from apps.tenants.grants import close_functions
from apps.tenants.models import Tenant
from apps.tenants.roles import RUN_TIME_LOGIN

LEAD = '"acme"."crm_lead"'


@pytest.fixture
def superuser(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The connection is a superuser's, in a transaction of which nothing stays."""
    owner = urlsplit(settings.DATABASE_OWNER_URL)
    connect_as(owner._replace(netloc=f"{SUPERUSER}@{owner.netloc.rpartition('@')[2]}").geturl())
    try:
        with django_db_blocker.unblock():
            tenant_connection().set_schema_to_public()
            try:
                connection.ensure_connection()
            except OperationalError:
                pytest.skip(f"this server lets nobody in as {SUPERUSER}")
            with transaction.atomic():
                yield
                transaction.set_rollback(True)
    finally:
        with django_db_blocker.unblock():
            connect_as(settings.DATABASE_URL)


@contextmanager
def acting_as(account: str) -> Iterator[None]:
    run(f'SET LOCAL SESSION AUTHORIZATION "{account}"')
    yield
    run("SET LOCAL SESSION AUTHORIZATION DEFAULT")


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def find() -> list[tuple[str, str]]:
    with acting_as(RUN_TIME_LOGIN):
        return [(fault.reason, fault.sql) for fault in find_power_faults()]


def test_nothing_is_amiss(superuser: None) -> None:
    assert find() == []


def test_who_signed_in_counts_and_not_whom_they_play(superuser: None) -> None:
    """A superuser who took the run-time login's role is one again by RESET ROLE."""
    run(f'SET LOCAL ROLE "{RUN_TIME_LOGIN}"')
    assert [(fault.reason, fault.sql) for fault in find_power_faults()] == [
        (f"{SUPERUSER} is bound by no grant", f'ALTER ROLE "{SUPERUSER}" NOSUPERUSER NOBYPASSRLS;')
    ]


@pytest.mark.parametrize("account", [RUN_TIME_LOGIN, Role.AI.value, Role.APPLY.value])
@pytest.mark.parametrize(
    ("attribute", "says"),
    [
        ("SUPERUSER", "is a superuser, whom no grant binds"),
        ("BYPASSRLS", "passes over row security"),
        ("CREATEROLE", "may make and change roles"),
        ("CREATEDB", "may make databases"),
        ("REPLICATION", "may copy the whole database cluster"),
    ],
)
def test_an_attribute(superuser: None, account: str, attribute: str, says: str) -> None:
    run(f"ALTER ROLE {account} {attribute}")
    assert find() == [(f"{account} {says}", f'ALTER ROLE "{account}" NO{attribute};')]
    run(find()[0][1])
    assert find() == []


# Each breaks one thing: what is said, and what to run.
FAULTS = [
    # Roles.
    (
        "ALTER ROLE aisha_ai LOGIN",
        "aisha_ai is a role that may sign in by itself",
        'ALTER ROLE "aisha_ai" NOLOGIN;',
    ),
    (
        "GRANT pg_write_all_data TO aisha_ai",
        "aisha_ai is a member of pg_write_all_data and may do what that may",
        'REVOKE "pg_write_all_data" FROM "aisha_ai" GRANTED BY "postgres";',
    ),
    (
        # What is not inherited can be taken by SET ROLE.
        "GRANT aisha_owner TO aisha_app WITH INHERIT FALSE, SET TRUE",
        "aisha_app is a member of aisha_owner and may do what that may",
        'REVOKE "aisha_owner" FROM "aisha_app" GRANTED BY "postgres";',
    ),
    (
        # By way of one that may do nothing itself.
        "CREATE ROLE between; GRANT aisha_owner TO between; GRANT between TO aisha_app",
        "aisha_app is a member of between and may do what that may",
        'REVOKE "between" FROM "aisha_app" GRANTED BY "postgres";',
    ),
    (
        "GRANT aisha_apply TO aisha_ai",
        "aisha_ai is a member of aisha_apply and may do what that may",
        'REVOKE "aisha_apply" FROM "aisha_ai" GRANTED BY "postgres";',
    ),
    (
        "GRANT aisha_ai TO aisha_app WITH ADMIN TRUE, INHERIT FALSE",
        "aisha_app may let others take the role aisha_ai",
        'REVOKE ADMIN OPTION FOR "aisha_ai" FROM "aisha_app" GRANTED BY "postgres";',
    ),
    (
        "GRANT aisha_ai TO aisha_app WITH SET FALSE GRANTED BY aisha_owner",
        "aisha_app cannot take the role aisha_ai",
        'GRANT aisha_ai TO "aisha_app" WITH INHERIT FALSE, SET TRUE;',
    ),
    # Ownership.
    (
        "ALTER TABLE acme.crm_lead OWNER TO aisha_app",
        # Its sequence goes with it.
        "aisha_app owns acme.crm_lead and 1 more",
        'REASSIGN OWNED BY "aisha_app" TO "aisha_owner";',
    ),
    (
        "ALTER FUNCTION public.crm_log_changes OWNER TO aisha_apply",
        "aisha_apply owns the function public.crm_log_changes",
        'REASSIGN OWNED BY "aisha_apply" TO "aisha_owner";',
    ),
    (
        "CREATE SCHEMA elsewhere AUTHORIZATION aisha_ai",
        "aisha_ai owns the schema elsewhere",
        'REASSIGN OWNED BY "aisha_ai" TO "aisha_owner";',
    ),
    # Schemas and the database.
    (
        "GRANT CREATE ON SCHEMA acme TO aisha_app",
        "aisha_app may make tables and functions in the schema acme",
        'REVOKE CREATE ON SCHEMA "acme" FROM "aisha_app";',
    ),
    (
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "PUBLIC may make tables and functions in the schema public",
        'REVOKE CREATE ON SCHEMA "public" FROM PUBLIC;',
    ),
    (
        "GRANT USAGE ON SCHEMA acme TO PUBLIC",
        "PUBLIC may use the schema acme",
        'REVOKE USAGE ON SCHEMA "acme" FROM PUBLIC;',
    ),
    (
        "REVOKE USAGE ON SCHEMA acme FROM aisha_apply",
        "aisha_apply may not use the schema acme",
        'GRANT USAGE ON SCHEMA "acme" TO "aisha_apply";',
    ),
    (
        "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO aisha_ai', current_database()); END $$",
        "aisha_ai may make schemas in the database",
        'REVOKE CREATE ON DATABASE "{database}" FROM "aisha_ai";',
    ),
    # Sequences, tables, columns, views.
    (
        "REVOKE USAGE ON SEQUENCE acme.crm_lead_id_seq FROM aisha_app",
        "aisha_app on acme.crm_lead_id_seq lacks USAGE",
        'REVOKE ALL ON SEQUENCE "acme"."crm_lead_id_seq" FROM "aisha_app"; '
        'GRANT USAGE, SELECT ON SEQUENCE "acme"."crm_lead_id_seq" TO "aisha_app";',
    ),
    (
        "GRANT UPDATE ON SEQUENCE acme.crm_lead_id_seq TO aisha_apply",
        "aisha_apply on acme.crm_lead_id_seq has too much: UPDATE",
        'REVOKE ALL ON SEQUENCE "acme"."crm_lead_id_seq" FROM "aisha_apply";',
    ),
    (
        "REVOKE INSERT ON acme.execution_execution FROM aisha_app",
        "aisha_app on acme.execution_execution lacks INSERT",
        'REVOKE ALL ON "acme"."execution_execution" FROM "aisha_app"; '
        'GRANT SELECT, INSERT ON "acme"."execution_execution" TO "aisha_app";',
    ),
    (
        "GRANT UPDATE (status) ON acme.execution_execution TO aisha_app",
        "aisha_app on acme.execution_execution has too much: UPDATE (status)",
        'REVOKE ALL ON "acme"."execution_execution" FROM "aisha_app"; '
        'GRANT SELECT, INSERT ON "acme"."execution_execution" TO "aisha_app";',
    ),
    (
        "REVOKE SELECT (username) ON acme.users_user FROM aisha_ai;"
        "GRANT SELECT (password) ON acme.users_user TO aisha_ai",
        "aisha_ai on acme.users_user lacks SELECT (username) and has too much: SELECT (password)",
        'REVOKE ALL ON "acme"."users_user" FROM "aisha_ai"; GRANT SELECT (id, username, first_name, '
        'last_name, is_active, team_id, time_zone) ON "acme"."users_user" TO "aisha_ai";',
    ),
    (
        "GRANT SELECT ON acme.crm_lead TO aisha_ai WITH GRANT OPTION",
        "aisha_ai on acme.crm_lead lacks SELECT and has too much: SELECT WITH GRANT OPTION",
        f'REVOKE ALL ON {LEAD} FROM "aisha_ai"; GRANT SELECT ON {LEAD} TO "aisha_ai";',
    ),
    (
        "CREATE VIEW acme.passwords AS SELECT password FROM acme.users_user;"
        "GRANT SELECT ON acme.passwords TO aisha_ai",
        "aisha_ai on acme.passwords has too much: SELECT",
        'REVOKE ALL ON "acme"."passwords" FROM "aisha_ai";',
    ),
    (
        "REVOKE DELETE ON public.tenants_domain FROM aisha_app",
        "aisha_app on public.tenants_domain lacks DELETE",
        'REVOKE ALL ON "public"."tenants_domain" FROM "aisha_app"; '
        'GRANT SELECT, INSERT, UPDATE, DELETE ON "public"."tenants_domain" TO "aisha_app";',
    ),
    # Functions.
    (
        "GRANT EXECUTE ON FUNCTION public.crm_log_changes TO aisha_ai",
        "aisha_ai may execute crm_log_changes(), which runs with the rights of aisha_owner",
        'REVOKE ALL ON ROUTINE crm_log_changes() FROM "aisha_ai";',
    ),
    (
        # Everybody may, as long as nobody says otherwise.
        "CREATE SCHEMA elsewhere; GRANT USAGE ON SCHEMA elsewhere TO aisha_ai;"
        "CREATE PROCEDURE elsewhere.mighty() SECURITY DEFINER LANGUAGE sql AS ''",
        "PUBLIC may execute elsewhere.mighty(), which runs with the rights of postgres",
        "REVOKE ALL ON ROUTINE elsewhere.mighty() FROM PUBLIC;",
    ),
    # Rules and triggers.
    (
        "CREATE RULE nothing AS ON INSERT TO acme.audit_auditentry DO INSTEAD NOTHING",
        "the rule nothing on acme.audit_auditentry changes what is written there",
        'DROP RULE "nothing" ON "acme"."audit_auditentry";',
    ),
    (
        "ALTER TABLE acme.audit_auditentry DISABLE TRIGGER audit_append_only",
        "the database trigger audit_append_only on acme.audit_auditentry is switched off",
        'ALTER TABLE "acme"."audit_auditentry" ENABLE TRIGGER "audit_append_only";',
    ),
    (
        "CREATE TRIGGER another BEFORE UPDATE ON acme.crm_lead FOR EACH ROW"
        " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "the database trigger another on acme.crm_lead is none of the product's",
        'ALTER TABLE "acme"."crm_lead" DISABLE TRIGGER "another";',
    ),
    (
        "ALTER TABLE acme.crm_task ENABLE REPLICA TRIGGER log_update",
        "the database trigger log_update on acme.crm_task is switched off",
        'ALTER TABLE "acme"."crm_task" ENABLE TRIGGER "log_update";',
    ),
    (
        "DROP TRIGGER audit_append_only ON public.audit_auditseal",
        "the database trigger audit_append_only on public.audit_auditseal is missing",
        'CREATE OR REPLACE TRIGGER "audit_append_only" BEFORE DELETE OR TRUNCATE OR UPDATE ON '
        '"public"."audit_auditseal" FOR EACH STATEMENT EXECUTE FUNCTION "public"."audit_refuse_change"();',
    ),
    (
        "CREATE OR REPLACE TRIGGER audit_append_only BEFORE UPDATE ON acme.audit_auditentry"
        " EXECUTE FUNCTION acme.audit_refuse_change()",
        "the database trigger audit_append_only on acme.audit_auditentry is another than the one that"
        " belongs there",
        'CREATE OR REPLACE TRIGGER "audit_append_only" BEFORE DELETE OR TRUNCATE OR UPDATE ON '
        '"acme"."audit_auditentry" FOR EACH STATEMENT EXECUTE FUNCTION "acme"."audit_refuse_change"();',
    ),
]

# What stands in a trigger's place under its name, and does less.
OTHERS = {
    "never": "BEFORE DELETE OR TRUNCATE OR UPDATE ON {} WHEN (false)"
    " EXECUTE FUNCTION acme.audit_refuse_change()",
    "of one column": "BEFORE DELETE OR TRUNCATE OR UPDATE OF id ON {}"
    " EXECUTE FUNCTION acme.audit_refuse_change()",
    "with an argument": "BEFORE DELETE OR TRUNCATE OR UPDATE ON {}"
    " EXECUTE FUNCTION acme.audit_refuse_change('less')",
}


@pytest.mark.parametrize(("spoil", "says", "mends"), FAULTS, ids=[says for _, says, _ in FAULTS])
def test_a_fault_and_the_sql_that_mends_it(
    superuser: None, spoil: str, says: str, mends: str
) -> None:
    run(spoil)
    mends = mends.replace("{database}", connection.settings_dict["NAME"])
    assert find() == [(says, mends)]
    run(mends)
    # Rights are lost with what was owned: they are asked for once it is the owner's again.
    for _, statement in find() if "owns" in says else ():
        run(statement)
    assert find() == []


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_another_trigger_under_the_same_name(superuser: None, other: str) -> None:
    run(f"CREATE OR REPLACE TRIGGER audit_append_only {other.format('acme.audit_auditentry')}")
    [(says, mends)] = find()
    assert says.startswith(
        "the database trigger audit_append_only on acme.audit_auditentry is another"
    )
    run(mends)
    assert find() == []


@pytest.mark.parametrize(
    ("how", "state"),
    [
        ("DROP TRIGGER {1} ON {0}", "is missing"),
        ("ALTER TABLE {0} DISABLE TRIGGER {1}", "is switched off"),
    ],
)
def test_every_trigger_is_missed(superuser: None, how: str, state: str) -> None:
    triggers = registered_database_triggers()
    for trigger in triggers:
        run(how.format(f"acme.{trigger.table}", trigger.name))
    found = find()
    assert sorted(says for says, _ in found) == sorted(
        f"the database trigger {trigger.name} on acme.{trigger.table} {state}"
        for trigger in triggers
    )
    for _, mends in found:
        run(mends)
    assert find() == []


def test_every_trigger_of_a_schema_is_registered(superuser: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE NOT t.tgisinternal AND c.relnamespace = 'acme'::regnamespace"
        )
        found = set(cursor.fetchall())
    assert found == {(trigger.table, trigger.name) for trigger in registered_database_triggers()}


def test_what_an_extension_brought_is_the_extensions(superuser: None) -> None:
    run("CREATE VIEW public.brought AS SELECT 1 AS one")
    run("GRANT SELECT ON public.brought TO PUBLIC")
    assert [reason for reason, _ in find()] == ["PUBLIC on public.brought has too much: SELECT"]
    run("ALTER EXTENSION pg_trgm ADD VIEW public.brought")
    assert find() == []


def test_what_nobody_can_call_is_no_way_around(superuser: None) -> None:
    run("CREATE SCHEMA elsewhere; CREATE FUNCTION elsewhere.out_of_reach() RETURNS int LANGUAGE sql"
        " SECURITY DEFINER AS 'SELECT 1'")  # fmt: skip
    run("CREATE FUNCTION public.on_event() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER"
        " AS 'BEGIN END'")  # fmt: skip
    assert find() == []


def test_grants_close_what_is_open_procedures_too(superuser: None) -> None:
    run("CREATE PROCEDURE acme.mighty() SECURITY DEFINER LANGUAGE sql AS ''")
    run("GRANT EXECUTE ON FUNCTION public.crm_log_changes TO aisha_apply, PUBLIC")
    assert len(find()) == 3
    run("ALTER PROCEDURE acme.mighty OWNER TO aisha_owner")
    with acting_as("aisha_owner"):
        close_functions("acme", [RUN_TIME_LOGIN, *Role])
    assert find() == []


def test_temporary_tables_are_everybodys(superuser: None) -> None:
    with acting_as(RUN_TIME_LOGIN):
        run("CREATE TEMPORARY TABLE crm_lead (id int)")
    assert find() == []


def test_a_superuser_is_no_run_time_login(superuser: None) -> None:
    assert [fault.reason for fault in find_power_faults()] == [f"{SUPERUSER} is bound by no grant"]


@pytest.mark.parametrize(
    "of", ["aisha_owner", "pg_read_all_data, pg_write_all_data", RUN_TIME_LOGIN]
)
def test_no_other_login_runs_whatever_it_may_do(superuser: None, of: str) -> None:
    run(f"CREATE ROLE stranger LOGIN IN ROLE {of}")
    with acting_as("stranger"):
        found = [(fault.reason, fault.sql) for fault in find_power_faults()]
    assert found == [
        (
            "stranger is not the run-time login, whose rights alone are known: connect as aisha_app",
            "CREATE ROLE aisha_app LOGIN PASSWORD '…';",
        )
    ]


def test_faults_of_all_tenants_in_as_many_statements_as_of_one(superuser: None) -> None:
    run("DROP TRIGGER log_update ON acme.crm_lead; GRANT DELETE ON globex.crm_lead TO aisha_ai")
    with CaptureQueriesContext(connection) as for_all:
        assert len(find()) == 2
    Tenant.objects.filter(schema_name="globex").delete()
    with CaptureQueriesContext(connection) as for_one:
        assert len(find()) == 1
    assert len(for_all) == len(for_one)
