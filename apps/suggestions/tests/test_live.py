"""From a change of a suggestion to an open page: the database tells, sockets pass on, the page fetches."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import connection, transaction
from psycopg.conninfo import make_conninfo

from apps.conftest import Cast, TenantClient, make_cast
from apps.crm.tests.factories import LeadFactory
from apps.suggestions.enums import RejectReason, State
from apps.suggestions.live import announcing
from apps.suggestions.live.sockets import SuggestionConsumer
from apps.suggestions.models import Suggestion
from apps.suggestions.services import reject
from apps.suggestions.tests.cases import NOW, put_in
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.users.models import User
from apps.users.sockets import NOT_ALLOWED, NOT_SIGNED_IN
from apps.users.tests.socket_ends import HOST, run, session_key

NEWS = "/suggestions/news/"
ClientFor = Callable[[User], TenantClient]


def suggest(owner: User | None) -> Suggestion:
    made: Suggestion = SuggestionFactory(lead=LeadFactory(owner=owner), assignee=owner)
    return made


@contextmanager
def hearing() -> Iterator[Callable[[], list[str]]]:
    """A session of its own that listens; gives a function that returns what it has heard since."""
    params = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    address = make_conninfo(**{name: params[name] for name in names if params.get(name)})
    with psycopg.connect(address, autocommit=True) as session:
        session.execute(f"LISTEN {announcing.SUGGESTIONS_CHANNEL}")

        def heard() -> list[str]:
            # A statement of one's own brings along what had been sent before it.
            session.execute("SELECT 1")
            return sorted(notice.payload for notice in session.notifies(timeout=0))

        yield heard


def test_the_database_tells_whom_a_change_concerns(committed_tenant: Tenant) -> None:
    cast = make_cast()
    with hearing() as heard:
        suggestion = suggest(cast.rep)
        assert heard() == [f"race:{cast.rep.pk}"]
        with transaction.atomic():
            Suggestion.objects.update(rank=2)
            Suggestion.objects.update(rank=3)
            assert heard() == []
        assert heard() == [f"race:{cast.rep.pk}"]
        Suggestion.objects.filter(pk=suggestion.pk).update(assignee=None)
        assert heard() == ["race:0", f"race:{cast.rep.pk}"]
        reject(
            suggestion_id=suggestion.pk,
            user=cast.manager,
            reason=RejectReason.BAD_TIMING,
            note="",
            now=NOW,
        )
        assert heard() == ["race:0"]


async def heard(layer: Any, channel: str, word: str) -> None:
    """Say a word to a channel until it is heard: before a subscription is in force, it is lost."""
    async with asyncio.timeout(20):
        while True:
            await layer.send(channel, {"type": word})
            with suppress(TimeoutError):
                while (await asyncio.wait_for(layer.receive(channel), timeout=1))["type"] != word:
                    pass
                return


async def told(groups: list[str], notice: str) -> list[str]:
    """Which of the groups hear of a notice."""
    layer = get_channel_layer()
    channels = {}
    for group in groups:
        channels[group] = await layer.new_channel()
        await layer.group_add(group, channels[group])
    last = await layer.new_channel()
    # Subscribed in order: when this one is in force, all are.
    await heard(layer, last, "first")
    await sync_to_async(announcing.announce, thread_sensitive=False)(notice)
    # Passed on in order: what has not come by the time of this one does not come.
    await heard(layer, last, "last")
    found = []
    for group, channel in channels.items():
        try:
            message = await asyncio.wait_for(layer.receive(channel), timeout=0.3)
        except TimeoutError:
            continue
        assert message == announcing.MESSAGE
        found.append(group)
    return found


def test_a_notice_reaches_those_whom_it_concerns_in_their_tenant() -> None:
    groups = [
        announcing.group_of_person("acme", 7),
        announcing.group_of_person("acme", 8),
        announcing.group_of_person("acme", 0),
        announcing.group_of_overseers("acme"),
        announcing.group_of_tenant("acme"),
        announcing.group_of_person("globex", 7),
        announcing.group_of_overseers("globex"),
    ]
    assert run(told(groups, "acme:7")) == [groups[0], groups[3]]
    assert run(told(groups, "acme:0")) == [groups[2], groups[3]]
    assert run(told(groups, "acme:*")) == [groups[4]]


def test_the_groups_of_a_person(cast: Cast) -> None:
    def people(user: User) -> set[str]:
        return set(announcing.groups_for("acme", user))

    def person(pk: int) -> str:
        return announcing.group_of_person("acme", pk)

    everybody = announcing.group_of_tenant("acme")
    assert people(cast.rep) == {
        everybody, person(0), person(cast.rep.pk), person(cast.teammate.pk),
    }  # fmt: skip
    assert people(cast.manager) == {everybody, announcing.group_of_overseers("acme")}


async def opened(
    *, host: str = HOST, origin: str | None = f"http://{HOST}", key: str = ""
) -> tuple[Any, int | None]:
    """A socket, and the code with which it was closed at once, if it was."""
    headers = [(b"host", host.encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    if key:
        headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={key}".encode()))
    scope = {"type": "websocket", "path": "/live/suggestions/", "headers": headers}
    socket: Any = ApplicationCommunicator(SuggestionConsumer.as_asgi(), scope)  # type: ignore[no-untyped-call]
    await socket.send_input({"type": "websocket.connect"})
    assert (await socket.receive_output(5))["type"] == "websocket.accept"
    if not await socket.receive_nothing(timeout=0.1):
        message = await socket.receive_output()
        assert message["type"] == "websocket.close"
        return socket, message["code"]
    return socket, None


def test_an_open_page_is_told(committed_tenant: Tenant) -> None:
    cast = make_cast()
    tenant_connection().set_tenant(committed_tenant)
    key = session_key(cast.rep)

    async def talk() -> tuple[Any, bool]:
        socket, code = await opened(key=key)
        assert code is None
        await sync_to_async(announcing.announce, thread_sensitive=False)(f"race:{cast.teammate.pk}")
        said = json.loads((await socket.receive_output(5))["text"])
        await sync_to_async(announcing.announce, thread_sensitive=False)(f"race:{cast.outsider.pk}")
        is_quiet = await socket.receive_nothing(timeout=0.3)
        await socket.send_input({"type": "websocket.disconnect", "code": 1001})
        await socket.wait()
        return said, is_quiet

    assert run(talk()) == ({"changed": "suggestions"}, True)


def test_who_is_not_let_in(committed_tenant: Tenant) -> None:
    cast = make_cast()
    tenant_connection().set_tenant(committed_tenant)
    key = session_key(cast.rep)
    User.objects.filter(pk=cast.teammate.pk).update(is_active=False)
    left = session_key(cast.outsider)
    User.objects.filter(pk=cast.outsider.pk).update(is_active=False)

    async def codes() -> list[int | None]:
        sockets = [
            await opened(),
            await opened(key="made-up"),
            await opened(key=left),
            await opened(key=key, origin="http://evil.example"),
            await opened(key=key, origin=None),
            await opened(key=key, host="acme.localhost", origin="http://acme.localhost"),
            await opened(key=key, host="localhost", origin="http://localhost"),
            await opened(key=key, host="unknown.localhost", origin="http://unknown.localhost"),
        ]
        return [code for _, code in sockets]

    assert run(codes()) == [
        NOT_SIGNED_IN, NOT_SIGNED_IN, NOT_SIGNED_IN, NOT_ALLOWED, NOT_ALLOWED, NOT_SIGNED_IN,
        NOT_ALLOWED, NOT_ALLOWED,
    ]  # fmt: skip


def test_whoever_speaks_is_hung_up_on(committed_tenant: Tenant) -> None:
    cast = make_cast()
    tenant_connection().set_tenant(committed_tenant)
    key = session_key(cast.rep)

    async def talk() -> Any:
        socket, _ = await opened(key=key)
        await socket.send_input({"type": "websocket.receive", "text": '{"approve": 1}'})
        return await socket.receive_output()

    assert run(talk())["code"] == NOT_ALLOWED


def news(client: TenantClient, **params: str | int) -> str:
    answer = client.get(NEWS, params)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_page_elsewhere_fetches_the_badges_alone(cast: Cast, client_for: ClientFor) -> None:
    suggest(cast.rep)
    client = client_for(cast.rep)
    assert len(re.findall("data-suggestion-link", news(client))) == 0
    assert '<span class="count">1<' in news(client)


def test_the_queue_fetches_its_own_list(cast: Cast, client_for: ClientFor) -> None:
    first = suggest(cast.rep)
    client = client_for(cast.rep)
    assert f'data-suggestion-link="{first.pk}"' in news(client, list=1)
    second = suggest(cast.teammate)
    assert f'data-suggestion-link="{second.pk}"' not in news(client, list=1)
    assert f'data-suggestion-link="{second.pk}"' in news(client, list=1, view="team")
    assert f'data-suggestion-link="{suggest(cast.outsider).pk}"' not in news(
        client, list=1, view="team"
    )


def test_what_became_of_the_open_one(cast: Cast, client_for: ClientFor) -> None:
    suggestion = suggest(cast.rep)
    client = client_for(cast.rep)
    seen: dict[str, str | int] = {
        "list": 1,
        "open": suggestion.pk,
        "seen_at": suggestion.refreshed_at.isoformat(),
        "seen_state": "pending",
    }
    assert "data-news-open" not in news(client, **seen)
    Suggestion.objects.update(refreshed_at=NOW + timedelta(seconds=1))
    assert "This suggestion has changed since you opened it." in news(client, **seen)
    put_in(suggestion, State.REJECTED, cast.teammate)
    assert "Rejected by Tom Mate." in news(client, **seen)
    Suggestion.objects.update(assignee=cast.outsider)
    LeadFactory._meta.model.objects.update(owner=cast.outsider)
    assert "This suggestion is no longer yours to see." in news(client, **seen)
    assert "data-news-open" not in news(client, **{**seen, "open": "1; --"})


@pytest.mark.parametrize("count", [1, 3])
def test_the_news_take_as_many_statements_for_one_as_for_three(
    cast: Cast, client_for: ClientFor, django_assert_num_queries: Any, count: int
) -> None:
    for _ in range(count):
        suggest(cast.rep)
    client = client_for(cast.rep)
    news(client, list=1)
    with django_assert_num_queries(9):
        news(client, list=1)
