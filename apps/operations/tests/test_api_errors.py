"""What the API answers when it cannot do what was asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client, override_settings

from apps.conftest import ApiClient, Cast, TenantClient
from apps.crm.models import Lead
from apps.users.models import User

ApiFor = Callable[[User], ApiClient]

LEADS = "/api/v1/leads/"


def test_a_problem_has_code_title_status_and_the_request_id(cast: Cast, api_for: ApiFor) -> None:
    answer = api_for(cast.rep).get(f"{LEADS}999999/", headers={"X-Request-ID": "mine-12345"})
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["X-Request-ID"] == "mine-12345"
    assert answer.json() == {
        "code": "not_found",
        "title": "There is no such thing here.",
        "status": 404,
        "request_id": "mine-12345",
    }


@pytest.mark.parametrize("path", ["/api/v1/", "/api/v1/nothing/", "/api/v1/leads/abc/", "/api/v1"])
def test_an_address_without_an_endpoint_is_a_problem_too(
    cast: Cast, api_for: ApiFor, path: str
) -> None:
    answer = api_for(cast.rep).get(path, follow=True)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_a_stranger_learns_nothing_of_addresses(anonymous_client: TenantClient) -> None:
    statuses = [anonymous_client.get(path).status_code for path in ("/api/v1/nothing/", LEADS)]
    assert statuses == [401, 401]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        ("{", "application/json", 400, "parse_error"),
        ("\xff".encode("latin-1"), "application/json", 400, "parse_error"),
        ('{"last_name": NaN}', "application/json", 400, "parse_error"),
        ("[" * 200_000, "application/json", 400, "parse_error"),
        ("last_name=A", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        ("<a/>", "text/xml", 415, "unsupported_media_type"),
    ],
)
def test_a_body_that_cannot_be_read(
    cast: Cast, api_for: ApiFor, body: str | bytes, content_type: str, status: int, code: str
) -> None:
    answer = api_for(cast.rep).generic("POST", LEADS, body, content_type)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert Lead.objects.count() == 0


def test_a_body_over_the_limit_is_refused(cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.rep)
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100):
        refused = client.send("POST", LEADS, {"last_name": "A", "notes": "x" * 100})
        accepted = client.send("POST", LEADS, {"last_name": "A"})
    assert (refused.status_code, refused.json()["code"]) == (413, "payload_too_large")
    assert accepted.status_code == 201


def test_only_json_is_spoken(cast: Cast, api_for: ApiFor) -> None:
    answer = api_for(cast.rep).get(LEADS, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")


@pytest.mark.parametrize("path", ["/api/v1/leads/?status=new&status=asleep", "/api/v1/leads/?x=1"])
def test_field_errors_stand_by_field(cast: Cast, api_for: ApiFor, path: str) -> None:
    answer = api_for(cast.rep).get(path)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "invalid")
    assert all(isinstance(texts, list) for texts in problem["errors"].values())


def test_a_fault_of_ours_says_so_and_nothing_else(cast: Cast, api_for: ApiFor) -> None:
    def break_down(execute: Any, sql: str, *rest: Any) -> Any:
        if 'FROM "crm_lead"' in sql:
            raise RuntimeError("the secret inside")
        return execute(sql, *rest)

    key = api_for(cast.rep).defaults["HTTP_AUTHORIZATION"]
    client = Client(
        raise_request_exception=False, HTTP_HOST="acme.localhost", HTTP_AUTHORIZATION=key
    )
    with connection.execute_wrapper(break_down):
        answer = client.get(LEADS, headers={"X-Request-ID": "mine-12345"})
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    problem = answer.json()
    assert (problem["code"], problem["request_id"]) == ("fault", "mine-12345")
    assert "secret" not in answer.content.decode()


def test_what_no_text_can_hold_is_no_fault_of_ours(
    cast: Cast, api_for: Callable[[User], ApiClient]
) -> None:
    body = '{"session_id": "x", "item": "i", "speaker": "\\ud800", "text": "t"}'
    answer = api_for(cast.rep).generic(
        "POST", "/api/ai/realtime/transcripts", body, content_type="application/json"
    )
    assert answer.status_code == 400
    assert answer.json()["errors"]["speaker"] == ['"?" is not a valid choice.']
