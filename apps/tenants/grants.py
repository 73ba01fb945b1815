"""Every grant of the product, in one place.

Three accounts reach a schema: the run-time login ``aisha_app`` and the roles ``aisha_ai`` and
``aisha_apply`` that it takes. Every table of ours is listed, and a test sees to it; Django's own are
closed to the two roles and open to the run-time login. ``apply_grants`` revokes all and grants this
list, per schema, after each migration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django_tenants.utils import get_public_schema_name
from psycopg import sql

from apps.tenants.enums import Role
from apps.tenants.roles import RUN_TIME_LOGIN

ALL = "SELECT, INSERT, UPDATE, DELETE"
READ = "SELECT"
ADD = "SELECT, INSERT"
WRITE = "SELECT, INSERT, UPDATE"

# What one person may know of another by way of the AI: enough to name an owner, no password, no address.
NAMES = "SELECT (id, username, first_name, last_name, is_active, team_id, time_zone)"

# What the pipeline may change of a suggestion: never who decided, when, and what was applied.
KEEP_UP = (
    "SELECT, INSERT, UPDATE (state, closed_because, held_back, queued_at, snoozed_until,"
    " snoozed_until_change_since, refreshed_at, expires_at, record_label, assignee_id, given_by_id,"
    " given_for_id, trigger, segment, tool, arguments, before_values, guard_values, risk, title, reason,"
    " facts, evidence, hostile_codes, value_at_stake, currency, urgency, likelihood, confidence,"
    " confidence_n, rank, is_on_trial, provider, brain_call_id)"
)

# An entry of the audit log gets its id, moment and transaction from the database, whoever writes it.
ADD_ENTRY = (
    "INSERT (event, actor_id, actor_name, origin, request_id, record_kind, record_id, suggestion_id,"
    " execution_id, details)"
)

# What runs with the rights of the connected account, and may be executed by one of ours or by everybody; the
# signature is quoted.
_OPEN_FUNCTIONS = """
SELECT p.oid::regprocedure::text
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_roles r ON r.oid = p.proowner
WHERE p.prosecdef AND r.rolname = current_user AND n.nspname = ANY(%(schemas)s)
  AND EXISTS (SELECT FROM aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) a
              LEFT JOIN pg_roles w ON w.oid = a.grantee
              WHERE a.grantee = 0 OR w.rolname = ANY(%(accounts)s))
ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class TableGrants:
    """The privileges on one table, each a PostgreSQL privilege list or None for nothing."""

    run_time: str = ALL
    ai: str | None = None
    apply: str | None = None


