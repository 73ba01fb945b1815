"""What the measures of telemetry share: a web process alone, people who talk, batches, and their sockets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.utils import timezone
from websockets.asyncio.client import connect

from apps.audit.enums import Origin
from apps.realtime.enums import Direction
from apps.realtime.flooding import TOLD_KEY
from apps.realtime.models import Session
from apps.realtime.schemas import BatchIn, EventIn
from apps.suggestions.bench.live import HOST, PORT, WEB, wait_for_web
from apps.suggestions.bench.pipeline import make_owners
from apps.tenants.connections import tenant_connection
from apps.tenants.valkey import valkey
from apps.triggers.bench.scanning import owner
from apps.triggers.bench.waking import PATIENCE_S, running
from apps.users.enums import PersonRole
from apps.users.models import User
from apps.users.services import ensure_person_roles, give_role

_TYPE = "response.output_audio_transcript.delta"


@contextmanager
def web_alone(**environment: str) -> Iterator[int]:
    """Run the web process as the supervisor does, with nothing beside it; gives its id."""
    with running([WEB], DATABASE_POOL_SIZE="20", **environment) as (pid,):
        wait_for_web()
        yield pid


def size_mb(pid: int) -> float:
    """What a process holds in memory at this moment."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


def talkers(count: int) -> list[User]:
    """People who may talk to AiSHA."""
    ensure_person_roles()
    people = make_owners(count)
    for person in people:
        give_role(person, PersonRole.REP)
    return people


def forget_sessions() -> None:
    """Forget what a measure has made, and how fast it came: the next one's people may be the same."""
    with owner() as cursor:
        cursor.execute("TRUNCATE realtime_session CASCADE")
    told = [*valkey().scan_iter(f"{TOLD_KEY}:{tenant_connection().schema_name}:*")]
    if told:
        valkey().delete(*told)


def session_for(person: User) -> Session:
    """A call that goes on."""
    now = timezone.now()
    return Session.objects.create(
        person=person,
        model="stand-in",
        voice="marin",
        issued_at=now,
        secret_expires_at=now,
        last_seen_at=now,
    )


def events(count: int, first_ms: float = 0) -> list[EventIn]:
    """As many as come while AiSHA speaks."""
    now = timezone.now()
    return [
        EventIn(
            v=1,
            id=uuid4(),
            at_ms=first_ms + 5 * place,
            at=now,
            direction=Direction.IN,
            type=_TYPE,
            origin=Origin.REALTIME,
            turn=1,
            size_bytes=180,
            data={"item_id": "item_Bq2v", "response_id": "resp_Bq2v", "characters": 7},
        )
        for place in range(count)
    ]


def message(session: Session, number: int, told: Sequence[EventIn]) -> str:
    """A batch as the page sends it."""
    return BatchIn(
        kind="events", session=session.pk, batch=number, events=list(told)
    ).model_dump_json()


def socket_of(key: str) -> connect:
    """The socket of a page that is signed in with a session's key."""
    return connect(
        f"ws://127.0.0.1:{PORT}/live/realtime/",
        additional_headers={
            "Host": f"{HOST}:{PORT}",
            "Cookie": f"{settings.SESSION_COOKIE_NAME}={key}",
        },
        origin=f"http://{HOST}:{PORT}",  # type: ignore[arg-type]
        open_timeout=PATIENCE_S,
    )
