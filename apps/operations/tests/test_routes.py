"""Every address of the site: behind the sign-in unless listed, and closed to other tenants' rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps as django_apps
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, models, transaction
from django.http import HttpResponseBase
from django.urls import resolve
from django.utils import timezone
from pytest_django import Settings

from apps.assistant.enums import Speaker
from apps.assistant.models import Conversation, Message
from apps.assistant.threads import keep_message, open_conversation
from apps.audit.enums import Origin
from apps.brain.models import BrainCall
from apps.conftest import Cast, TenantClient
from apps.crm.enums import RecordKind
from apps.crm.models import ImportRun, Record, Task
from apps.duplicates.models import MatchRun, Pair
from apps.operations.tests.admin_rows import SHARED_MODELS, TENANT_ROWS
from apps.operations.tests.admin_rows import make_import_run as make_plain_import_run
from apps.operations.tests.routes import PUBLIC_MAP, TENANT_MAP, Route, walk_routes
from apps.predictions.models import PredictionRun, SalesTarget, TrainedModel, Trial
from apps.realtime.models import Session
from apps.suggestions.models import (
    BulkApproval,
    SavedView,
    Suggestion,
    WebhookDelivery,
    WebhookEndpoint,
)
from apps.suggestions.webhooks.settings import CHANGE_PERMISSION as CHANGE_WEBHOOKS
from apps.tenants.models import Tenant
from apps.tenants.work.enums import WorkStatus
from apps.triggers.models import ReplayRun, Scan
from apps.users.api import Endpoint
from apps.users.middleware import OPEN_ROUTES, SELF_GUARDED_PREFIXES
from apps.users.models import ApiToken, User
from apps.users.tests.factories import UserFactory

ClientFor = Callable[[User], TenantClient]
Model = type[models.Model]

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
SOURCE, EXTERNAL_ID = "globex-erp", "G-1"
TRIGGER = "lead_inactive"
PREDICTION = "lead_conversion"

# Routes whose argument names no row of a tenant, each with the reason.
NAMES_NO_ROW = {
    "admin:app_list": "the name of an app",
    "admin:": "whatever else stands below the admin's address",
    "triggers:trigger_detail": "the key of a trigger",
    "triggers:trigger_defaults": "the key of a trigger",
    "triggers:replay_list": "the key of a trigger",
    "triggers:replay_export": "the key of a trigger",
    "replayrun-list": "the key of a trigger",
    "trigger-detail": "the key of a trigger",
    "tool-detail": "the key of a tool",
    "predictions:prediction_detail": "the name of a prediction",
    "predictions:prediction_export": "the name of a prediction",
    "predictions:prediction_let_go": "the name of a prediction",
    "mailbox:mail_detail": "the name of a file, in a demo alone; see test_mailbox",
    "mailbox:mail_html": "the same",
    "digest:unsubscribe": "a signature; see test_digest_unsubscribe",
    # Rows of the public schema; whose may be seen is a matter of test_admin_sites.
    **{
        f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}": "a row in the public schema"
        for model in SHARED_MODELS
        for page in ("change", "delete")
    },
}


def make_token() -> ApiToken:
    token, _ = ApiToken.issue(user=UserFactory(), name="globex", expires_at=None)
    return token


def make_import_run() -> ImportRun:
    run = make_plain_import_run()
    run.errors_path = default_storage.save("imports/globex.csv", ContentFile("globex's problems"))
    run.save()
    return run


def make_replay() -> ReplayRun:
    # One that is under way stands in the way of the next.
    return ReplayRun.objects.create(trigger=TRIGGER, days=31, status=WorkStatus.SUCCEEDED)


def make_saved_view() -> SavedView:
    return SavedView.objects.create(user=UserFactory(), name="globex's view")


def make_conversation() -> Conversation:
    return open_conversation(UserFactory(), None, timezone.now())


def make_message() -> Message:
    conversation = make_conversation()
    return keep_message(
        conversation,
        Speaker.PERSON,
        "globex's words",
        origin=Origin.TYPED,
        now=timezone.now() - timedelta(hours=1),
    )


MAKERS: dict[Model, Callable[[], models.Model]] = {
    **{model: make for model, make in TENANT_ROWS.items() if model not in SHARED_MODELS},
    ApiToken: make_token,
    Conversation: make_conversation,
    Message: make_message,
    ImportRun: make_import_run,
    ReplayRun: make_replay,
    SavedView: make_saved_view,
}


def model_of(route: Route) -> Model | None:
    """The kind of row that a route's argument names; None where it names none."""
    namespace, _, name = route.name.rpartition(":")
    if route.name in NAMES_NO_ROW:
        return None
    if name == "auth_user_password_change":
        # Django's name for it, whatever the model of people is.
        return User
    if namespace == "admin":
        return django_apps.get_model(".".join(name.split("_")[:2]))
    if namespace == "suggestions" and name.startswith("bulk_"):
        return BulkApproval
    if route.name == "suggestions:forget_view":
        return SavedView
    if route.name == "suggestions:propose_merge":
        return Pair
    if namespace == "suggestions":
        return Suggestion
    if namespace == "assistant":
        return Message if name == "message" else Conversation
    if namespace == "webhooks":
        return WebhookDelivery if name.startswith("delivery_") else WebhookEndpoint
    if namespace == "brain":
        return BrainCall
    if namespace == "triggers":
        return ReplayRun if name.startswith("replay_") else Scan
    if namespace == "predictions" and name.endswith("_score"):
        return model_of_kind(name.removesuffix("_score"))
    if namespace == "predictions":
        kinds = {"run": PredictionRun, "target": SalesTarget, "trial": Trial}
        return kinds.get(name.partition("_")[0], TrainedModel)
    if namespace == "duplicates":
        return MatchRun if name.startswith("run_") else Pair
    if namespace == "crm":
        if name.startswith("import_"):
            return ImportRun
        return Task if name == "task_done" else model_of_kind(name.partition("_")[0])
    if route.name == "users:revoke_token":
        return ApiToken
    if namespace == "realtime" or route.name == "realtime-session":
        return Session
    if not namespace and route.path.startswith(SELF_GUARDED_PREFIXES):
        (found,) = [m for m in MAKERS if m._meta.model_name == name.partition("-")[0]]
        return found
    raise AssertionError(f"tell this test which row {route.name} ({route.path}) is about")


