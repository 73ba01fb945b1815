"""Settings of triggers and silences in the admin: checked, and on record with who and what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.conftest import Cast, TenantClient
from apps.crm.tests.factories import LeadFactory
from apps.triggers.enums import ScanKind
from apps.triggers.models import Scan, Signal, Silence, TriggerSetting
from apps.triggers.rules import registry
from apps.triggers.services import scan_now
from apps.triggers.settings import change_setting
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]

SETTINGS = "/admin/triggers/triggersetting/"
SILENCES = "/admin/triggers/silence/"


def tomorrow() -> dict[str, str]:
    moment = timezone.localtime() + timedelta(days=1)
    return {"until_0": moment.strftime("%Y-%m-%d"), "until_1": moment.strftime("%H:%M:%S")}


def make_setting(client: TenantClient) -> TriggerSetting:
    response = client.post(f"{SETTINGS}add/", {"trigger": "lead_inactive"})
    setting = TriggerSetting.objects.get()
    assert response.headers["Location"] == f"{SETTINGS}{setting.pk}/change/"
    return setting


def parameters(**values: int) -> dict[str, Any]:
    return {f"parameter_{name}": value for name, value in values.items()}


def test_parameters_are_set_and_a_scan_uses_them(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.manager)
    setting = make_setting(client)
    posted = parameters(silent_days=3, past_reviving_days=90)
    client.post(f"{SETTINGS}{setting.pk}/change/", {"is_enabled": "on", **posted})
    setting.refresh_from_db()
    assert setting.parameters == {"silent_days": 3, "past_reviving_days": 90}
    assert setting.changed_by == cast.manager
    LeadFactory(owner=cast.rep, created_at=timezone.now() - timedelta(days=5))
    scan_now(kind=ScanKind.FULL, now=timezone.now())
    assert Signal.objects.firing().count() == 1


def test_a_change_is_on_record_with_both_editions(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.manager)
    setting = make_setting(client)
    posted = parameters(silent_days=3, past_reviving_days=120)
    client.post(f"{SETTINGS}{setting.pk}/change/", posted)
    changed = AuditEntry.objects.get(event="settings.changed")
    assert (changed.actor_id, changed.actor_name) == (cast.manager.pk, cast.manager.display_name)
    assert changed.details == {
        "trigger": "lead_inactive",
        "before": {
            "is_enabled": True,
            "parameters": {"silent_days": 14, "past_reviving_days": 120},
        },
        "after": {
            "is_enabled": False,
            "parameters": {"silent_days": 3, "past_reviving_days": 120},
        },
    }
    assert Scan.objects.get().triggers == ["lead_inactive"]


def test_a_form_opened_before_somebody_elses_change_is_not_saved(
    cast: Cast, client_for: ClientFor
) -> None:
    client = client_for(cast.manager)
    setting = make_setting(client)
    change_setting(
        user=cast.admin, key="lead_inactive", now=timezone.now(), parameters={"silent_days": 21}
    )
    posted = {"is_enabled": "on", **parameters(silent_days=3, past_reviving_days=90)}
    answer = client.post(f"{SETTINGS}{setting.pk}/change/", {"revision_read": 0, **posted})
    assert answer.status_code == 200
    form = answer.context["adminform"].form
    assert "Somebody changed this meanwhile" in form.non_field_errors()[0]
    assert form["parameter_silent_days"].value() == "3"
    setting.refresh_from_db()
    assert (setting.parameters["silent_days"], setting.revision) == (21, 1)


def test_saving_without_a_change_leaves_no_entry(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.manager)
    setting = make_setting(client)
    posted = {"is_enabled": "on", **parameters(silent_days=14, past_reviving_days=120)}
    client.post(f"{SETTINGS}{setting.pk}/change/", posted)
    entries = AuditEntry.objects.filter(event="settings.changed").count()
    client.post(f"{SETTINGS}{setting.pk}/change/", posted)
    assert AuditEntry.objects.filter(event="settings.changed").count() == entries


def test_a_parameter_out_of_bounds_is_refused_at_its_field(
    cast: Cast, client_for: ClientFor
) -> None:
    client = client_for(cast.manager)
    setting = make_setting(client)
    posted = {"is_enabled": "on", **parameters(silent_days=0, past_reviving_days=90)}
    response = client.post(f"{SETTINGS}{setting.pk}/change/", posted)
    assert response.status_code == 200
    errors = response.context["adminform"].form.errors
    assert list(errors) == ["parameter_silent_days"]
    setting.refresh_from_db()
    assert setting.parameters == {}


def test_a_trigger_has_one_setting(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.manager)
    make_setting(client)
    response = client.post(f"{SETTINGS}add/", {"trigger": "lead_inactive"})
    assert response.status_code == 200
    assert TriggerSetting.objects.count() == 1


def test_a_scans_page_shows_what_each_trigger_found(cast: Cast, client_for: ClientFor) -> None:
    LeadFactory(owner=cast.rep, created_at=timezone.now() - timedelta(days=30))
    scan = scan_now(kind=ScanKind.FULL, now=timezone.now())
    page = client_for(cast.manager).get(f"/admin/triggers/scan/{scan.pk}/change/")
    (results,) = page.context["inline_admin_formsets"]
    found = {form.original.trigger: form.original.fired for form in results if form.original}
    assert found["lead_inactive"] == 1
    assert len(found) == len(registry.all())


def test_a_manager_silences_and_lifts(cast: Cast, client_for: ClientFor) -> None:
    lead = LeadFactory()
    manager = client_for(cast.manager)
    posted = {"record_kind": "lead", "record_id": lead.pk, "reason": "On leave", **tomorrow()}
    manager.post(f"{SILENCES}add/", posted)
    silence = Silence.objects.get()
    assert (silence.record_id, silence.created_by, silence.reason) == (
        lead.pk,
        cast.manager,
        "On leave",
    )
    entry = AuditEntry.objects.get(event="silence.created")
    assert (entry.actor_id, entry.record_id) == (cast.manager.pk, lead.pk)

    assert manager.post(f"{SILENCES}{silence.pk}/change/", posted).status_code == 403
    rep = client_for(cast.rep)
    assert rep.post(f"{SILENCES}{silence.pk}/delete/", {"post": "yes"}).status_code == 302
    assert Silence.objects.count() == 1
    manager.post(f"{SILENCES}{silence.pk}/delete/", {"post": "yes"})
    assert Silence.objects.count() == 0
    lifted = AuditEntry.objects.filter(event="settings.changed").get()
    assert (lifted.actor_id, lifted.details["change"], lifted.details["id"]) == (
        cast.manager.pk,
        "deleted",
        silence.pk,
    )


def test_a_silence_needs_a_future_and_a_kind_with_its_id(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.manager)
    response = client.post(
        f"{SILENCES}add/", {"record_id": 5, "until_0": "2020-01-01", "until_1": "08:00:00"}
    )
    assert sorted(response.context["adminform"].form.errors) == ["record_kind", "until"]
    assert Silence.objects.count() == 0
