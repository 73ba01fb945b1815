"""Writes that are sent again under an ``Idempotency-Key``: done once, and answered alike."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.conftest import ApiClient, Cast, TenantClient, make_cast
from apps.crm.api.views import LeadViewSet
from apps.crm.models import Lead, Task
from apps.crm.tests.factories import LeadFactory
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.triggers.models import Scan
from apps.users.idempotency import KEPT_FOR, SentWrite, hash_sent, remove_old_answers
from apps.users.models import ApiToken, KeptAnswer, User
from apps.users.tasks import remove_old_answers_of_current_tenant

ApiFor = Callable[[User], ApiClient]

LEADS = "/api/v1/leads/"
KEY = "5f0c1d9b-e2a4-7733-8e3f-0a1b2c3d4e5f"


def create(client: ApiClient, key: str = KEY, path: str = LEADS, **values: Any) -> Any:
    return client.send("POST", path, {"last_name": "Byron", **values}, Idempotency_Key=key)


def test_a_write_that_is_sent_again_is_done_once_and_answered_alike(
    cast: Cast, api_for: ApiFor
) -> None:
    client = api_for(cast.rep)
    first = create(client)
    Lead.objects.update(last_name="Lovelace")
    again = create(client)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    for name in ("Content-Type", "ETag", "Location"):
        assert again[name] == first[name]
    assert ("Idempotency-Replayed" in first, again["Idempotency-Replayed"]) == (False, "true")
    assert Lead.objects.count() == 1


def test_without_a_key_and_with_another_it_is_done_again(cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.rep)
    create(client)
    create(client, key="another")
    assert client.send("POST", LEADS, {"last_name": "Byron"}).status_code == 201
    assert (Lead.objects.count(), KeptAnswer.objects.count()) == (3, 2)


@pytest.mark.parametrize(
    ("path", "values"),
    [(LEADS, {"last_name": "Lovelace"}), ("/api/v1/contacts/", {}), (f"{LEADS}?x=1", {})],
)
def test_a_key_stands_for_one_write(path: str, values: Any, cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.rep)
    create(client)
    refused = create(client, path=path, **values)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert Lead.objects.count() == 1


def test_a_key_is_its_persons_alone(
    cast: Cast, globex: Tenant, globex_cast: Cast, api_for: ApiFor
) -> None:
    create(api_for(cast.rep))
    assert create(api_for(cast.teammate), last_name="Lovelace").status_code == 201
    with globex:
        _, key = ApiToken.issue(user=globex_cast.rep, name="tests", expires_at=None)
    answer = create(ApiClient("globex.localhost", key), last_name="Hopper")
    assert (answer.status_code, "Idempotency-Replayed" in answer) == (201, False)


def test_an_error_is_not_kept_so_that_the_key_may_be_sent_again(
    cast: Cast, api_for: ApiFor
) -> None:
    client = api_for(cast.rep)
    assert create(client, status="asleep").status_code == 400
    assert create(client).status_code == 201


@pytest.mark.parametrize("key", ["", "two words", "ä", "x" * 201])
def test_what_is_no_key_is_refused(key: str, cast: Cast, api_for: ApiFor) -> None:
    answer = create(api_for(cast.rep), key=key)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["Idempotency-Key"])
    assert Lead.objects.count() == 0


def test_the_role_and_the_token_are_asked_each_time(cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.rep)
    create(client)
    cast.rep.groups.clear()
    assert create(client).status_code == 403
    ApiToken.objects.all().delete()
    assert create(client).status_code == 401


def test_reading_takes_no_notice_of_a_key(cast: Cast, api_for: ApiFor) -> None:
    answer = api_for(cast.rep).get(LEADS, headers={"Idempotency-Key": KEY})
    assert (answer.status_code, KeptAnswer.objects.count()) == (200, 0)


def test_changes_and_upserts_take_keys_too(cast: Cast, api_for: ApiFor) -> None:
    lead, client = LeadFactory(owner=cast.rep), api_for(cast.rep)
    for method, path in (("PATCH", f"{LEADS}{lead.pk}/"), ("PUT", f"{LEADS}by-external-id/a/1/")):
        sent = {"last_name": "Byron"}
        first = client.send(method, path, sent, Idempotency_Key=method)
        again = client.send(method, path, sent, Idempotency_Key=method)
        assert again["Idempotency-Replayed"] == "true"
        assert (again.status_code, again.content) == (first.status_code, first.content)


def test_an_approval_that_is_sent_again_is_answered_and_not_refused(
    cast: Cast, api_for: ApiFor
) -> None:
    suggestion = SuggestionFactory(assignee=cast.rep, lead=LeadFactory(owner=cast.rep))
    client = api_for(cast.rep)
    path = f"/api/v1/suggestions/{suggestion.pk}/approve/"
    sent = {"seen_at": suggestion.refreshed_at.isoformat()}
    answers = [client.send("POST", path, sent, Idempotency_Key=KEY) for _ in range(2)]
    assert [(a.status_code, a.json()["state"]) for a in answers] == [(200, "applied")] * 2
    assert Task.objects.count() == 1


def test_a_scan_that_is_asked_for_again_is_the_same(cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.rep)
    first = client.send("POST", "/api/v1/scans/", None, Idempotency_Key=KEY)
    Scan.objects.update(status="succeeded")
    again = client.send("POST", "/api/v1/scans/", None, Idempotency_Key=KEY)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert Scan.objects.count() == 1


def test_a_refusal_stays_on_record_and_writes_nothing(cast: Cast, api_for: ApiFor) -> None:
    suggestion = SuggestionFactory(assignee=cast.outsider)
    path = f"/api/v1/suggestions/{suggestion.pk}/approve/"
    answer = api_for(cast.rep).send("POST", path, {}, Idempotency_Key=KEY)
    assert answer.status_code == 404
    assert AuditEntry.objects.filter(event="permission.refused").count() == 1
    assert Suggestion.objects.get().state == "pending"


def test_a_fault_leaves_nothing_behind(
    cast: Cast, api_for: ApiFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lead is written, then the answer fails: both are gone, and the key may be sent again."""
    key = api_for(cast.rep).defaults["HTTP_AUTHORIZATION"]
    client = Client(
        raise_request_exception=False, HTTP_HOST="acme.localhost", HTTP_AUTHORIZATION=key
    )

    def fail(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith('INSERT INTO "users_keptanswer"'):
            raise RuntimeError
        return execute(sql, *rest)

    def send() -> int:
        sent = {"Idempotency-Key": KEY}
        return client.post(LEADS, {"last_name": "A"}, "application/json", headers=sent).status_code

    with connection.execute_wrapper(fail):
        assert send() == 500
    assert Lead.objects.count() == 0
    assert send() == 201


def test_an_answer_with_a_secret_is_not_kept(
    cast: Cast, api_for: ApiFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LeadViewSet, "keeps_answers", False)
    client = api_for(cast.rep)
    assert create(client).status_code == 201
    assert KeptAnswer.objects.get().body is None
    again = create(client)
    assert (again.status_code, again.json()["code"]) == (409, "answer_not_kept")
    assert Lead.objects.count() == 1


def test_what_was_sent_is_not_kept(cast: Cast, api_for: ApiFor) -> None:
    create(api_for(cast.rep), notes="the password is tulip", last_name="Byron")
    kept = KeptAnswer.objects.get()
    assert (len(kept.fingerprint), len(kept.key_hash)) == (64, 64)
    for word in ("tulip", KEY):
        assert word not in kept.fingerprint + kept.key_hash + str(kept.headers)


def test_answers_are_kept_for_a_day(cast: Cast, api_for: ApiFor, globex: Tenant) -> None:
    client, now = api_for(cast.rep), timezone.now()
    create(client)
    old = KeptAnswer.objects.get()
    KeptAnswer.objects.update(answered_at=now - KEPT_FOR)
    assert create(client, last_name="Lovelace").status_code == 201
    assert not KeptAnswer.objects.filter(pk=old.pk).exists()
    KeptAnswer.objects.update(answered_at=now - KEPT_FOR - timedelta(seconds=1))
    create(client, key="newer")
    newer = KeptAnswer.objects.latest("pk")
    assert remove_old_answers(now) == 1
    assert KeptAnswer.objects.get() == newer


def test_the_upkeep_of_one_tenant_leaves_those_of_others(
    cast: Cast, globex: Tenant, globex_cast: Cast
) -> None:
    answered = {
        "key_hash": "0",
        "status": 200,
        "body": "",
        "answered_at": timezone.now() - KEPT_FOR,
    }
    KeptAnswer.objects.create(user=cast.rep, **answered)
    with globex:
        KeptAnswer.objects.create(user=globex_cast.rep, **answered)
        remove_old_answers_of_current_tenant()
        assert KeptAnswer.objects.count() == 0
    assert KeptAnswer.objects.count() == 1


def test_of_six_at_once_one_is_done(committed_tenant: Tenant) -> None:
    """Those that come while it is done are told so, those that come later get its answer."""
    people = make_cast()
    _, key = ApiToken.issue(user=people.rep, name="tests", expires_at=None)
    connection.close()
    barrier = threading.Barrier(6)
    answers: list[tuple[int, str]] = []

    def send() -> None:
        try:
            client = ApiClient("race.localhost", key)
            barrier.wait(timeout=20)
            answer = create(client)
            told = answer.get("Retry-After", "") or answer.get("Idempotency-Replayed", "")
            answers.append((answer.status_code, told))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tenant_connection().set_tenant(committed_tenant)
    assert Lead.objects.count() == 1
    assert answers.count((201, "")) == 1
    assert set(answers) - {(201, ""), (201, "true"), (409, "1")} == set()


def test_while_it_is_done_the_key_is_held(committed_tenant: Tenant) -> None:
    people = make_cast()
    _, key = ApiToken.issue(user=people.rep, name="tests", expires_at=None)
    lock = SentWrite(people.rep, hash_sent(KEY.encode()), "").lock
    answers: list[Any] = []

    def send() -> None:
        try:
            answers.append(create(ApiClient("race.localhost", key)))
        finally:
            connection.close()

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [lock])
        thread = threading.Thread(target=send)
        thread.start()
        thread.join()
        cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [lock])
    (answer,) = answers
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "write_in_progress")
    assert answer["Retry-After"] == "1"
    assert (Lead.objects.count(), KeptAnswer.objects.count()) == (0, 0)


def test_a_session_may_use_keys_too(cast: Cast, client_for: Callable[[User], TenantClient]) -> None:
    client = client_for(cast.rep)
    for _ in range(2):
        sent = {"Idempotency-Key": KEY}
        answer = client.post(LEADS, {"last_name": "A"}, "application/json", headers=sent)
        assert answer.status_code == 201
    assert Lead.objects.count() == 1