def model_of_kind(kind: str) -> type[Record]:
    model = django_apps.get_model("crm", RecordKind(kind).value)
    assert issubclass(model, Record)
    return model


# What answers a signed-in person whose role includes nothing, each with the reason.
OPEN_WITHOUT_ROLE = {
    "dashboard:today": "the first page; each of its parts asks for the role",
    "users:profile": "their own account",
    "audit:entry_list": "what they did themselves, and nothing else",
    "audit:entry_export": "the same as a file",
    "auditentry-list": "the same in the API",
    "schema": OPEN_ROUTES["schema"],
    "docs": OPEN_ROUTES["docs"],
}

# What everybody may do about their own account, whatever their role.
OWN_ACCOUNT = frozenset(
    {"users:sign_in", "users:sign_out", "users:profile", "users:save_time_zone"}
    | {"users:change_password", "users:issue_token", "users:revoke_token"}
    | {"admin:login", "admin:logout"}
)

WITH_ROW = [route for route in walk_routes(TENANT_MAP) if route.arguments and model_of(route)]


def send(client: TenantClient, method: str, path: str) -> Any:
    """Send an empty form or, to the API, an empty object; read the answer to its end."""
    if path.startswith(SELF_GUARDED_PREFIXES):
        answer: Any = client.generic(method, path, "{}", "application/json")
    else:
        answer = client.generic(method, path, "", "application/x-www-form-urlencoded")
    answer.read_text = (b"".join(answer) if answer.streaming else answer.content).decode()
    return answer


