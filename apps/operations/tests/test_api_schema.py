"""The whole API, held to its own description: no fault, no answer that it does not name or shape otherwise.

Each operation is asked with values that fit its description and with values that do not (``schema_cases``),
about rows that are there; what is written is taken back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jsonschema
import pytest
import yaml
from django.db import models, transaction
from django.test import Client
from django.utils import timezone

from apps.assistant.models import Conversation
from apps.conftest import ApiClient, Cast
from apps.crm.models import Account, Contact, Lead, Opportunity, Stage
from apps.operations.tests.routes import TENANT_MAP, Route, walk_routes
from apps.operations.tests.schema_cases import Case, CaseMaker
from apps.operations.tests.test_routes import SOURCE, TRIGGER, model_of
from apps.operations.tests.url_matrix import TOOL, Rows, external_id_of, rows_of
from apps.realtime.models import Session
from apps.realtime.tests.factories import batch, event
from apps.suggestions.enums import State
from apps.suggestions.models import Suggestion
from apps.suggestions.services import approve
from apps.suggestions.shown import edition_of
from apps.suggestions.tests.cases import put_in, suggested
from apps.users.models import User

ApiFor = Callable[[User], ApiClient]

METHODS = ("get", "post", "put", "patch", "delete")
# For each operation; a third of them fit. More cost the suite time and have found nothing more.
CASES_EACH = {"admin": 12, "rep": 5}
API = "/api/v1"
TALKING = "/api/ai/realtime"
BY_EXTERNAL_ID = "by-external-id/{source}/{external_id}"
# A write may fail at the database, and say so; none of these does.
FAULT = 500


@pytest.fixture
def description(client: Client, acme: object) -> dict[str, Any]:
    """The description as it is served."""
    answer = client.get("/api/schema/", HTTP_HOST="acme.localhost")
    served: dict[str, Any] = yaml.safe_load(answer.content)
    return served


def shape_of(path: str) -> str:
    """A path without the names of its arguments."""
    return re.sub(r"%\(\w+\)s|\{\w+\}", "{}", path)


ROUTES = {shape_of(route.path): route for route in walk_routes(TENANT_MAP)}


def ids_of(path: str, rows: Rows, owner: User) -> dict[str, Any]:
    """Arguments of a path that lead to what is there."""
    route: Route = ROUTES[shape_of(path)]
    model = model_of(route) if route.arguments else None
    values = {
        "id": rows[model].pk if model else 1,
        "session_id": rows[Session].pk,
        "conversation_id": rows[Conversation].pk,
        "source": SOURCE,
        "external_id": external_id_of(owner),
        "key": TOOL if route.name == "tool-detail" else TRIGGER,
    }
    return {name: values[name] for name in re.findall(r"\{(\w+)\}", path)}


def hints_of(cast: Cast, rows: Rows) -> dict[str, list[Any]]:
    """What may stand in a member or parameter of that name."""

    def pk(model: type[models.Model]) -> list[Any]:
        return [rows[model].pk]

    suggestion = Suggestion.objects.get(pk=rows[Suggestion].pk)
    return {
        "owner": [cast.rep.pk, cast.teammate.pk, cast.outsider.pk, None],
        "assignee": [cast.rep.pk, cast.teammate.pk, None],
        "account": pk(Account),
        "parent": pk(Account),
        "contact": pk(Contact),
        "lead": pk(Lead),
        "opportunity": pk(Opportunity),
        "converted_contact": pk(Contact),
        "converted_opportunity": pk(Opportunity),
        "suggestion": pk(Suggestion),
        "seen_at": [suggestion.refreshed_at.isoformat()],
        "arguments": [suggestion.arguments],
        "attributes": [{}],
        "parameters": [{}, {"silent_days": 21}],
        "trigger": [TRIGGER],
        "tool": [suggestion.tool],
        "cursor": ["nonsense"],
        "session_id": [str(rows[Session].pk)],
        "conversation_id": pk(Conversation),
    }


def subjects_of(person: User) -> dict[str, Suggestion]:
    """For decisions that not every suggestion can take: one that can."""
    rejected, done, applied = suggested(person), suggested(person), suggested(person)
    approve(suggestion_id=applied.pk, user=person, now=timezone.now())
    return {
        "approve": suggested(person),
        "edit": done,
        "reopen": put_in(rejected, State.REJECTED, person),
        "undo": applied,
    }


def examples_of(subjects: Mapping[str, Suggestion], session: Session) -> dict[tuple[str, str], Any]:
    """Bodies of which something must come where chance hardly finds one."""
    fresh, edited = subjects["approve"], subjects["edit"]
    call = {"activity_kind": "call", "direction": "outbound", "occurred_at": "2026-10-01T08:00:00Z"}
    deal = {"name": "Isdom", "stage": Stage.objects.open().order_by("position")[0].key}
    target = {"starts_on": "2026-10-01", "months": 3, "amount": "500.00", "currency": "USD"}
    return {
        ("patch", f"{API}/brain/settings/"): {"language": "German"},
        ("post", f"{API}/learning/resets/"): {"scope": "tenant"},
        ("post", f"{API}/opportunities/"): deal,
        ("put", f"{API}/opportunities/{BY_EXTERNAL_ID}/"): deal,
        ("put", f"{API}/activities/{BY_EXTERNAL_ID}/"): call,
        ("put", f"{API}/leads/{BY_EXTERNAL_ID}/"): {"last_name": "Isdom"},
        ("post", f"{API}/suggestions/{{id}}/approve/"): {"seen_at": edition_of(fresh)},
        ("post", f"{API}/suggestions/{{id}}/edit/"): {
            "seen_at": edition_of(edited),
            "arguments": {**edited.arguments, "title": "Call the lead"},
        },
        ("post", f"{TALKING}/telemetry"): {
            "batch": batch(session, event("aisha.drop")).model_dump_json()
        },
        ("post", f"{API}/suggestions/merges/"): {
            "keep": f"{fresh.record_kind}:{fresh.record_id}",
            "merge": f"{edited.record_kind}:{edited.record_id}",
        },
        ("post", f"{API}/targets/"): target,
        ("patch", f"{API}/targets/{{id}}/"): {"amount": "750.00"},
        ("post", f"{API}/bulk-approvals/"): {
            "items": [{"suggestion": fresh.pk, "seen_at": edition_of(fresh)}]
        },
    }


@pytest.mark.parametrize("who", CASES_EACH)
def test_every_answer_is_one_that_the_description_names(
    who: str, cast: Cast, api_for: ApiFor, description: dict[str, Any]
) -> None:
    person: User = getattr(cast, who)
    rows = rows_of(person)
    subjects = subjects_of(person)
    examples = examples_of(subjects, Session.objects.get(pk=rows[Session].pk))
    client = api_for(person)
    client.raise_request_exception = False
    maker = CaseMaker(description, hints_of(cast, rows))
    components = as_json_schema(description["components"])
    wrong: list[str] = []
    silent: list[tuple[str, str]] = []
    for path, method, operation in operations_of(description):
        ids = ids_of(path, rows, person)
        if subject := subjects.get(path.rstrip("/").rpartition("/")[2]):
            ids["id"] = subject.pk
        cases = maker.cases(
            method, path, operation, ids,
            count=CASES_EACH[who], example=examples.get((method, path)),
        )  # fmt: skip
        statuses = set()
        for case in cases:
            answer = send(client, case)
            statuses.add(answer.status_code // 100)
            wrong += [f"{case}: {it}" for it in problems_of(answer, operation, components)]
        if 2 not in statuses:
            silent.append((method, path))
    assert wrong == []
    # Of what is never answered with success, the cases would have told little.
    if who == "admin":
        assert set(silent) - set(NEVER_REACHED) == set()


# Operations that no case brings to an end, each with the reason.
NEVER_REACHED = {
    (
        "get",
        "/api/v1/audit/head/",
    ): "a log is sealed once its transactions are over; a test is in one",
    ("post", "/api/v1/bulk-approvals/{id}/retry/"): "none of its suggestions has failed",
    ("post", "/api/v1/duplicates/pairs/{id}/take-back/"): "nobody has decided on the pair",
    ("post", "/api/v1/duplicates/runs/{id}/cancel/"): "the look is over",
    ("post", "/api/v1/scans/{id}/cancel/"): "the scan is over",
    ("post", "/api/v1/predictions/models/{id}/let-go/"): "no model was chosen",
    ("post", "/api/v1/predictions/runs/{id}/cancel/"): "the run is over",
    ("post", "/api/v1/predictions/trials/{id}/cancel/"): "the trial is over",
    ("post", "/api/v1/triggers/{key}/replays/{id}/cancel/"): "the replay is over",
    ("post", "/api/ai/realtime-token"): "no key is set in a test, and nobody would answer",
    ("post", "/api/v1/webhooks/"): "its host is looked up, and a test has no network",
}


def test_a_method_that_is_not_described_is_not_there(
    cast: Cast, api_for: ApiFor, description: dict[str, Any]
) -> None:
    rows, client = rows_of(cast.admin), api_for(cast.admin)
    answers = {}
    for path, operations in description["paths"].items():
        for method in sorted({*METHODS} - {*operations}):
            address = path.format(**ids_of(path, rows, cast.admin))
            answers[method, path] = send(client, Case(method.upper(), address)).status_code
    assert {call: status for call, status in answers.items() if status != 405} == {}


def operations_of(description: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Every operation: its path, its method, what is said of it."""
    for path, operations in description["paths"].items():
        for method in METHODS:
            if method in operations:
                yield path, method, operations[method]


