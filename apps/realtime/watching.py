"""Who may look at which sessions, and the groups by which panels hear of new events."""

from __future__ import annotations

from django.db.models import QuerySet
from redis.exceptions import RedisError

from apps.realtime.enums import TokenOutcome
from apps.realtime.models import Session, TokenRequest
from apps.realtime.tokens import TALK_PERMISSION
from apps.tenants.connections import tenant_connection
from apps.tenants.valkey import valkey
from apps.users.models import User

# Who sees all sessions of the company; everybody who talks may see their own, if they ask for the panel.
SEE_ALL_PERMISSION = "realtime.view_telemetryevent"
# Browsers that have ``localStorage.ai_debug`` set say so with this header, and in a panel's address.
DEBUG_HEADER = "X-AI-Debug"
DEBUG_PARAMETER = "ai_debug"
# A panel says again and again that it looks: what nobody looks at is not passed on.
WATCH_LASTS_S = 60


def may_look(user: User, *, asks_for_debug: bool) -> bool:
    """Whether the panel is shown to a person: to administrators, and to who talks and asks for it."""
    return sees_all(user) or (asks_for_debug and user.has_perm(TALK_PERMISSION))


def sees_all(user: User) -> bool:
    """Whether a person sees everybody's sessions."""
    return user.has_perm(SEE_ALL_PERMISSION)


def visible_sessions(user: User) -> QuerySet[Session]:
    """The sessions that a person may look at, the latest first."""
    sessions = Session.objects.order_by("-issued_at", "id")
    return sessions if sees_all(user) else sessions.filter(person=user)


def refused_requests(user: User) -> QuerySet[TokenRequest]:
    """The requests for a token that were refused and that a person may look at, the latest first."""
    requests = TokenRequest.objects.exclude(outcome=TokenOutcome.ISSUED).order_by("-id")
    requests = requests.select_related("person")
    return requests if sees_all(user) else requests.filter(person=user)


def group_of_person(schema: str, person_id: int) -> str:
    """Panels that look at one person's sessions."""
    return f"{schema}.realtime.{person_id}"


def group_of_all(schema: str) -> str:
    """Panels that look at everybody's."""
    return f"{schema}.realtime.all"


def note_watched(schema: str) -> None:
    """Somebody looks, for the next minute."""
    try:
        valkey().set(_key(schema), 1, ex=WATCH_LASTS_S)
    except RedisError:
        # Then nothing is passed on either, and the panel shows what it reads from the database.
        return


def is_watched() -> bool:
    """Whether anybody of the tenant looks."""
    try:
        return bool(valkey().exists(_key(tenant_connection().schema_name)))
    except RedisError:
        return False


def _key(schema: str) -> str:
    return f"aisha:watched:{schema}"