def is_turned_away(answer: HttpResponseBase) -> bool:
    if answer.status_code == 401:
        return True
    return answer.status_code == 302 and "/sign-in/?next=" in answer.headers["Location"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_stranger_is_turned_away_from_every_address_but_the_listed(
    anonymous_client: TenantClient, method: str
) -> None:
    reached = set()
    for route in walk_routes(TENANT_MAP):
        answer = send(anonymous_client, method, route.fill(url="x", app_label="crm"))
        if not is_turned_away(answer):
            reached.add(route.name)
    if method == "GET":
        # That it takes nothing but POST it says to everybody, and no more.
        assert send(anonymous_client, method, "/api/ai/realtime-token").status_code == 405
        reached.remove("realtime-token")
    # The front page stands at the public host; the admin's sign-in leads on to the only one.
    expected = set(OPEN_ROUTES) - {"landing", "admin:login"}
    assert reached - {"admin:login"} == expected


def test_a_stranger_at_the_public_host_reaches_the_front_page_and_the_sign_in(
    db: None,
) -> None:
    client = TenantClient("localhost")
    reached = {
        route.name
        for route in walk_routes(PUBLIC_MAP)
        if client.get(route.fill(url="x", app_label="tenants")).status_code == 200
    }
    assert reached == {"landing", "admin:login"}


def test_each_open_route_exists_and_has_its_reason() -> None:
    names = {route.name for route in [*walk_routes(TENANT_MAP), *walk_routes(PUBLIC_MAP)]}
    assert set(OPEN_ROUTES) - names == set()
    assert all(reason.strip() for reason in OPEN_ROUTES.values())


def test_every_endpoint_of_the_api_asks_for_the_scope_of_a_token() -> None:
    """A view that is none could be reached by a token that may not; so could a write without a scope."""
    lacking = []
    for route in walk_routes(TENANT_MAP):
        if route.path.startswith(SELF_GUARDED_PREFIXES) and route.name != "unknown_endpoint":
            view = resolve(route.fill(key=TRIGGER), TENANT_MAP).func
            methods = {*getattr(view, "actions", {})} - {"get", "head", "options"}
            endpoint: Any = getattr(view, "cls", object)
            if not issubclass(endpoint, Endpoint) or (methods and endpoint.write_scope is None):
                lacking.append(route.name)
    assert lacking == []


def test_fault_19_every_endpoint_of_the_api_guards_itself(
    anonymous_client: TenantClient, settings: Settings
) -> None:
    """The sign-in of pages stands in a middleware; the API does without it."""
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "SignInRequired" not in name]
    routes = [r for r in walk_routes(TENANT_MAP) if r.path.startswith(SELF_GUARDED_PREFIXES)]
    assert len(routes) > 30
    answers = {
        (route.path, method): send(anonymous_client, method, route.fill()).status_code
        for route in routes
        for method in METHODS
    }
    assert {call: status for call, status in answers.items() if status not in {401, 405}} == {}


@pytest.fixture
def foreign_rows(
    acme: Tenant, globex: Tenant, globex_cast: Cast
) -> Iterator[dict[Model, models.Model]]:
    """A row of each kind in globex, under an id that acme does not have."""
    rows = {}
    for model, make in MAKERS.items():
        with globex:
            row = make()
            if isinstance(row, Record):
                type(row)._default_manager.filter(pk=row.pk).update(
                    source=SOURCE, external_id=EXTERNAL_ID
                )
        while model._default_manager.filter(pk=row.pk).exists():
            with globex:
                row = make()
        rows[model] = row
    yield rows
    with globex:
        for path in default_storage.listdir("imports")[1]:
            default_storage.delete(f"imports/{path}")


def address_of(route: Route, rows: dict[Model, models.Model]) -> str:
    model = model_of(route)
    assert model is not None
    values = arguments_of(route, rows[model])
    return route.fill(**values | {"source": SOURCE, "external_id": EXTERNAL_ID})


def arguments_of(route: Route, row: Any) -> dict[str, object]:
    """What names a row in an address: as a rule its id."""
    values: dict[str, object] = dict.fromkeys(route.arguments, row.pk) | {"key": TRIGGER}
    if isinstance(row, TrainedModel):
        values |= {"prediction": row.prediction, "number": row.number}
    return values


def test_another_tenants_ids_lead_nowhere(
    cast: Cast,
    globex: Tenant,
    foreign_rows: dict[Model, models.Model],
    client_for: ClientFor,
) -> None:
    with globex:
        before = fingerprint_of("globex")
    wrong = []
    for person in (cast.manager, cast.admin):
        client = client_for(person)
        for route in WITH_ROW:
            model = model_of(route)
            assert model is not None
            path, secret = address_of(route, foreign_rows), str(foreign_rows[model])
            for method in METHODS:
                if method == "PUT" and EXTERNAL_ID in path:
                    # An upsert makes a record of this tenant's own; see test_api_upsert.
                    continue
                with transaction.atomic():
                    answer = send(client, method, path)
                    transaction.set_rollback(True)
                if not is_nowhere(answer, path) or secret in answer.read_text:
                    wrong.append(f"{method} {path} ({route.name}): {answer.status_code}")
    assert wrong == []
    with globex:
        assert fingerprint_of("globex") == before


# For administrators alone: a manager is refused before any row is looked for.
ADMINISTRATORS_ONLY = (
    "/webhooks/", "/api/v1/webhooks/", "/api/v1/webhook-deliveries/", "/realtime/debug/",
)  # fmt: skip


def is_nowhere(answer: Any, path: str) -> bool:
    """404, or a method that the address does not know; the admin sends back to its first page."""
    if answer.status_code in {404, 405}:
        return True
    if path.startswith(ADMINISTRATORS_ONLY):
        user: User = answer.wsgi_request.user
        return bool(answer.status_code == 403 and not user.has_perm(CHANGE_WEBHOOKS))
    if not path.startswith("/admin/"):
        return False
    if answer.status_code == 403:
        return True
    # A missing row's page leads to the admin's first page, its old address to that page.
    return answer.status_code == 302 and answer.headers["Location"] in {
        "/admin/", f"{path}change/",
    }  # fmt: skip


