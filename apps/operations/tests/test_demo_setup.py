"""setup_demo: what it loads, what a second run does, and when it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Max, Q
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from apps.audit.schemas import Actor
from apps.conftest import owner_connection
from apps.crm.changelog import record_models
from apps.crm.models import Activity, ChangeLog, CustomField, ImportRun, Opportunity, Task
from apps.operations.demo import installing
from apps.operations.demo.aging import days_behind
from apps.operations.demo.exceptions import DemoRefusedError, ForeignTenantError
from apps.operations.demo.installing import DEMO_TENANTS, DemoTenant, install_demo
from apps.operations.demo.people import DEMO_PASSWORD
from apps.operations.demo.predicting import predict_demo
from apps.operations.demo.reporting import DemoReport
from apps.operations.demo.simulation.acme import TIME_ZONE, simulate_acme
from apps.operations.provisioning import create_tenant
from apps.predictions.enums import ModelState, Prediction
from apps.predictions.models import Forecast, Score, TrainedModel
from apps.suggestions.enums import State
from apps.suggestions.models import Suggestion
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.users.models import User

# A part of the deals; globex is small enough to be taken whole.
SHARE = 0.05
SEED = 4
SMALL_ACME = DemoTenant(
    "demoacme",
    "Small Acme",
    TIME_ZONE,
    "USD",
    lambda now: simulate_acme(now=now, seed=SEED, share=SHARE),
)
SMALL_GLOBEX = replace(DEMO_TENANTS[1], schema="demoglobex")
TENANTS = (SMALL_ACME, SMALL_GLOBEX)
COUNTED = ("product", "account", "contact", "opportunity", "lead", "activity", "task", "contract")


@pytest.fixture(scope="module")
def as_owner(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Really committed rows, by the owner's account, taken away afterwards."""
    with django_db_blocker.unblock(), owner_connection():
        remove_all()
        try:
            yield
        finally:
            remove_all()