GRANTS: dict[str, TableGrants] = {
    # People: named, never changed by the AI.
    "users_user": TableGrants(ai=NAMES, apply=NAMES),
    "users_team": TableGrants(ai=READ, apply=READ),
    # Sign-in and its rights: no business of the AI.
    "users_apitoken": TableGrants(),
    "users_keptanswer": TableGrants(),
    "users_user_groups": TableGrants(),
    "users_user_user_permissions": TableGrants(),
    # The operators' tables, in the public schema alone.
    "tenants_tenant": TableGrants(),
    "tenants_domain": TableGrants(),
    "tenants_modulegate": TableGrants(),
    # The audit log: append-only for everyone.
    "audit_auditentry": TableGrants(
        run_time=f"SELECT, {ADD_ENTRY}", ai=f"{ADD_ENTRY}, SELECT (id)"
    ),
    "audit_auditseal": TableGrants(run_time=ADD),
    # CRM records: the AI reads, the apply step writes, nobody deletes but a person.
    "crm_account": TableGrants(ai=READ, apply=WRITE),
    "crm_contact": TableGrants(ai=READ, apply=WRITE),
    "crm_lead": TableGrants(ai=READ, apply=WRITE),
    "crm_opportunity": TableGrants(ai=READ, apply=WRITE),
    "crm_activity": TableGrants(ai=READ, apply=WRITE),
    "crm_task": TableGrants(ai=READ, apply=WRITE),
    "crm_contract": TableGrants(ai=READ, apply=WRITE),
    "crm_draft": TableGrants(ai=READ, apply=WRITE),
    "crm_product": TableGrants(ai=READ, apply=READ),
    "crm_stage": TableGrants(ai=READ, apply=READ),
    "crm_customfield": TableGrants(ai=READ, apply=READ),
    "crm_importrun": TableGrants(),
    # Written by database triggers alone (SECURITY DEFINER).
    "crm_changelog": TableGrants(run_time=READ, ai=READ, apply=None),
    # The road: rows are added when all is known, and never changed or removed.
    "execution_policydecision": TableGrants(run_time=ADD, ai=None, apply=None),
    "execution_execution": TableGrants(run_time=ADD, ai=READ, apply=None),
    # What the AI's side writes.
    "brain_braincall": TableGrants(run_time=ADD, ai=f"{ADD}, UPDATE (dropped_code)"),
    "brain_providerstate": TableGrants(run_time=READ, ai=WRITE),
    "brain_budgetmonth": TableGrants(run_time=READ, ai=WRITE),
    "brain_budgetreservation": TableGrants(run_time=READ, ai=WRITE),
    # Kept for some days where a tenant wants it: written by the AI's side, deleted by the upkeep.
    "brain_capturedtext": TableGrants(run_time="SELECT, DELETE", ai=ADD),
    # The sealed key: no business of the AI.
    "brain_brainsettings": TableGrants(run_time=WRITE),
    # Scores and forecasts are facts for the AI; how they come about is no business of it.
    "predictions_score": TableGrants(ai=READ),
    "predictions_trainedmodel": TableGrants(),
    "predictions_forecast": TableGrants(ai=READ),
    "predictions_salestarget": TableGrants(ai=READ),
    "predictions_predictionrun": TableGrants(),
    "predictions_trial": TableGrants(),
    "predictions_scoringcursor": TableGrants(run_time=WRITE),
    # Pairs are facts for the AI, and it says what speaks for one; how they come about is no business of it.
    "duplicates_pair": TableGrants(ai=READ),
    "duplicates_matcher": TableGrants(ai=READ),
    "duplicates_recordkeys": TableGrants(),
    "duplicates_matchrun": TableGrants(),
    "duplicates_matchcursor": TableGrants(run_time=WRITE),
    "triggers_signal": TableGrants(ai=WRITE),
    "triggers_triggerstate": TableGrants(ai=WRITE),
    "triggers_baseline": TableGrants(ai=READ),
    "triggers_reading": TableGrants(ai=READ),
    "triggers_readingcursor": TableGrants(run_time=WRITE),
    "triggers_scan": TableGrants(),
    "triggers_scantrigger": TableGrants(),
    "triggers_replayrun": TableGrants(),
    "triggers_silence": TableGrants(ai=READ),
    "triggers_triggersetting": TableGrants(ai=READ),
    "suggestions_suggestion": TableGrants(ai=KEEP_UP),
    "suggestions_suggestionsignal": TableGrants(ai=ADD),
    "suggestions_nothingproposed": TableGrants(ai=WRITE),
    "suggestions_decision": TableGrants(run_time=ADD, ai=READ),
    # From when on decisions count; what came of them is for people to read.
    "suggestions_learningreset": TableGrants(run_time=ADD, ai=READ),
    "suggestions_followedoutcome": TableGrants(run_time=ADD),
    # What people have their queue show: no business of the AI.
    "suggestions_savedview": TableGrants(),
    # What people have seen of what was discovered: no business of the AI.
    "suggestions_discoverylook": TableGrants(run_time=WRITE),
    # What people approved together: no business of the AI.
    "suggestions_bulkapproval": TableGrants(run_time=WRITE),
    "suggestions_bulkitem": TableGrants(run_time=WRITE),
    # Mails to people: no business of the AI.
    "suggestions_digestschedule": TableGrants(run_time=WRITE),
    "suggestions_digestpreference": TableGrants(run_time=WRITE),
    "suggestions_digestsent": TableGrants(run_time=WRITE),
    # Messages to other systems, and what they are signed with: no business of the AI.
    "suggestions_webhookendpoint": TableGrants(),
    "suggestions_webhookdelivery": TableGrants(),
    "suggestions_webhookcursor": TableGrants(run_time=WRITE),
    # What people say to AiSHA is theirs: no business of the AI's role, which answers from records.
    "assistant_conversation": TableGrants(),
    "assistant_message": TableGrants(),
    "assistant_message_suggestions": TableGrants(),
    # Connections and what happened on them.
    "realtime_realtimesettings": TableGrants(run_time=WRITE),
    "realtime_session": TableGrants(),
    "realtime_tokenrequest": TableGrants(),
    "realtime_toolcall": TableGrants(),
    "realtime_telemetryevent": TableGrants(),
}


