"""The OpenAPI description: complete, without warnings, and the page that shows it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import call_command
from django.urls import resolve

from apps.conftest import TenantClient
from apps.operations.tests.routes import TENANT_MAP
from apps.tenants.exceptions import AishaError
from apps.users.enums import Scope

# What apps.operations.errors makes of errors that are not our own.
CODES_OF_THE_FRAMEWORK = {
    "invalid", "parse_error", "not_authenticated", "authentication_failed", "permission_denied",
    "csrf_failed", "not_found", "method_not_allowed", "not_acceptable", "unsupported_media_type",
    "payload_too_large", "fault",
}  # fmt: skip
# Operations that may miss a row without naming one in their address.
NAMING_ROWS_ELSEWHERE = {
    ("get", "/api/v1/audit/head/"): "the last seal, before which there is none",
    ("post", "/api/v1/bulk-approvals/"): "suggestions in the body",
    ("post", "/api/v1/suggestions/merges/"): "two records in the body",
    ("post", "/api/ai/realtime-token"): "a thread and a call in the body",
    ("post", "/api/ai/realtime/tools"): "a call in the body",
    ("post", "/api/ai/realtime/transcripts"): "a call in the body",
    ("post", "/api/ai/realtime/telemetry"): "a call in the body",
}
# Operations that ask with a body and write nothing.
READING_BY_POST = {("post", "/api/v1/duplicates/probe/")}
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The description, generated with every warning as an error and checked against OpenAPI."""
    path: Path = tmp_path_factory.mktemp("openapi") / "schema.yml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(path))
    generated: dict[str, Any] = yaml.safe_load(path.read_text())
    return generated


def test_every_endpoint_is_described(description: dict[str, Any]) -> None:
    records = {
        "leads", "contacts", "accounts", "opportunities", "activities", "tasks", "contracts",
        "products",
    }  # fmt: skip
    expected = {
        *(f"/api/v1/{kind}/" for kind in records),
        *(f"/api/v1/{kind}/{{id}}/" for kind in records),
        *(f"/api/v1/{kind}/by-external-id/{{source}}/{{external_id}}/" for kind in records),
        *(
            f"/api/v1/{kind}/"
            for kind in ("drafts", "suggestions", "signals", "scans", "audit", "executions")
        ),
        *(
            f"/api/v1/{kind}/{{id}}/"
            for kind in ("drafts", "suggestions", "signals", "scans", "audit", "executions")
        ),
        *(f"/api/v1/{kind}/{rest}" for kind in ("forecasts", "targets") for rest in ("", "{id}/")),
        *(f"/api/v1/bulk-approvals/{rest}" for rest in ("", "{id}/", "{id}/retry/")),
        *("/api/v1/audit/head/", "/api/v1/dashboard/", "/api/v1/digest/", "/api/v1/changes/"),
        *("/api/v1/learning/", "/api/v1/learning/resets/", "/api/v1/suggestions/events/"),
        *("/api/v1/conversations/", "/api/v1/conversations/{id}/"),
        "/api/v1/conversations/{conversation_id}/messages/",
        *(f"/api/v1/brain/{rest}" for rest in ("settings/", "cost/", "calls/", "calls/{id}/")),
        *(f"/api/v1/webhooks/{rest}" for rest in ("", "{id}/", "{id}/secret/", "{id}/test/")),
        *(f"/api/v1/webhook-deliveries/{rest}" for rest in ("", "{id}/", "{id}/again/")),
        *("/api/v1/triggers/", "/api/v1/triggers/{key}/"),
        *("/api/v1/tools/", "/api/v1/tools/{key}/"),
        "/api/v1/predictions/",
        *(f"/api/v1/predictions/models/{rest}" for rest in ("", "{id}/")),
        *(f"/api/v1/predictions/models/{{id}}/{verb}/" for verb in ("choose", "let-go")),
        *(f"/api/v1/predictions/scores/{rest}" for rest in ("", "{id}/", "{id}/explanation/")),
        *(f"/api/v1/predictions/runs/{rest}" for rest in ("", "{id}/", "{id}/cancel/")),
        *(f"/api/v1/predictions/trials/{rest}" for rest in ("", "{id}/", "{id}/cancel/")),
        "/api/v1/discoveries/",
        "/api/v1/scans/{id}/cancel/",
        *(f"/api/v1/duplicates/runs/{rest}" for rest in ("", "{id}/", "{id}/cancel/")),
        *(f"/api/v1/duplicates/pairs/{rest}" for rest in ("", "{id}/")),
        *(
            f"/api/v1/duplicates/pairs/{{id}}/{verb}/"
            for verb in ("explanation", "not-a-duplicate", "take-back")
        ),
        "/api/v1/duplicates/groups/",
        *("/api/v1/duplicates/probe/", "/api/v1/suggestions/merges/", "/api/ai/realtime-token"),
        "/api/ai/realtime/sessions/{session_id}",
        *(f"/api/ai/realtime/{rest}" for rest in ("tools", "transcripts", "telemetry")),
        *(f"/api/v1/triggers/{{key}}/replays/{rest}" for rest in ("", "{id}/", "{id}/cancel/")),
        *(
            f"/api/v1/suggestions/{{id}}/{verb}/"
            for verb in (
                "approve",
                "edit",
                "reject",
                "snooze",
                "reassign",
                "rebase",
                "reopen",
                "undo",
                "story",
            )
        ),
    }
    assert set(description["paths"]) == expected
    leads = description["paths"]["/api/v1/leads/{id}/"]
    assert METHODS & set(leads) == {"get", "patch"}