@pytest.fixture(scope="module")
def now() -> datetime:
    """A fixed past moment: what lies after the real clock would not count as activity."""
    return datetime(2025, 3, 18, 15, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def first(as_owner: None, now: datetime) -> DemoReport:
    """The report of the first run."""
    return install_demo(now=now, say=lambda line: None, tenants=TENANTS)


def remove_all() -> None:
    tenant_connection().set_schema_to_public()
    for demo in TENANTS:
        installing._remove(demo)
    # Not by the ORM: it would look for the operator's executions, which the public schema has no table for.
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM users_user WHERE username = %s", [installing.OPERATOR])


@pytest.fixture
def acme(first: DemoReport) -> Iterator[Tenant]:
    """The small acme; the connection stands in its schema."""
    tenant_connection().set_schema_to_public()
    tenant = Tenant.objects.get(schema_name=SMALL_ACME.schema)
    tenant_connection().set_tenant(tenant)
    yield tenant
    tenant_connection().set_schema_to_public()


def counts() -> dict[str, int]:
    return {model.kind.value: model._default_manager.count() for model in record_models()}


def test_each_generated_row_becomes_one_record(first: DemoReport, now: datetime) -> None:
    for demo in TENANTS:
        world = demo.simulate(now)
        rows: tuple[Sequence[object], ...] = (
            *(world.products, world.accounts, world.contacts, world.deals),
            *(world.leads, world.activities, world.tasks, world.contracts),
        )
        expected = {kind: len(some) for kind, some in zip(COUNTED, rows, strict=True)}
        assert first.tenants[demo.schema].records == expected


def test_the_report_is_one_json_object_with_the_agreed_keys(first: DemoReport) -> None:
    report: dict[str, Any] = json.loads(json.dumps(first.as_json()))
    assert set(report) == {"tenants", "seconds", "logins"}
    assert list(report["tenants"]) == ["demoacme", "demoglobex"]
    for tenant in report["tenants"].values():
        assert set(tenant) == {"records", "signals", "suggestions"}
        assert set(tenant["suggestions"]) == {
            "create_followup", "create_lead", "update_contact", "update_task",
        }  # fmt: skip
        assert all(count > 0 for group in tenant.values() for count in group.values())
    assert all(seconds >= 0 for seconds in report["seconds"].values())


def test_predictions_are_shown_where_they_know_something_and_are_of_every_kind(
    first: DemoReport, now: datetime
) -> None:
    predict_demo(now=now, say=lambda line: None, tenants=[SMALL_GLOBEX])
    tenant_connection().set_tenant(Tenant.objects.get(schema_name=SMALL_GLOBEX.schema))
    states = dict(TrainedModel.objects.values_list("prediction", "state"))
    # No lead of globex became a customer: from that nothing can be learned.
    assert states[Prediction.LEAD_CONVERSION] == ModelState.UNPROVEN
    assert states[Prediction.DEAL_CLOSE] == ModelState.SERVING
    assert states[Prediction.RENEWAL_RISK] == ModelState.SERVING
    latest = Score.objects.filter(is_latest=True).values_list("prediction", flat=True)
    assert set(latest) == {
        Prediction.DEAL_CLOSE,
        Prediction.RENEWAL_RISK,
        Prediction.CONTACT_ENGAGEMENT,
    }
    assert Score.objects.values("scored_at").distinct().count() == 5
    days = set(Forecast.objects.of_company().values_list("made_on", flat=True))
    assert sorted(days) == [now.date() - timedelta(weeks=weeks) for weeks in (4, 3, 2, 1, 0)]
    tenant_connection().set_schema_to_public()


def test_logins_work_and_the_rep_has_something_of_every_tool(
    first: DemoReport, acme: Tenant
) -> None:
    found = [(login.role, login.url) for login in first.logins]
    acme_url = f"http://demoacme.localhost:{settings.PORT}/"
    globex_url = f"http://demoglobex.localhost:{settings.PORT}/"
    assert found == [
        *((role, acme_url) for role in ("rep", "manager", "admin")),
        *((role, globex_url) for role in ("rep", "manager", "admin")),
        ("operator", f"http://{settings.PUBLIC_HOST}:{settings.PORT}/"),
    ]
    for login in first.logins[:3]:
        user = User.objects.get(username=login.username)
        assert login.password == DEMO_PASSWORD
        assert user.check_password(login.password)
        assert list(user.groups.values_list("name", flat=True)) == [login.role]
    rep = User.objects.get(username=first.logins[0].username)
    tools = set(Suggestion.objects.filter(assignee=rep).values_list("tool", flat=True))
    assert tools == {"create_followup", "create_lead", "update_contact", "update_task"}
    tenant_connection().set_schema_to_public()
    operator = User.objects.get(username=installing.OPERATOR)
    assert (operator.is_superuser, operator.check_password(DEMO_PASSWORD)) == (True, True)


def test_deals_products_and_accounts_came_through_the_importer(acme: Tenant) -> None:
    runs = ImportRun.objects.values_list("record_kind", "source", "status", "rows_refused")
    assert sorted(runs) == [
        ("account", "maven", "finished", 0),
        ("opportunity", "maven", "finished", 0),
        ("product", "maven", "finished", 0),
    ]


def test_imported_deals_are_as_the_world_has_them(acme: Tenant, now: datetime) -> None:
    world = SMALL_ACME.simulate(now)
    wanted = {
        deal.key: (
            deal.name, deal.account or None, deal.owner, deal.stage, deal.amount, deal.opened_on,
            deal.expected_close_on, deal.closed_on, deal.stage_entered_at, deal.created_at,
            deal.contact,
        )
        for deal in world.deals
    }  # fmt: skip
    found = Opportunity.objects.values_list(
        "external_id", "name", "account__external_id", "owner__username", "stage__key", "amount",
        "opened_on", "expected_close_on", "closed_on", "stage_entered_at", "created_at",
        "contact__external_id",
    )  # fmt: skip
    assert {row[0]: row[1:] for row in found} == wanted


def test_the_database_has_derived_the_last_activity(acme: Tenant) -> None:
    latest = (
        Activity.objects.exclude(activity_kind="note")
        .exclude(opportunity=None)
        .values_list("opportunity")
        .annotate(at=Max("occurred_at"))
    )
    kept = Opportunity.objects.exclude(last_activity_at=None).values_list("pk", "last_activity_at")
    assert dict(kept) == dict(latest)


def test_history_is_dated_backfilled_and_ends_at_the_present_revision(
    acme: Tenant, now: datetime
) -> None:
    assert set(ChangeLog.objects.values_list("backfilled", flat=True)) == {True}
    assert ChangeLog.objects.filter(changed_at__gt=now).count() == 0
    for deal in Opportunity.objects.order_by("?")[:40]:
        history = list(ChangeLog.objects.of_record("opportunity", deal.pk).order_by("changed_at"))
        assert history[0].operation == "created"
        assert history[0].changed_at == deal.created_at
        assert deal.revision == len(history)
        assert all(row.actor_id and row.actor_name for row in history)
        stages = [row.changes["stage_id"][1] for row in history if "stage_id" in row.changes]
        assert stages[-1:] in ([], [deal.stage_id])


def test_each_custom_field_of_globex_is_a_typed_choice(first: DemoReport) -> None:
    with Tenant.objects.get(schema_name=SMALL_GLOBEX.schema):
        fields = CustomField.objects.filter(record_kind="opportunity")
        assert set(fields.values_list("field_type", flat=True)) == {"choice"}
        keys = set(fields.values_list("key", flat=True))
        assert len(keys) == 22
        assert {frozenset(d.attributes) for d in Opportunity.objects.all()} == {frozenset(keys)}
        assert set(Opportunity.objects.values_list("currency", flat=True)) == {"EUR"}


def test_a_run_on_the_same_day_changes_nothing(
    first: DemoReport, acme: Tenant, now: datetime
) -> None:
    before = (counts(), ChangeLog.objects.count(), latest_activity())
    later = now + timedelta(hours=6)
    report = install_demo(now=later, say=lambda line: None, tenants=TENANTS)
    tenant_connection().set_tenant(acme)
    assert (counts(), ChangeLog.objects.count(), latest_activity()) == before
    assert {schema: found.records for schema, found in report.tenants.items()} == {
        schema: found.records for schema, found in first.tenants.items()
    }


def test_a_later_run_moves_the_dates_by_whole_days_and_nothing_else(
    first: DemoReport, acme: Tenant, now: datetime
) -> None:
    before = snapshot()
    counted = (counts(), ChangeLog.objects.count())
    # By whole weeks, so that working days are the same days and the triggers find the same.
    later = now + timedelta(days=7)
    report = install_demo(now=later, say=lambda line: None, tenants=TENANTS)
    tenant_connection().set_tenant(acme)
    assert (counts(), ChangeLog.objects.count()) == counted
    after = snapshot()
    # What the hours of the run before took out of a window of days is back in it.
    after["queued"] = {pk: after["queued"][pk] for pk in before["queued"]}
    assert after == moved(before, timedelta(days=7))
    assert report.tenants["demoacme"].signals == first.tenants["demoacme"].signals
    assert report.tenants["demoacme"].suggestions == first.tenants["demoacme"].suggestions
    # The waiting suggestions were brought up to date: what they quote has moved as well.
    overdue = Suggestion.objects.filter(state=State.PENDING, tool="update_task")
    for suggestion in overdue:
        task = Task.objects.get(pk=suggestion.record_id)
        assert task.due_on is not None
        values = suggestion.before_values[f"task:{task.pk}"]
        assert values.get("due_on", task.due_on.isoformat()) == task.due_on.isoformat()
    assert overdue.exists()


def latest_activity() -> datetime:
    latest = Activity.objects.latest("occurred_at")
    return latest.occurred_at


def snapshot() -> dict[str, Any]:
    """Dated columns of every sort, to be compared after the shift."""
    return {
        "activities": dict(Activity.objects.values_list("pk", "occurred_at")),
        "created": dict(Opportunity.objects.values_list("pk", "created_at")),
        "expected": dict(Opportunity.objects.values_list("pk", "expected_close_on")),
        "entered": dict(Opportunity.objects.values_list("pk", "stage_entered_at")),
        "quiet": dict(Opportunity.objects.values_list("pk", "last_activity_at")),
        "due": dict(Task.objects.values_list("pk", "due_on")),
        "changed": dict(ChangeLog.objects.values_list("pk", "changed_at")),
        "revisions": set(Opportunity.objects.values_list("pk", "revision")),
        "slips": {
            pk: [datetime.fromisoformat(day).date() for day in changes["expected_close_on"]]
            for pk, changes in ChangeLog.objects.filter(
                changes__has_key="expected_close_on"
            ).values_list("pk", "changes")
            if None not in changes["expected_close_on"]
        },
        "queued": dict(
            Suggestion.objects.filter(~Q(queued_at=None)).values_list("pk", "queued_at")
        ),
    }


def moved(before: dict[str, Any], shift: timedelta) -> dict[str, Any]:
    after: dict[str, Any] = {}
    for name, values in before.items():
        if name == "revisions":
            after[name] = values
        elif name == "slips":
            after[name] = {pk: [day + shift for day in days] for pk, days in values.items()}
        else:
            after[name] = {pk: value and value + shift for pk, value in values.items()}
    return after


def test_a_note_in_the_marker_tells_whole_days_only() -> None:
    as_of = datetime(2026, 3, 1, 22, 0, tzinfo=UTC)
    assert days_behind(as_of, as_of + timedelta(hours=23, minutes=59)) == 0
    assert days_behind(as_of, as_of + timedelta(days=2)) == 2
    # A clock that was put back moves nothing.
    assert days_behind(as_of, as_of - timedelta(days=2)) == 0


def test_a_tenant_that_the_demo_did_not_make_is_not_touched(as_owner: None) -> None:
    foreign = replace(SMALL_ACME, schema="demoforeign", name="Foreign")
    tenant = create_tenant(
        schema="demoforeign",
        name="Foreign",
        host="demoforeign.localhost",
        actor=Actor.for_system("tests"),
    )
    try:
        with tenant:
            User.objects.create(username="somebody")
        for fresh in (False, True):
            with pytest.raises(ForeignTenantError):
                install_demo(
                    now=timezone.now(), say=lambda line: None, fresh=fresh, tenants=(foreign,)
                )
        with tenant:
            assert list(User.objects.values_list("username", flat=True)) == ["somebody"]
            assert Activity.objects.count() == 0
    finally:
        tenant_connection().set_schema_to_public()
        installing._remove(foreign)


def test_a_production_system_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "IS_PRODUCTION", True)
    with pytest.raises(DemoRefusedError):
        install_demo(now=timezone.now(), say=lambda line: None)
    with pytest.raises(CommandError, match="not set up when AISHA_ENV=production"):
        call_command("setup_demo", "--json")


