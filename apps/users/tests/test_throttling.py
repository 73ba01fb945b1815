"""How many calls of the API a token and a tenant may make in a minute."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.conf import LazySettings

from apps.conftest import ApiClient, Cast, TenantClient
from apps.crm.models import Lead
from apps.tenants.models import Tenant
from apps.tenants.valkey import valkey
from apps.users.models import ApiToken, User
from apps.users.throttling import WINDOW_S

ApiFor = Callable[[User], ApiClient]

TOOLS = "/api/v1/tools/"


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    """Begin without the calls of other tests."""
    for key in valkey().scan_iter("aisha:calls:*"):
        valkey().delete(key)


@pytest.fixture
def limits(settings: LazySettings) -> None:
    """Three calls a minute for each token, five for the tenant."""
    settings.API_CALLS_PER_MINUTE = 3
    settings.API_CALLS_PER_MINUTE_OF_TENANT = 5


@pytest.fixture
def no_valkey(settings: LazySettings) -> Iterator[None]:
    """A Valkey that nobody answers for."""
    valkey.cache_clear()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    yield
    valkey.cache_clear()


def statuses(client: TenantClient, calls: int) -> list[int]:
    return [client.get(TOOLS).status_code for _ in range(calls)]


@pytest.mark.usefixtures("limits")
def test_a_token_that_calls_too_often_is_told_to_wait(cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.rep)
    assert statuses(client, 4) == [200, 200, 200, 429]
    answer = client.send("POST", "/api/v1/leads/", {"last_name": "A"})
    problem = answer.json()
    assert (answer.status_code, answer["Content-Type"]) == (429, "application/problem+json")
    assert (problem["code"], problem["limit"], problem["calls_per_minute"]) == (
        "throttled", "token", 3,
    )  # fmt: skip
    assert 1 <= int(answer["Retry-After"]) <= WINDOW_S
    assert Lead.objects.count() == 0


@pytest.mark.usefixtures("limits")
def test_each_token_has_a_count_of_its_own(cast: Cast, api_for: ApiFor) -> None:
    assert statuses(api_for(cast.rep), 3) == [200] * 3
    assert statuses(api_for(cast.rep), 1) == [200]


@pytest.mark.usefixtures("limits")
def test_a_session_is_counted_by_its_person(
    cast: Cast, client_for: Callable[[User], TenantClient]
) -> None:
    assert statuses(client_for(cast.rep), 2) + statuses(client_for(cast.rep), 2) == [200] * 3 + [
        429
    ]
    assert client_for(cast.rep).get(TOOLS).json()["limit"] == "person"
    assert statuses(client_for(cast.teammate), 1) == [200]


@pytest.mark.usefixtures("limits")
def test_all_tokens_of_a_tenant_share_its_limit_and_no_other_tenant_feels_it(
    cast: Cast, globex: Tenant, globex_cast: Cast, api_for: ApiFor
) -> None:
    # Refused calls of a token do not count for its tenant.
    assert statuses(api_for(cast.rep), 6) == [200] * 3 + [429] * 3
    assert statuses(api_for(cast.teammate), 2) == [200] * 2
    answer = api_for(cast.manager).get(TOOLS)
    assert (answer.status_code, answer.json()["limit"]) == (429, "tenant")
    with globex:
        _, key = ApiToken.issue(user=globex_cast.rep, name="tests", expires_at=None)
    assert statuses(ApiClient("globex.localhost", key), 3) == [200] * 3


@pytest.mark.usefixtures("limits")
def test_a_count_ends_after_its_minute(cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.rep)
    assert statuses(client, 4)[-1] == 429
    for key in valkey().scan_iter("aisha:calls:*"):
        assert 0 < valkey().ttl(key) <= WINDOW_S
        valkey().pexpire(key, 1)
    while [*valkey().scan_iter("aisha:calls:*")]:
        pass
    assert statuses(client, 1) == [200]


@pytest.mark.usefixtures("limits")
def test_strangers_are_not_counted(cast: Cast, anonymous_client: TenantClient) -> None:
    assert statuses(anonymous_client, 7) == [401] * 7
    assert [*valkey().scan_iter("aisha:calls:*")] == []


def test_no_limit_is_none(cast: Cast, api_for: ApiFor, settings: LazySettings) -> None:
    settings.API_CALLS_PER_MINUTE = settings.API_CALLS_PER_MINUTE_OF_TENANT = 0
    assert statuses(api_for(cast.rep), 3) == [200] * 3
    assert [*valkey().scan_iter("aisha:calls:*")] == []


@pytest.mark.usefixtures("limits", "no_valkey")
def test_without_valkey_nobody_is_refused(cast: Cast, api_for: ApiFor) -> None:
    assert statuses(api_for(cast.rep), 5) == [200] * 5