def apply_grants(schema: str) -> None:
    """Revoke everything in ``schema`` from everybody, and grant the three accounts what the list says."""
    accounts = existing_accounts()
    is_public = schema == get_public_schema_name()
    close_functions(schema, accounts)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY tablename", [schema]
        )
        tables = [name for (name,) in cursor.fetchall()]
        where = sql.Identifier(schema)
        if not is_public:
            everybody = sql.SQL(", ").join([sql.SQL("PUBLIC"), *map(sql.Identifier, accounts)])
            # What others brought to the public schema is theirs to grant.
            for statement in (
                "REVOKE ALL ON ALL TABLES IN SCHEMA {where} FROM {who}",
                "REVOKE ALL ON ALL SEQUENCES IN SCHEMA {where} FROM {who}",
                "REVOKE ALL ON SCHEMA {where} FROM {who}",
            ):
                cursor.execute(sql.SQL(statement).format(where=where, who=everybody))
        for account in accounts:
            who = sql.Identifier(account)
            for statement in (
                "REVOKE ALL ON ALL TABLES IN SCHEMA {where} FROM {who}",
                "REVOKE ALL ON ALL SEQUENCES IN SCHEMA {where} FROM {who}",
                "GRANT USAGE ON SCHEMA {where} TO {who}",
            ):
                cursor.execute(sql.SQL(statement).format(where=where, who=who))
            if account == RUN_TIME_LOGIN:
                cursor.execute(
                    sql.SQL(
                        "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {where} TO {who}"
                    ).format(where=where, who=who)
                )
        for table in tables:
            for account, privileges in wanted_privileges(table, is_public=is_public):
                if account in accounts and privileges:
                    cursor.execute(
                        sql.SQL("GRANT {privileges} ON {table} TO {who}").format(
                            privileges=sql.SQL(privileges),
                            table=sql.Identifier(schema, table),
                            who=sql.Identifier(account),
                        )
                    )


def close_functions(schema: str, accounts: Sequence[str]) -> None:
    """Let nobody else execute a function of ours that runs with its owner's rights (SECURITY DEFINER).

    Those in the public schema, where all stand that tenants share, and in ``schema``. Triggers that are there
    fire all the same. Who may execute such a function may also hang it on a temporary table of their own, lay
    a trap where it writes (it writes beside the table that it hangs on), and so have the owner run whatever
    they like. PostgreSQL lets everybody execute what is new.
    """
    where = {"schemas": [get_public_schema_name(), schema], "accounts": [*accounts]}
    everybody = sql.SQL(", ").join([sql.SQL("PUBLIC"), *map(sql.Identifier, accounts)])
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_FUNCTIONS, where)
        if not cursor.fetchall():
            return
        # Several tenants may be prepared at once: two sessions that change the same one collide, be it that
        # the other replaces it (``changelog.install``).
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('crm_changelog'))")
        cursor.execute(_OPEN_FUNCTIONS, where)
        for (signature,) in cursor.fetchall():
            cursor.execute(
                sql.SQL("REVOKE ALL ON ROUTINE {signature} FROM {everybody}").format(
                    signature=sql.SQL(signature), everybody=everybody
                )
            )


def wanted_privileges(table: str, *, is_public: bool) -> list[tuple[str, str | None]]:
    """What each account is to have on one table, as a PostgreSQL privilege list."""
    grants = GRANTS.get(table, TableGrants())
    if is_public:
        # Operators and tenants: no business of the AI or the apply step.
        return [(RUN_TIME_LOGIN, grants.run_time)]
    return [
        (RUN_TIME_LOGIN, grants.run_time),
        (Role.AI.value, grants.ai),
        (Role.APPLY.value, grants.apply),
    ]


def existing_accounts() -> list[str]:
    """The accounts to grant to. The run-time login is absent where one login does everything."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)",
            [[RUN_TIME_LOGIN, *(role.value for role in Role)]],
        )
        return [name for (name,) in cursor.fetchall()]
