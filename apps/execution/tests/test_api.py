"""The tools in the API: one description for readers, made from what each tool declares."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from apps.conftest import ApiClient, Cast, TenantClient
from apps.execution.tests.cases import VALID
from apps.execution.tools import registry
from apps.execution.tools.base import UpdateTool
from apps.users.models import User

ApiFor = Callable[[User], ApiClient]
PATH = "/api/v1/tools/"
API_PAGE = Path(__file__).parents[3] / "docs" / "api.md"


def test_who_may_read_suggestions_may_read_tools(
    cast: Cast, anonymous_client: TenantClient, api_for: ApiFor
) -> None:
    assert anonymous_client.get(PATH).status_code == 401
    client = api_for(cast.rep)
    assert client.get(PATH).status_code == 200
    cast.rep.groups.clear()
    assert client.get(PATH).status_code == 403


def test_every_tool_on_one_page(
    cast: Cast, api_for: ApiFor, django_assert_max_num_queries: Any
) -> None:
    client = api_for(cast.rep)
    with django_assert_max_num_queries(8):
        answer = client.get(PATH).json()
    assert answer["next"] is None
    assert [tool["key"] for tool in answer["results"]] == sorted(registry.keys())
    assert client.get(f"{PATH}?page=2").status_code == 400


def test_one_tool(cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.rep)
    tool = client.get(f"{PATH}update_opportunity/").json()
    schema = tool.pop("schema")
    assert tool == {
        "key": "update_opportunity",
        "label": "Update deal",
        "description": "Bring an open deal up to date: stage, amount, close date, next step or owner.",
        "subject_kinds": ["opportunity"],
        "is_creation": False,
        "permissions": {"opportunity": ["crm.change_opportunity"]},
        "risk": "high",
        "touched_fields": {
            "opportunity": [
                "amount", "currency", "expected_close_on", "next_step", "notes", "owner_id",
                "stage_id",
            ],
        },
        "guard_fields": {"opportunity": ["stage_id", "owner_id", "currency"]},
        "consequences": "A change of stage is dated, and counted from then on. No deal is closed.",
        "is_partial": True,
        "together": [["amount", "currency"]],
        "is_reversible": True,
        "undo": "The former values are written back.",
    }  # fmt: skip
    assert (schema["additionalProperties"], schema["required"]) == (False, ["opportunity_id"])
    assert schema["properties"]["expected_close_on"] == {
        "description": "Today or later.",
        "format": "date",
        "title": "Expected close on",
        "type": "string",
    }
    assert client.get(f"{PATH}delete_lead/").status_code == 404
    assert client.send("POST", PATH, {}).status_code == 405


@pytest.mark.parametrize(
    ("key", "undo"),
    [
        ("create_task", "The task stays, and its status becomes “Cancelled”. Nothing is deleted."),
        (
            "create_lead",
            "The lead stays, and its status becomes “Unqualified”. Nothing is deleted.",
        ),
        (
            "log_activity",
            "What took place stays on record: a logged activity is corrected on its own page.",
        ),
    ],
)
def test_an_undo_in_words(cast: Cast, api_for: ApiFor, key: str, undo: str) -> None:
    assert api_for(cast.rep).get(f"{PATH}{key}/").json()["undo"] == undo


@pytest.mark.parametrize("key", sorted(registry.keys()))
def test_the_schema_is_json_schema_and_takes_what_the_tool_takes(
    cast: Cast, api_for: ApiFor, key: str
) -> None:
    schema = api_for(cast.rep).get(f"{PATH}{key}/").json()["schema"]
    checker = jsonschema.Draft202012Validator(schema)
    checker.check_schema(schema)
    assert checker.is_valid(VALID[key])
    assert not checker.is_valid({**VALID[key], "colour": "red"})
    titles = [rule["title"] for rule in schema["properties"].values()]
    assert all(re.fullmatch(r"[A-Z][a-zA-Z -]+", title) for title in titles)
    if isinstance(registry.get(key), UpdateTool):
        assert not any("default" in rule for rule in schema["properties"].values())


def test_the_docs_name_every_tool_with_its_risk_and_arguments() -> None:
    text = API_PAGE.read_text()
    for tool in registry.all():
        row = re.search(rf"^\| `{tool.key}` \|.*$", text, re.MULTILINE)
        assert row is not None, tool.key
        assert f"| {tool.risk.value} |" in row[0]
        for name, field in tool.arguments_type.model_fields.items():
            if field.is_required():
                assert f"`{name}`" in row[0], (tool.key, name)