def test_the_same_addresses_lead_somewhere_at_home(
    globex: Tenant, globex_cast: Cast, foreign_rows: dict[Model, models.Model]
) -> None:
    """What the test above attacks is there: as it is for globex's own administrator."""
    client = TenantClient("globex.localhost")
    with globex:
        # Tokens are revoked, views dropped and calls ended by their own person.
        for model in (ApiToken, SavedView):
            own = model._default_manager.filter(pk=foreign_rows[model].pk)
            own.update(user=globex_cast.admin)
        Session.objects.filter(pk=foreign_rows[Session].pk).update(person=globex_cast.admin)
        said_in = Message.objects.get(pk=foreign_rows[Message].pk).conversation_id
        own_threads = Conversation.objects.filter(pk__in=[foreign_rows[Conversation].pk, said_in])
        own_threads.update(person=globex_cast.admin)
        client.force_login(globex_cast.admin)
    answers: dict[Route, set[int]] = {route: set() for route in WITH_ROW}
    # Reading comes first: what a write does to stored files is not rolled back.
    for method in METHODS:
        for route in WITH_ROW:
            with transaction.atomic():
                answer = send(client, method, address_of(route, foreign_rows))
                answers[route].add(answer.status_code)
                transaction.set_rollback(True)
    assert [route for route, statuses in answers.items() if statuses <= {404, 405}] == []


@pytest.fixture
def person_without_role(cast: Cast) -> User:
    """Somebody of the team whose role was taken away."""
    person = UserFactory(username="norole", team=cast.team)
    person.groups.clear()
    return person


def is_sent_to_admin_sign_in(answer: HttpResponseBase) -> bool:
    """Who is no staff is asked by the admin to sign in as somebody else."""
    to = answer.headers.get("Location", "")
    return answer.status_code == 302 and to.startswith("/admin/login/?next=")


def own_rows(person: User) -> dict[Model, models.Model]:
    """A row of each kind that is the person's own, wherever a kind can be somebody's."""
    rows = {model: make() for model, make in MAKERS.items()}
    for model, row in rows.items():
        changes: dict[str, Any] = {}
        if isinstance(row, Record):
            changes = {"owner": person, "source": SOURCE, "external_id": EXTERNAL_ID}
        elif isinstance(row, Suggestion):
            changes = {"assignee": person}
        elif isinstance(row, (ApiToken, SavedView)):
            changes = {"user": person}
        elif isinstance(row, Session):
            changes = {"person": person}
        if changes:
            model._default_manager.filter(pk=row.pk).update(**changes)
    return rows


def test_a_person_without_a_role_reaches_only_what_is_listed(
    person_without_role: User, client_for: ClientFor
) -> None:
    """Every page, file and endpoint asks for the role, even where the row is the person's own."""
    rows = own_rows(person_without_role)
    client = client_for(person_without_role)
    reached = set()
    for route in walk_routes(TENANT_MAP):
        path = address_of(route, rows) if route in WITH_ROW else route.fill(key=TRIGGER)
        with transaction.atomic():
            answer = send(client, "GET", path)
            transaction.set_rollback(True)
        if answer.status_code == 200:
            reached.add(route.name)
    assert reached == set(OPEN_WITHOUT_ROLE)


def test_a_person_without_a_role_changes_nothing(
    person_without_role: User, client_for: ClientFor
) -> None:
    rows = own_rows(person_without_role)
    client = client_for(person_without_role)
    reached = {}
    routes = [r for r in walk_routes(TENANT_MAP) if r.name not in OWN_ACCOUNT]
    for route in routes:
        path = address_of(route, rows) if route in WITH_ROW else route.fill(key=TRIGGER)
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            with transaction.atomic():
                answer = send(client, method, path)
                transaction.set_rollback(True)
            is_refused = answer.status_code in {403, 404, 405} or is_sent_to_admin_sign_in(answer)
            if not is_refused:
                reached[method, route.name] = answer.status_code
    assert reached == {}


def fingerprint_of(schema: str) -> dict[str, str]:
    """A digest of the content of each table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
        digests = {}
        for (table,) in cursor.fetchall():
            cursor.execute(
                f"SELECT md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')) "
                f'FROM "{schema}"."{table}" t'
            )
            digests[table] = cursor.fetchone()[0]
    return digests
