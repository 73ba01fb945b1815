"""The operator's admin on the public host, its front page and its sign-in."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django_celery_beat.models import PeriodicTask

from apps.audit.models import AuditEntry
from apps.conftest import PASSWORD, TenantClient
from apps.operations.tests.admin_rows import make_periodic_task, make_tenant
from apps.tenants.connections import tenant_connection
from apps.tenants.enums import Module
from apps.tenants.models import Domain, ModuleGate, Tenant
from apps.tenants.services import is_module_on
from apps.users.models import User
from apps.users.sign_in import MOST_TRIES_PER_NAME_AND_ADDRESS

TENANTS = "/admin/tenants/tenant/"
DOMAINS = "/admin/tenants/domain/"


@pytest.fixture
def operator(acme: Tenant) -> User:
    """An operator; the connection stands in the public schema."""
    tenant_connection().set_schema_to_public()
    return User.objects.create_superuser("root", first_name="Olu", password=PASSWORD)


@pytest.fixture
def client(operator: User) -> TenantClient:
    client = TenantClient("localhost")
    client.force_login(operator)
    return client


def tenant_form(tenant: Tenant, **changes: Any) -> dict[str, Any]:
    gates = list(ModuleGate.objects.filter(tenant=tenant).order_by("pk"))
    values: dict[str, Any] = {
        "name": tenant.name,
        "is_enabled": "on",
        "time_zone": tenant.time_zone,
        "currency": tenant.currency,
        "suggestions_per_day": tenant.suggestions_per_day,
        "silence_days": tenant.silence_days,
        "undo_days": tenant.undo_days,
        "module_gates-TOTAL_FORMS": len(gates),
        "module_gates-INITIAL_FORMS": len(gates),
    }
    for place, gate in enumerate(gates):
        prefix = f"module_gates-{place}-"
        values |= {f"{prefix}id": gate.pk, f"{prefix}tenant": tenant.pk}
        values |= {f"{prefix}module": gate.module}
        values |= {f"{prefix}is_on": "on"} if gate.is_on else {}
    return {name: value for name, value in (values | changes).items() if value is not None}


def last_entry() -> AuditEntry:
    entry = AuditEntry.objects.filter(event="settings.changed").first()
    assert entry is not None
    return entry


def test_limits_are_changed_and_stand_in_the_public_log(
    client: TenantClient, operator: User, acme: Tenant
) -> None:
    posted = tenant_form(acme, name="Acme Works", suggestions_per_day=20)
    response = client.post(f"{TENANTS}{acme.pk}/change/", posted)
    assert (response.status_code, response.headers["Location"]) == (302, TENANTS)
    acme.refresh_from_db()
    assert (acme.name, acme.suggestions_per_day) == ("Acme Works", 20)
    assert connection.schema_name == "public"  # type: ignore[attr-defined]
    entry = last_entry()
    assert (entry.actor_id, entry.actor_name) == (operator.pk, "Olu")
    assert entry.details["fields"] == ["name", "suggestions_per_day"]
    assert (entry.details["schema"], entry.details["suggestions_per_day"]) == ("acme", 20)
    with acme:
        assert AuditEntry.objects.filter(event="settings.changed").count() == 0


def test_a_module_is_switched_off(client: TenantClient, acme: Tenant) -> None:
    assert is_module_on(acme, Module.TRIGGERS)
    gates = list(ModuleGate.objects.filter(tenant=acme).order_by("pk"))
    place = [gate.module for gate in gates].index(Module.TRIGGERS)
    posted = tenant_form(acme, **{f"module_gates-{place}-is_on": None})
    client.post(f"{TENANTS}{acme.pk}/change/", posted)
    assert not is_module_on(acme, Module.TRIGGERS)
    assert is_module_on(acme, Module.SUGGESTIONS)
    assert last_entry().details["fields"] == ["modulegate.is_on"]
    assert last_entry().details["modules"] == {
        "assistant": True,
        "duplicates": True,
        "predictions": True,
        "realtime": True,
        "suggestions": True,
        "triggers": False,
    }


def test_a_tenant_that_is_switched_off_looks_like_an_unknown_host(
    client: TenantClient, acme: Tenant
) -> None:
    client.post(f"{TENANTS}{acme.pk}/change/", tenant_form(acme, is_enabled=None))
    assert TenantClient("acme.localhost").get("/sign-in/").status_code == 404


def test_the_operators_own_host_cannot_be_switched_off(client: TenantClient) -> None:
    public = Tenant.objects.get(schema_name="public")
    client.post(f"{TENANTS}{public.pk}/change/", tenant_form(public, is_enabled=None))
    public.refresh_from_db()
    assert public.is_enabled
    assert client.get("/admin/").status_code == 200


def test_tenants_are_neither_made_nor_deleted_here(client: TenantClient, acme: Tenant) -> None:
    posted = {**tenant_form(acme), "schema_name": "other"}
    assert client.post(f"{TENANTS}add/", posted).status_code == 403
    assert client.post(f"{TENANTS}{acme.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post(f"{TENANTS}{acme.pk}/change/", posted)
    acme.refresh_from_db()
    assert acme.schema_name == "acme"


@pytest.mark.parametrize("host", ["under_score.example.com", "-a.example.com", "a b", "a..b", ""])
def test_a_host_name_that_no_browser_sends_is_refused(
    host: str, client: TenantClient, acme: Tenant
) -> None:
    response = client.post(f"{DOMAINS}add/", {"domain": host, "tenant": acme.pk})
    assert list(response.context["adminform"].form.errors) == ["domain"]


def test_a_second_host_name_leads_to_the_tenant_and_can_go_again(
    client: TenantClient, acme: Tenant
) -> None:
    client.post(f"{DOMAINS}add/", {"domain": "CRM.Example.com", "tenant": acme.pk})
    second = Domain.objects.get(domain="crm.example.com")
    assert TenantClient("crm.example.com").get("/sign-in/").status_code == 200
    tenant_connection().set_schema_to_public()
    primary = Domain.objects.get(domain="acme.localhost")
    assert primary.is_primary
    assert client.post(f"{DOMAINS}{primary.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post(f"{DOMAINS}{second.pk}/delete/", {"post": "yes"})
    assert not Domain.objects.filter(pk=second.pk).exists()
    assert (last_entry().details["change"], last_entry().details["domain"]) == (
        "deleted",
        "crm.example.com",
    )


def test_a_task_is_paused_and_its_interval_stays(client: TenantClient) -> None:
    task = make_periodic_task()
    interval = task.interval_id
    address = f"/admin/django_celery_beat/periodictask/{task.pk}/change/"
    client.post(address, {"task": "other", "interval": "", "crontab": ""})
    task = PeriodicTask.objects.get(pk=task.pk)
    assert (task.enabled, task.task, task.interval_id) == (
        False,
        "triggers.scan_all_tenants",
        interval,
    )
    assert last_entry().details["enabled"] is False


def test_a_new_operator_may_do_everything_here(client: TenantClient) -> None:
    posted = {
        "username": "second",
        "usable_password": "true",
        "password1": "a rather long secret 7",
        "password2": "a rather long secret 7",
    }
    client.post("/admin/users/user/add/", posted)
    second = User.objects.get(username="second")
    assert (second.is_staff, second.is_superuser) == (True, True)
    make_tenant()
    other = TenantClient("localhost")
    other.force_login(second)
    assert other.get(TENANTS).status_code == 200


def test_signing_in_and_out_is_on_record(operator: User) -> None:
    client = TenantClient("localhost")
    assert client.get("/admin/").headers["Location"] == "/admin/login/?next=/admin/"
    posted = {"username": "root", "password": PASSWORD}
    assert client.post("/admin/login/", posted).headers["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/logout/").status_code == 405
    assert client.post("/admin/logout/").headers["Location"] == "/"
    assert client.get("/admin/").status_code == 302
    events = AuditEntry.objects.filter(event__startswith="person.").order_by("id")
    assert list(events.values_list("event", "actor_id")) == [
        ("person.signed_in", operator.pk),
        ("person.signed_out", operator.pk),
    ]


def test_signing_in_goes_on_to_the_page_that_was_asked_for(operator: User) -> None:
    client = TenantClient("localhost")
    asked = client.get(DOMAINS).headers["Location"]
    assert asked == f"/admin/login/?next={DOMAINS}"
    posted = {"username": "root", "password": PASSWORD}
    assert client.post(asked, posted).headers["Location"] == DOMAINS


def test_guessing_an_operators_password_is_throttled(operator: User) -> None:
    client = TenantClient("localhost")
    posted = {"username": "root", "password": "wrong"}
    for _ in range(MOST_TRIES_PER_NAME_AND_ADDRESS):
        assert client.post("/admin/login/", posted).status_code == 200
    response = client.post("/admin/login/", {**posted, "password": PASSWORD})
    assert response.status_code == 200
    assert client.get("/admin/").status_code == 302
    failed = AuditEntry.objects.filter(event="person.sign_in_failed").order_by("id")
    throttled = [entry.details.get("throttled", False) for entry in failed]
    assert throttled == [False] * MOST_TRIES_PER_NAME_AND_ADDRESS + [True]


def test_an_operator_is_nobody_in_a_tenant(client: TenantClient) -> None:
    response = client.get("/admin/", HTTP_HOST="acme.localhost")
    assert (response.status_code, response.headers["Location"]) == (302, "/sign-in/?next=/admin/")


def test_the_front_page_is_open_and_names_no_tenant(acme: Tenant) -> None:
    response = TenantClient("localhost").get("/")
    assert response.status_code == 200
    assert "AiSHA notices what needs doing" in response.content.decode()
    assert "acme" not in response.content.decode().lower()