def test_every_operation_documents_its_errors_and_its_sign_in(description: dict[str, Any]) -> None:
    for path, operations in description["paths"].items():
        for method in METHODS & set(operations):
            operation = operations[method]
            assert {"400", "401", "403", "429"} <= set(operation["responses"]), path
            may_be_missing = "{" in path or (method, path) in NAMING_ROWS_ELSEWHERE
            assert ("404" in operation["responses"]) == may_be_missing, path
            assert operation["security"] == [{"token": []}, {"cookieAuth": []}], path
            is_reading = operation["x-required-scope"] == Scope.READ
            assert is_reading == (method == "get" or (method, path) in READING_BY_POST), path
            for status, response in operation["responses"].items():
                if status >= "400":
                    assert list(response["content"]) == ["application/problem+json"], path


def test_every_operation_has_words_of_its_own(description: dict[str, Any]) -> None:
    lists = [path for path in description["paths"] if not path.endswith("}/")]
    silent = [
        f"{method} {path}"
        for path, operations in description["paths"].items()
        for method in METHODS & set(operations)
        if not operations[method].get("description")
    ]
    assert lists
    assert silent == []


def test_lists_describe_cursor_order_and_filters(description: dict[str, Any]) -> None:
    operation = description["paths"]["/api/v1/leads/"]["get"]
    parameters = {parameter["name"]: parameter for parameter in operation["parameters"]}
    assert {"cursor", "page_size", "ordering", "status", "owner", "search", "updated_from"} <= set(
        parameters
    )
    assert parameters["ordering"]["schema"]["enum"][:2] == ["id", "-id"]
    assert parameters["ordering"]["schema"]["default"] == "-created_at"


def test_the_description_is_served_to_anybody(anonymous_client: TenantClient) -> None:
    answer = anonymous_client.get("/api/schema/")
    assert answer.status_code == 200
    assert yaml.safe_load(answer.content)["info"]["title"] == "AiSHA API"


def test_the_page_holds_no_inline_script_or_style_and_nothing_from_elsewhere(
    anonymous_client: TenantClient,
) -> None:
    page = anonymous_client.get("/api/docs/")
    text = page.content.decode()
    assert page.status_code == 200
    assert page["Content-Security-Policy"].count("'unsafe-inline'") == 0
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon[a-z]+=", text) == []
    addresses = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert len(addresses) == 5
    assert [address for address in addresses if not address.startswith("/")] == []
    script = anonymous_client.get("/api/docs/?script=")
    assert script["Content-Type"].startswith("application/javascript")
    assert "SwaggerUIBundle" in script.content.decode()


def test_the_guide_names_only_addresses_and_codes_that_exist() -> None:
    guide = (Path(settings.BASE_DIR) / "docs" / "api.md").read_text()
    paths = {
        re.sub(r"\?.*", "", path) for path in re.findall(r'"\$HOST(/[^"]*)"', guide)
    }  # fmt: skip
    assert len(paths) >= 7
    for path in paths:
        name = resolve(f"/api/v1{path}", TENANT_MAP).view_name
        assert name != "unknown_endpoint", path
    rows = re.findall(r"^\| \d[^|]*\| ([^|]+) \|", guide, re.MULTILINE)
    codes = {code for row in rows for code in re.findall(r"`(\w+)`", row)}
    known = {error.code for error in every_error()} | CODES_OF_THE_FRAMEWORK
    assert codes - known == set()


def every_error() -> set[type[AishaError]]:
    found, waiting = set(), [AishaError]
    while waiting:
        error = waiting.pop()
        found.add(error)
        waiting += error.__subclasses__()
    return found
