"""Records in the admin: written through their services, in the person's name, and never deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apps.audit.models import AuditEntry
from apps.conftest import Cast, TenantClient
from apps.crm.models import ChangeLog, CustomField, Lead, Stage
from apps.crm.tests.factories import AccountFactory, CustomFieldFactory, LeadFactory
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]

LEADS = "/admin/crm/lead/"


def form_of(client: TenantClient, address: str) -> dict[str, Any]:
    """What a browser would send back from the form at ``address``."""
    form = client.get(address).context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    return {
        name: "on" if value is True else value
        for name, value in values.items()
        if value not in (None, False)
    }


def test_a_change_names_the_person_in_the_change_log(cast: Cast, client_for: ClientFor) -> None:
    lead, client = LeadFactory(owner=cast.rep, company="Old Works"), client_for(cast.manager)
    address = f"{LEADS}{lead.pk}/change/"
    response = client.post(address, {**form_of(client, address), "company": "New Works"})
    assert (response.status_code, response.headers["Location"]) == (302, LEADS)
    lead.refresh_from_db()
    assert (lead.company, lead.revision, lead.owner) == ("New Works", 2, cast.rep)
    change = ChangeLog.objects.of_record("lead", lead.pk).filter(operation="changed").get()
    assert change.changes == {"company": ["Old Works", "New Works"]}
    assert (change.actor_id, change.actor_name) == (cast.manager.pk, cast.manager.display_name)


def test_a_new_record_names_the_person_too(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.manager)
    posted = {**form_of(client, f"{LEADS}add/"), "last_name": "Lovelace", "owner": cast.rep.pk}
    client.post(f"{LEADS}add/", posted)
    lead = Lead.objects.get(last_name="Lovelace")
    assert lead.owner == cast.rep
    created = ChangeLog.objects.of_record("lead", lead.pk).get()
    assert (created.operation, created.actor_id) == ("created", cast.manager.pk)


def test_a_change_meanwhile_is_shown_and_what_was_typed_is_kept(
    cast: Cast, client_for: ClientFor
) -> None:
    lead, client = LeadFactory(company="Old Works", title="Buyer"), client_for(cast.manager)
    address = f"{LEADS}{lead.pk}/change/"
    posted = {**form_of(client, address), "company": "Mine", "title": "Head of buying"}
    other = client_for(cast.admin)
    other.post(address, {**form_of(other, address), "company": "Theirs"})

    response = client.post(address, posted)
    form = response.context["adminform"].form
    assert response.status_code == 200
    assert sorted(form.errors) == ["__all__", "company"]
    assert cast.admin.display_name in form.errors["company"][0]
    assert (form["company"].value(), form["title"].value()) == ("Mine", "Head of buying")
    lead.refresh_from_db()
    assert (lead.company, lead.title) == ("Theirs", "Buyer")

    client.post(address, {**posted, "revision": form["revision"].value()})
    lead.refresh_from_db()
    assert (lead.company, lead.title) == ("Mine", "Head of buying")


def test_custom_fields_are_typed_in_the_form(cast: Cast, client_for: ClientFor) -> None:
    CustomFieldFactory(key="fleet", label="Fleet", field_type="number")
    lead, client = LeadFactory(), client_for(cast.manager)
    address = f"{LEADS}{lead.pk}/change/"
    refused = client.post(address, {**form_of(client, address), "custom_fleet": "many"})
    assert list(refused.context["adminform"].form.errors) == ["custom_fleet"]
    client.post(address, {**form_of(client, address), "custom_fleet": "12"})
    lead.refresh_from_db()
    assert lead.attributes == {"fleet": 12}


def test_a_reference_is_found_by_name(cast: Cast, client_for: ClientFor) -> None:
    account, client = AccountFactory(name="Isdom"), client_for(cast.manager)
    address = "/admin/crm/contact/add/"
    client.post(address, {**form_of(client, address), "last_name": "Ek", "account": "Isdom"})
    assert account.contacts.get().last_name == "Ek"


def test_search_is_that_of_the_pages(cast: Cast, client_for: ClientFor) -> None:
    found = LeadFactory(first_name="Grace", company="Harbour")
    LeadFactory(first_name="Grace", company="Elsewhere")
    response = client_for(cast.manager).get(f"{LEADS}?q=grace+harbour")
    assert [row.pk for row in response.context["cl"].result_list] == [found.pk]


def test_a_custom_field_keeps_its_key_and_a_choice_field_has_choices(
    cast: Cast, client_for: ClientFor
) -> None:
    client, folder = client_for(cast.admin), "/admin/crm/customfield/"
    posted = {
        "record_kind": "lead",
        "key": "size",
        "label": "Size",
        "field_type": "choice",
        "position": 1,
        "is_active": "on",
    }
    refused = client.post(f"{folder}add/", posted)
    assert list(refused.context["adminform"].form.errors) == ["choices"]
    client.post(f"{folder}add/", {**posted, "choices": "Small\r\n\r\nLarge\r\nSmall"})
    field = CustomField.objects.get()
    assert field.choices == ["Small", "Large"]
    client.post(
        f"{folder}{field.pk}/change/",
        {**posted, "key": "other", "label": "How large", "choices": "Small\r\nLarge"},
    )
    field.refresh_from_db()
    assert (field.key, field.label) == ("size", "How large")
    changed = AuditEntry.objects.filter(event="settings.changed").first()
    assert changed is not None
    assert changed.details == {
        "change": "changed",
        "model": "crm.customfield",
        "id": field.pk,
        "fields": ["label"],
        "record_kind": "lead",
        "key": "size",
    }


def test_a_stage_keeps_what_deals_rest_on(cast: Cast, client_for: ClientFor) -> None:
    stage = Stage.objects.get(key="won")
    client_for(cast.admin).post(
        f"/admin/crm/stage/{stage.pk}/change/",
        {"label": "Signed", "position": 9, "key": "other", "outcome": "open"},
    )
    stage.refresh_from_db()
    assert (stage.label, stage.position, stage.key, stage.outcome) == ("Signed", 9, "won", "won")
