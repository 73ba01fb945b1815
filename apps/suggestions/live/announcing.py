"""From a change of a suggestion to the sockets of those whom it concerns.

A database trigger notifies with the schema and the assignee of what was written (``SCHEMA:PERSON``, 0 for
nobody), whoever wrote it: a scan, a decision on a page, the API, the admin, a worker. A listener
(``manage.py watch_changes``) passes that on to groups of the channel layer. Only that something changed is
told; what it is, a page fetches with the rights of its person.
"""

from __future__ import annotations

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import connection
from kombu.exceptions import OperationalError as BrokerError
from psycopg import sql
from redis.exceptions import RedisError

from apps.suggestions.models import Suggestion
from apps.tenants.database_triggers import DatabaseTrigger
from apps.tenants.services import enabled_schemas
from apps.users.models import User

SUGGESTIONS_CHANNEL = "aisha_suggestions"
# A decision writes several times in one breath; more patience than this is felt.
SETTLE_S = 0.05
# What goes on changing is told of so often. A page that is slow to be answered asks less often (live.js).
SHORTEST_INTERVAL_S = 0.25

NOBODY = 0
# The whole of a tenant: after a time in which nobody listened.
EVERYBODY = "*"
MESSAGE = {"type": "suggestions.changed"}

_FUNCTION = """
CREATE OR REPLACE FUNCTION public.suggestions_announce() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    person bigint;
BEGIN
    -- Of a change that hands one over, both are concerned.
    IF TG_OP = 'UPDATE' THEN
        FOR person IN SELECT DISTINCT assignee_id FROM o LOOP
            PERFORM pg_notify('aisha_suggestions', TG_TABLE_SCHEMA || ':' || coalesce(person, 0));
        END LOOP;
    END IF;
    FOR person IN SELECT DISTINCT assignee_id FROM n LOOP
        PERFORM pg_notify('aisha_suggestions', TG_TABLE_SCHEMA || ':' || coalesce(person, 0));
    END LOOP;
    RETURN NULL;
END $body$;
"""


def install(schema: str) -> None:
    """Create or replace the triggers in ``schema``; safe to run again."""
    with connection.cursor() as cursor:
        # Several tenants may be prepared at once: replacing one function from two sessions collides.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('suggestions_announce'))")
        cursor.execute(sql.SQL(_FUNCTION))
        for trigger in database_triggers():
            cursor.execute(trigger.statement(schema))


def database_triggers() -> list[DatabaseTrigger]:
    """One for new suggestions, one for changed ones; a statement is told of once."""
    return [
        DatabaseTrigger(
            table=Suggestion._meta.db_table,
            name=f"announce_{operation.lower()}",
            moment=f"AFTER {operation}",
            function="suggestions_announce",
            referencing=rows,
        )
        for operation, rows in (
            ("INSERT", "NEW TABLE AS n"),
            ("UPDATE", "OLD TABLE AS o NEW TABLE AS n"),
        )
    ]


def announce(notice: str) -> None:
    """Tell the sockets that a notice of the database concerns.

    Raises:
        BrokerError: the channel layer does not answer.
    """
    schema, _, person = notice.rpartition(":")
    groups = [group_of_tenant(schema)]
    if person != EVERYBODY:
        groups = [group_of_person(schema, int(person)), group_of_overseers(schema)]
    try:
        async_to_sync(_send)(groups)
    except (RedisError, OSError) as error:
        raise BrokerError(str(error)) from error


def all_notices() -> list[str]:
    """What may have happened while nobody listened: anything, in every tenant."""
    return [f"{schema}:{EVERYBODY}" for schema in enabled_schemas()]


def groups_for(schema: str, user: User) -> list[str]:
    """The groups whose messages concern a person: what they would find in their queue."""
    groups = [group_of_tenant(schema)]
    if user.sees_all:
        return [*groups, group_of_overseers(schema)]
    people = {NOBODY, user.pk}
    if user.team_id is not None:
        people |= set(User.objects.filter(team_id=user.team_id).values_list("pk", flat=True))
    return [*groups, *(group_of_person(schema, person) for person in sorted(people))]


def group_of_person(schema: str, person_id: int) -> str:
    """Those who see what this person is assigned."""
    return f"{schema}.suggestions.{person_id}"


def group_of_overseers(schema: str) -> str:
    """Those who see everything in a tenant."""
    return f"{schema}.suggestions.all"


def group_of_tenant(schema: str) -> str:
    """Every socket of a tenant."""
    return f"{schema}.suggestions"


async def _send(groups: list[str]) -> None:
    layer = get_channel_layer()
    for group in groups:
        await layer.group_send(group, MESSAGE)