def send(client: ApiClient, case: Case) -> Any:
    """Send it, and take back what it wrote."""
    with transaction.atomic():
        answer = client.generic(
            case.method, case.path, case.body, case.content_type, headers=dict(case.headers)
        )
        transaction.set_rollback(True)
    return answer


def problems_of(answer: Any, operation: Mapping[str, Any], components: Any) -> list[str]:
    """What is wrong with an answer."""
    status = answer.status_code
    described = operation["responses"].get(str(status))
    if status == FAULT or described is None:
        return [f"{status} is not described: {answer.content[:300]!r}"]
    if "content" not in described:
        return [] if answer.content == b"" else [f"{status} has a body: {answer.content[:300]!r}"]
    kind = answer["Content-Type"].partition(";")[0]
    if kind not in described["content"]:
        return [f"{status} comes as {kind}"]
    schema = described["content"][kind]["schema"]
    validator = jsonschema.Draft4Validator(
        {**as_json_schema(schema), "components": components},
        format_checker=jsonschema.FormatChecker(["email", "date"]),
    )
    return [
        f"{status} differs at {'/'.join(map(str, error.path))}: {error.message[:200]}"
        for error in validator.iter_errors(answer.json())
    ]


def as_json_schema(schema: Any) -> Any:
    """OpenAPI 3.0's own spelling of what may be null, in that of JSON Schema."""
    if isinstance(schema, list):
        return [as_json_schema(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: as_json_schema(value) for key, value in schema.items() if key != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain
