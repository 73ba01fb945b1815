"""What each database account may do: the whole table of rights, and real statements that are refused."""

from __future__ import annotations

from contextlib import nullcontext

import psycopg
import pytest
from django.conf import settings
from django.db import ProgrammingError, connection, transaction
from django.db.models.functions import Now

from aisha.environment import parse_database_url
from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_event
from apps.conftest import Cast
from apps.crm.changelog import record_models
from apps.crm.models import ChangeLog, Lead
from apps.crm.tests.factories import LeadFactory
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.enums import Role
from apps.tenants.models import Tenant
from apps.tenants.roles import RUN_TIME_LOGIN, taking_role

RECORDS = sorted(model._meta.db_table for model in record_models())
CRM_TABLES = sorted([*RECORDS, "crm_stage", "crm_customfield", "crm_changelog", "crm_importrun"])
# What apply may insert into and update; products, stages and custom fields are people's alone.
WRITTEN = sorted(set(RECORDS) - {"crm_product"})

# In the order of the rights below; None is the run-time login itself.
ACCOUNTS = [None, *Role]
# What each may do with a CRM table: a = insert, r = select, w = update, d = delete.
CRM_RIGHTS: dict[str, tuple[str, str, str]] = {
    **dict.fromkeys(WRITTEN, ("ardw", "r", "arw")),
    "crm_product": ("ardw", "r", "r"),
    "crm_stage": ("ardw", "r", "r"),
    "crm_customfield": ("ardw", "r", "r"),
    "crm_importrun": ("ardw", "", ""),
    # History is written by the triggers of the records, and by nobody's hand.
    "crm_changelog": ("r", "r", ""),
}

_ITSELF = "MERGE INTO {table} t USING {table} s ON t.id = s.id WHEN MATCHED THEN"
# What takes a right, by its letter; nobody has the last one, what belongs to an owner.
STATEMENTS = {
    "r": [
        "SELECT 1 FROM {table}",
        "TABLE {table}",
        "COPY {table} TO STDOUT",
        "COPY (SELECT id FROM {table}) TO STDOUT",
    ],
    "a": [
        "INSERT INTO {table} DEFAULT VALUES",
        "INSERT INTO {table} DEFAULT VALUES ON CONFLICT DO NOTHING",
        "WITH new AS (INSERT INTO {table} DEFAULT VALUES RETURNING 1) SELECT count(*) FROM new",
        "MERGE INTO {table} t USING (SELECT 1) s ON false WHEN NOT MATCHED THEN INSERT DEFAULT VALUES",
        "COPY {table} FROM STDIN",
    ],
    "w": [
        "UPDATE {table} SET id = id",
        "UPDATE ONLY {table} SET id = id WHERE false",
        "WITH changed AS (UPDATE {table} SET id = id RETURNING 1) SELECT count(*) FROM changed",
        "INSERT INTO {table} DEFAULT VALUES ON CONFLICT (id) DO UPDATE SET id = excluded.id",
        f"{_ITSELF} UPDATE SET id = s.id",
        "SELECT 1 FROM {table} FOR UPDATE",
        "SELECT 1 FROM {table} FOR NO KEY UPDATE",
        "SELECT 1 FROM {table} FOR SHARE",
        "SELECT 1 FROM {table} FOR KEY SHARE",
        "LOCK TABLE {table} IN EXCLUSIVE MODE",
        "LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
    ],
    "d": [
        "DELETE FROM {table}",
        "DELETE FROM ONLY {table} WHERE false",
        "DELETE FROM {table} t USING (SELECT 1) s",
        "WITH gone AS (DELETE FROM {table} RETURNING 1) SELECT count(*) FROM gone",
        f"{_ITSELF} DELETE",
    ],
    "owner": [
        "TRUNCATE {table}",
        "TRUNCATE {table} CASCADE",
        "TRUNCATE {table} RESTART IDENTITY",
        "DROP TABLE {table}",
        "DROP TABLE {table} CASCADE",
        "ALTER TABLE {table} ADD COLUMN note text",
        "ALTER TABLE {table} ADD CHECK (false) NOT VALID",
        "ALTER TABLE {table} DROP COLUMN id",
        "ALTER TABLE {table} ALTER COLUMN id TYPE text",
        "ALTER TABLE {table} ALTER COLUMN id SET DEFAULT 1",
        "ALTER TABLE {table} RENAME TO own",
        "ALTER TABLE {table} RENAME COLUMN id TO own",
        "ALTER TABLE {table} SET SCHEMA public",
        "ALTER TABLE {table} OWNER TO CURRENT_USER",
        "ALTER TABLE {table} DISABLE TRIGGER ALL",
        "ALTER TABLE {table} DISABLE TRIGGER USER",
        "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE {table} SET (autovacuum_enabled = false)",
        "CREATE INDEX ON {table} (id)",
        "CREATE POLICY own ON {table}",
        "CREATE RULE own AS ON INSERT TO {table} DO INSTEAD NOTHING",
        "CREATE TRIGGER own BEFORE UPDATE ON {table}"
        " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "COMMENT ON TABLE {table} IS 'own'",
        "COPY {table} FROM PROGRAM 'true'",
    ],
}

DENIED = "permission denied|must be owner"


def refuse(role: Role | None, statement: str) -> None:
    """The statement fails in PostgreSQL itself, for want of rights."""
    with (
        pytest.raises(ProgrammingError, match=DENIED),
        transaction.atomic(),
        nullcontext() if role is None else taking_role(role),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.parametrize("role", [*Role, None], ids=[*Role, "run-time login"])
def test_every_forbidden_statement_on_every_crm_table(acme: Tenant, role: Role | None) -> None:
    """In the tenant's schema and in another tenant's: each right that is missing, by every way to use it."""
    with transaction.atomic(), nullcontext() if role is None else taking_role(role):
        went_through = [
            statement
            for schema in ("acme", "globex")
            for table in CRM_TABLES
            for statement in forbidden(role, schema, table)
            if not is_refused(statement)
        ]
    assert went_through == []


def forbidden(role: Role | None, schema: str, table: str) -> list[str]:
    """Every statement on a CRM table that an account has no right to send."""
    rights = CRM_RIGHTS[table][ACCOUNTS.index(role)]
    sequences = names_of(_SEQUENCES, f"{schema}.{table}")
    triggers = names_of(_TRIGGERS, f"{schema}.{table}")
    return [
        *(
            statement.format(table=f"{schema}.{table}")
            for letter, statements in STATEMENTS.items()
            if letter not in rights
            for statement in statements
        ),
        *(f"DROP TRIGGER {name} ON {schema}.{table}" for name in triggers),
        *(f"SELECT setval('{name}', 1)" for name in sequences),
        *(f"ALTER SEQUENCE {name} RESTART" for name in sequences),
        # The run-time login may look at the numbers that it draws.
        *(f"SELECT nextval('{name}')" for name in sequences if role is not None),
    ]


def is_refused(statement: str) -> bool:
    """Whether PostgreSQL refuses it for want of rights. What it does is taken back."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
            transaction.set_rollback(True)
    except ProgrammingError as error:
        # Not because nothing in the schema is theirs: that would hide what the table allows.
        is_denied = isinstance(error.__cause__, psycopg.errors.InsufficientPrivilege)
        return is_denied and "for schema" not in str(error)
    return False


def names_of(query: str, table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(query, [table])
        return [name for (name,) in cursor.fetchall() if name]


_SEQUENCES = "SELECT pg_get_serial_sequence(%s, 'id')"
_TRIGGERS = "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal"
# What runs with its owner's rights.
_MIGHTY = "SELECT oid::regprocedure::text FROM pg_proc WHERE prosecdef AND pronamespace = %s::regnamespace"
_SET_ON_BAIT = "CREATE TRIGGER own BEFORE UPDATE ON bait FOR EACH ROW EXECUTE FUNCTION {}"


@pytest.mark.parametrize("role", [*Role, None], ids=[*Role, "run-time login"])
def test_nobody_has_a_function_of_the_owner_write_where_they_lead_it(
    acme: Tenant, role: Role | None
) -> None:
    """It writes beside the table that it hangs on: in a temporary schema that is wherever a trap lies."""
    mighty = names_of(_MIGHTY, "public")
    assert "crm_log_changes()" in mighty
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE bait (id bigint) ON COMMIT DROP")
            cursor.execute("GRANT ALL ON bait TO PUBLIC")
        with nullcontext() if role is None else taking_role(role):
            # The table is theirs to hang one on that runs with their own rights.
            assert not is_refused(_SET_ON_BAIT.format("public.crm_raise_revision()"))
            went_through = [name for name in mighty if not is_refused(_SET_ON_BAIT.format(name))]
    assert went_through == []


def test_and_records_it_does_write(acme: Tenant) -> None:
    lead = LeadFactory(phone="1")
    with taking_role(Role.APPLY):
        Lead.objects.select_for_update().get(pk=lead.pk)
        Lead.objects.filter(pk=lead.pk).update(phone="2")
        made = Lead.objects.create(last_name="New")
    history = ChangeLog.objects.order_by("id").values_list("record_id", "operation", "changes")
    assert list(history) == [
        (lead.pk, "created", {}),
        (lead.pk, "changed", {"phone": ["1", "2"]}),
        (made.pk, "created", {}),
    ]


@pytest.mark.parametrize("role", [Role.AI, Role.APPLY, None])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_auditentry SET actor_name = 'nobody'",
        "DELETE FROM audit_auditentry",
        "TRUNCATE audit_auditentry",
        "ALTER TABLE audit_auditentry DISABLE TRIGGER ALL",
    ],
)
def test_nobody_changes_the_audit_log(acme: Tenant, role: Role | None, statement: str) -> None:
    refuse(role, statement)


@pytest.mark.parametrize("role", [Role.AI, Role.APPLY, None])
@pytest.mark.parametrize("table", ["execution_execution", "execution_policydecision"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}"])
def test_nobody_changes_what_was_executed(
    acme: Tenant, role: Role | None, table: str, verb: str
) -> None:
    refuse(role, verb.format(table))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE acme.audit_auditentry SET actor_name = 'nobody'",
        "DELETE FROM acme.audit_auditentry",
        "TRUNCATE acme.audit_auditentry",
        "UPDATE public.audit_auditentry SET actor_name = 'nobody'",
        "DELETE FROM public.audit_auditentry",
    ],
)
def test_not_even_the_owner_of_the_database_by_mistake(
    django_db_setup: None, statement: str
) -> None:
    account = parse_database_url(settings.DATABASE_OWNER_URL)
    with psycopg.connect(
        host=account["HOST"],
        port=account["PORT"] or None,
        user=account["USER"],
        password=account["PASSWORD"],
        dbname=connection.settings_dict["NAME"],
        options="-c lock_timeout=10s",
    ) as owner:
        with pytest.raises(
            psycopg.errors.InsufficientPrivilege, match="the audit log can only be added to"
        ):
            owner.execute(statement)
        owner.rollback()


def test_the_ai_adds_to_the_audit_log_and_cannot_read_it(acme: Tenant) -> None:
    with taking_role(Role.AI):
        record_event(Actor.for_system("tests"), Entry(Event.SCAN_STARTED))
    with taking_role(Role.AI), connection.cursor() as cursor:
        cursor.execute("SELECT count(id) FROM audit_auditentry")
        assert cursor.fetchone()[0] == 1
    for column in ("details", "actor_name", "event", "*"):
        refuse(Role.AI, f"SELECT {column} FROM audit_auditentry")


@pytest.mark.parametrize("role", [Role.AI, Role.APPLY])
@pytest.mark.parametrize("column", ["password", "email", "is_superuser", "last_login", "*"])
def test_of_people_only_names_are_seen(cast: Cast, role: Role, column: str) -> None:
    refuse(role, f"SELECT {column} FROM users_user")
    with taking_role(role), connection.cursor() as cursor:
        cursor.execute("SELECT first_name FROM users_user WHERE id = %s", [cast.rep.pk])
        assert cursor.fetchone()[0] == "Rita"


@pytest.mark.parametrize("role", [Role.AI, Role.APPLY])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE users_user SET is_superuser = true",
        "SELECT key_hash FROM users_apitoken",
        "SELECT session_data FROM django_session",
        "SELECT 1 FROM auth_group",
        "INSERT INTO execution_execution DEFAULT VALUES",
        "UPDATE execution_execution SET status = 'succeeded'",
        "SELECT 1 FROM execution_policydecision",
        "INSERT INTO suggestions_decision DEFAULT VALUES",
        "INSERT INTO triggers_silence DEFAULT VALUES",
        "UPDATE triggers_triggersetting SET is_enabled = false",
        "UPDATE triggers_scan SET status = 'succeeded'",
        "DELETE FROM suggestions_suggestion",
        "DELETE FROM triggers_signal",
        "SELECT 1 FROM public.tenants_tenant",
        "CREATE TABLE own (id int)",
        "CREATE FUNCTION own() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA own",
        "COPY (SELECT 1) TO PROGRAM 'true'",
    ],
)
def test_what_is_neither_roles_business(acme: Tenant, role: Role, statement: str) -> None:
    refuse(role, statement)


@pytest.mark.parametrize(
    "assignment",
    ["reviewed_by_id = 1", "reviewed_at = now()", "applied_at = now()", "execution_id = 1",
     "record_id = 1", "goal = 'move_deal'", "origin = 'person'", "created_at = now()"],
)  # fmt: skip
def test_the_ai_cannot_say_that_somebody_decided(cast: Cast, assignment: str) -> None:
    SuggestionFactory(assignee=cast.rep)
    refuse(Role.AI, f"UPDATE suggestions_suggestion SET {assignment}")
    with taking_role(Role.AI):
        assert Suggestion.objects.update(title="Brought up to date", refreshed_at=Now()) == 1


def test_all_rights_in_a_tenants_schema(acme: Tenant) -> None:
    """Each right that an account has on a table of ours, in full: a new one must be meant."""
    read, add, write = "r", "ar", "arw"
    expected: dict[str, tuple[str, str, str]] = {
        # table: (run-time login, AI, apply): a = insert, r = select, w = update, d = delete
        "users_user": ("ardw", "(r)", "(r)"),
        "users_team": ("ardw", read, read),
        "users_apitoken": ("ardw", "", ""),
        "users_keptanswer": ("ardw", "", ""),
        "users_user_groups": ("ardw", "", ""),
        "users_user_user_permissions": ("ardw", "", ""),
        "audit_auditentry": ("(a)r", "(a)(r)", ""),
        "audit_auditseal": (add, "", ""),
        **CRM_RIGHTS,
        "execution_policydecision": (add, "", ""),
        "execution_execution": (add, read, ""),
        "brain_braincall": (add, "ar(w)", ""),
        "brain_brainsettings": (write, "", ""),
        "brain_providerstate": (read, write, ""),
        "brain_budgetmonth": (read, write, ""),
        "brain_budgetreservation": (read, write, ""),
        "brain_capturedtext": ("rd", add, ""),
        "triggers_signal": ("ardw", write, ""),
        "triggers_scan": ("ardw", "", ""),
        "triggers_scantrigger": ("ardw", "", ""),
        "triggers_replayrun": ("ardw", "", ""),
        "triggers_silence": ("ardw", read, ""),
        "triggers_triggersetting": ("ardw", read, ""),
        "triggers_triggerstate": ("ardw", write, ""),
        "triggers_baseline": ("ardw", read, ""),
        "triggers_reading": ("ardw", read, ""),
        "triggers_readingcursor": (write, "", ""),
        "predictions_score": ("ardw", read, ""),
        "predictions_forecast": ("ardw", read, ""),
        "predictions_salestarget": ("ardw", read, ""),
        "predictions_trainedmodel": ("ardw", "", ""),
        "predictions_predictionrun": ("ardw", "", ""),
        "predictions_trial": ("ardw", "", ""),
        "predictions_scoringcursor": (write, "", ""),
        "duplicates_pair": ("ardw", read, ""),
        "duplicates_matcher": ("ardw", read, ""),
        "duplicates_recordkeys": ("ardw", "", ""),
        "duplicates_matchrun": ("ardw", "", ""),
        "duplicates_matchcursor": (write, "", ""),
        "suggestions_suggestion": ("ardw", "ar(w)", ""),
        "suggestions_suggestionsignal": ("ardw", add, ""),
        "suggestions_decision": (add, read, ""),
        "suggestions_nothingproposed": ("ardw", write, ""),
        "suggestions_learningreset": (add, read, ""),
        "suggestions_followedoutcome": (add, "", ""),
        "suggestions_savedview": ("ardw", "", ""),
        "suggestions_discoverylook": (write, "", ""),
        "suggestions_bulkapproval": (write, "", ""),
        "suggestions_bulkitem": (write, "", ""),
        "suggestions_digestschedule": (write, "", ""),
        "suggestions_digestpreference": (write, "", ""),
        "suggestions_digestsent": (write, "", ""),
        "suggestions_webhookendpoint": ("ardw", "", ""),
        "suggestions_webhookdelivery": ("ardw", "", ""),
        "suggestions_webhookcursor": (write, "", ""),
    }
    accounts = (RUN_TIME_LOGIN, Role.AI.value, Role.APPLY.value)
    for table, rights in expected.items():
        found = tuple(_rights(account, table) for account in accounts)
        assert (table, found) == (table, rights)
    ours = (
        "users_",
        "audit_",
        "crm_",
        "execution_",
        "brain_",
        "predictions_",
        "duplicates_",
        "triggers_",
        "suggestions_",
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'acme'")
        tables = {name for (name,) in cursor.fetchall()}
    assert {name for name in tables if name.startswith(ours)} == set(expected)
    for table in sorted(tables - set(expected)):
        assert (table, _rights(Role.AI.value, table), _rights(Role.APPLY.value, table)) == (
            table, "", "",
        )  # fmt: skip


def _rights(account: str, table: str) -> str:
    """The letters of what an account may do with a table; those of single columns in brackets."""
    letters = {"INSERT": "a", "SELECT": "r", "DELETE": "d", "UPDATE": "w"}
    found = ""
    with connection.cursor() as cursor:
        for privilege, letter in letters.items():
            cursor.execute("SELECT has_table_privilege(%s, %s, %s)", [account, table, privilege])
            if cursor.fetchone()[0]:
                found += letter
            elif privilege != "DELETE":
                cursor.execute(
                    "SELECT has_any_column_privilege(%s, %s, %s)", [account, table, privilege]
                )
                found += f"({letter})" if cursor.fetchone()[0] else ""
        cursor.execute(
            "SELECT has_table_privilege(%s, %s, 'TRUNCATE, REFERENCES, TRIGGER')", [account, table]
        )
        assert cursor.fetchone()[0] is False
    return found
