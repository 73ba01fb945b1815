"""A database trigger that keeps what people decided from the AI's role.

Column grants cannot tell a waiting suggestion from a decided one, and the pipeline must be able to move the
waiting ones. So each row is asked: as ``aisha_ai`` a suggestion is made waiting and undecided, one that waits
is kept true or closed by the moves of the pipeline, one that failed is written anew or runs out, and every
other stands as a person left it. What is written anew is a later edition, so that nobody approves what they
have not seen. ``install`` is run for each schema after each migration.
"""

from __future__ import annotations

from django.db import connection
from psycopg import sql

from apps.suggestions.enums import State
from apps.suggestions.models import Suggestion
from apps.tenants.database_triggers import DatabaseTrigger
from apps.tenants.enums import Role

# What the pipeline may make of a suggestion, by the state that it finds.
AI_MOVES: dict[State, frozenset[State]] = {
    State.PENDING: frozenset(
        {State.PENDING, State.WITHDRAWN, State.EXPIRED, State.SUPERSEDED},
    ),
    State.SNOOZED: frozenset(
        {State.SNOOZED, State.PENDING, State.WITHDRAWN, State.EXPIRED, State.SUPERSEDED},
    ),
    State.FAILED: frozenset({State.FAILED, State.EXPIRED}),
}

# What a person reads before they decide.
_READ = (
    "tool", "arguments", "before_values", "guard_values", "risk", "title", "reason", "facts", "evidence",
)  # fmt: skip

_FUNCTION = """
CREATE OR REPLACE FUNCTION public.suggestions_refuse_ai() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    RAISE EXCEPTION 'suggestion %: the AI may not do this', NEW.id USING ERRCODE = 'insufficient_privilege';
END $body$
"""


def install(schema: str) -> None:
    """Create or replace the triggers in ``schema``; safe to run again."""
    with connection.cursor() as cursor:
        # Several tenants may be prepared at once: replacing one function from two sessions collides.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('suggestions_safeguard'))")
        cursor.execute(_FUNCTION)
        for trigger in database_triggers():
            cursor.execute(trigger.statement(schema))


def database_triggers() -> list[DatabaseTrigger]:
    """One that asks each new suggestion, one that asks each change."""
    is_ai = sql.SQL("current_user = {}").format(sql.Literal(Role.AI.value))
    is_undecided = sql.SQL(
        "new.state = {} AND new.reviewed_by_id IS NULL AND new.reviewed_at IS NULL"
        " AND new.applied_at IS NULL AND new.execution_id IS NULL AND new.given_by_id IS NULL"
        " AND new.edited_at IS NULL"
    ).format(sql.Literal(State.PENDING.value))
    is_allowed = sql.SQL(" OR ").join(
        sql.SQL("old.state = {} AND new.state IN ({})").format(
            sql.Literal(source.value),
            sql.SQL(", ").join(sql.Literal(target.value) for target in sorted(targets)),
        )
        for source, targets in AI_MOVES.items()
    )
    # What a person has edited is theirs: the pipeline may hand it over or close it, and write nothing in it.
    is_allowed = sql.SQL(
        "({}) AND (old.edited_at IS NULL OR ROW(old.tool, old.arguments, old.before_values, old.guard_values)"
        " IS NOT DISTINCT FROM ROW(new.tool, new.arguments, new.before_values, new.guard_values))"
    ).format(is_allowed)
    # That a person gave it to somebody is a decision, too: it may end with the handing over, never begin.
    is_allowed = sql.SQL(
        "({}) AND (new.given_by_id IS NULL OR (new.given_by_id IS NOT DISTINCT FROM old.given_by_id"
        " AND new.assignee_id IS NOT DISTINCT FROM old.assignee_id))"
    ).format(is_allowed)
    old, new = (
        sql.SQL(", ").join(sql.Identifier(row, name) for name in _READ) for row in ("old", "new")
    )
    is_allowed = sql.SQL(
        "({}) AND new.refreshed_at >= old.refreshed_at AND"
        " (new.refreshed_at > old.refreshed_at OR ROW({}) IS NOT DISTINCT FROM ROW({}))"
    ).format(is_allowed, old, new)
    return [
        DatabaseTrigger(
            table=Suggestion._meta.db_table,
            name=f"refuse_ai_{operation.lower()}",
            moment=f"BEFORE {operation}",
            function="suggestions_refuse_ai",
            is_for_each_row=True,
            condition=sql.SQL("{} AND NOT ({})").format(is_ai, allowed),
        )
        for operation, allowed in (("INSERT", is_undecided), ("UPDATE", is_allowed))
    ]