def test_a_failed_load_leaves_an_empty_tenant_that_the_next_run_fills(as_owner: None) -> None:
    def break_off(now: datetime) -> Any:
        raise KeyboardInterrupt

    broken = replace(SMALL_ACME, schema="demobroken", simulate=break_off)
    try:
        with pytest.raises(KeyboardInterrupt):
            install_demo(now=timezone.now(), say=lambda line: None, tenants=(broken,))
        tenant_connection().set_schema_to_public()
        whole = replace(broken, simulate=lambda now: simulate_acme(now=now, seed=1, share=0.01))
        report = install_demo(now=timezone.now(), say=lambda line: None, tenants=(whole,))
        assert report.tenants["demobroken"].records["product"] == 7
    finally:
        tenant_connection().set_schema_to_public()
        installing._remove(broken)


def test_the_command_prints_json_alone_on_standard_output(
    as_owner: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = replace(
        SMALL_ACME,
        schema="demotiny",
        simulate=lambda now: simulate_acme(now=now, seed=1, share=0.01),
    )
    monkeypatch.setattr(installing, "DEMO_TENANTS", (tiny,))
    out, errors = StringIO(), StringIO()
    try:
        call_command("setup_demo", "--json", "--fresh", stdout=out, stderr=errors)
    finally:
        tenant_connection().set_schema_to_public()
        installing._remove(tiny)
    report = json.loads(out.getvalue())
    assert report["tenants"]["demotiny"]["records"]["product"] == 7
    stages = [line.partition(": ")[0] for line in errors.getvalue().splitlines()]
    assert set(stages) == {"operator", "demotiny"}
    assert all(line.endswith(" s") for line in errors.getvalue().splitlines())
