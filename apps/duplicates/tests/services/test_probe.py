"""What is told of like records while somebody waits: at once, with errors in typing, and of nobody unseen."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.conftest import ApiClient, Cast, TenantClient
from apps.crm.enums import RecordKind
from apps.crm.models import Contact, Lead
from apps.crm.tests.factories import AccountFactory, LeadFactory
from apps.duplicates.enums import Subject
from apps.duplicates.matching.fields import Field
from apps.duplicates.services.probe import look_alikes
from apps.duplicates.services.work import carry_out_run, request_run
from apps.duplicates.tests.pairs import add_people, add_twins
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant
from apps.users.models import User

pytestmark = pytest.mark.django_db

ClientFor = Callable[[User], TenantClient]
ApiFor = Callable[[User], ApiClient]

TYPED = {
    Field.GIVEN_NAME: "Katharina",
    Field.SURNAME: "Wittenbach",
    Field.EMAIL: "k.wyttenbach@brunner-maschinen.ch",
}
POSTED = {
    "first_name": "Katharina", "last_name": "Wittenbach", "status": "new", "currency": "USD",
    "email": "k.wyttenbach@brunner-maschinen.ch",
}  # fmt: skip


def look(subject: Subject = Subject.PERSON) -> None:
    carry_out_run(request_run(subject), now=timezone.now())


def test_who_was_typed_in_a_moment_ago_is_found(cast: Cast) -> None:
    add_people(60)
    look()
    contact, lead = add_twins()
    found = look_alikes(TYPED, RecordKind.LEAD, cast.rep)
    assert {like.record for like in found.named} == {contact, lead}
    assert found.unseen == 0
    assert "e-mail the same" in found.named[0].words


def test_before_the_first_look_there_is_an_answer_too(cast: Cast) -> None:
    contact, lead = add_twins()
    found = look_alikes(TYPED, RecordKind.CONTACT, cast.rep)
    assert {like.record for like in found.named} == {contact, lead}


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        (("伟芳", "王"), ("Weifang", "Wang")),
        (("伟芳", "王"), ("Wang", "Weifang")),
        (("Wei-Fang", "Wang"), ("王", "伟芳")),
        (("محمد", "الحسن"), ("Mohamed", "El Hassan")),
        (("Youssef", "Khalil"), ("يوسف", "خليل")),
    ],
)
@pytest.mark.parametrize("is_recent", [True, False])
def test_a_name_in_another_script_is_found(
    cast: Cast, stored: tuple[str, str], typed: tuple[str, str], is_recent: bool
) -> None:
    """With the same telephone and company, and by keys as soon as they are written."""
    add_people(60)
    if is_recent:
        look()
    given, surname = stored
    known = {"company": "Brunner Maschinenbau", "phone": "+41 44 555 12 34", "email": ""}
    lead = LeadFactory(first_name=given, last_name=surname, **known)
    if not is_recent:
        look()
    row = {
        Field.GIVEN_NAME: typed[0],
        Field.SURNAME: typed[1],
        Field.PHONE: "044 555 12 34",
        Field.COMPANY: "Brunner Maschinenbau AG",
    }
    found = look_alikes(row, RecordKind.LEAD, cast.manager)
    assert [like.record for like in found.named] == [lead]


def test_what_one_may_not_see_is_counted_and_not_named(cast: Cast) -> None:
    add_people(60)
    contact, lead = add_twins()
    Contact.objects.filter(pk=contact.pk).update(owner=cast.outsider)
    look()
    found = look_alikes(TYPED, RecordKind.LEAD, cast.rep)
    assert ([like.record for like in found.named], found.unseen) == ([lead], 1)


def test_somebody_new_looks_like_nobody(cast: Cast) -> None:
    add_people(60)
    look()
    row = {Field.GIVEN_NAME: "Zebulon", Field.SURNAME: "Quist", Field.EMAIL: "zq@quist.dk"}
    assert not look_alikes(row, RecordKind.LEAD, cast.rep).is_any


def test_a_company_is_found_by_its_name_without_its_form(cast: Cast) -> None:
    for number in range(40):
        AccountFactory(name=f"Firm of street number {number}", website=f"firm{number}.ch")
    brunner = AccountFactory(name="Brunner Maschinenbau AG", website="brunner-maschinen.ch")
    look(Subject.COMPANY)
    row = {
        Field.COMPANY: "Brunner Maschinenbau",
        Field.WEBSITE: "https://www.brunner-maschinen.ch/",
    }
    found = look_alikes(row, RecordKind.ACCOUNT, cast.rep)
    assert [like.record for like in found.named] == [brunner]


def test_nineteen_of_twenty_typed_with_an_error_are_found(cast: Cast) -> None:
    choice = random.Random(8)
    people = add_people(200)
    look()
    found = 0
    for lead in people:
        row = mistyped(lead, choice)
        likes = look_alikes(row, RecordKind.LEAD, cast.manager).named
        found += lead.pk in {like.record.pk for like in likes}
    assert found >= 190


def mistyped(lead: Lead, choice: random.Random) -> dict[Field, str]:
    """Two letters exchanged in one of the names, and one of the other fields left out."""
    row = {
        Field.GIVEN_NAME: lead.first_name,
        Field.SURNAME: lead.last_name,
        Field.EMAIL: lead.email,
        Field.PHONE: lead.phone,
        Field.COMPANY: lead.company,
    }
    del row[choice.choice([Field.EMAIL, Field.PHONE, Field.COMPANY])]
    name = choice.choice([Field.GIVEN_NAME, Field.SURNAME])
    text, at = row[name], choice.randrange(len(row[name]) - 1)
    row[name] = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return row


# --- Where records are created


def posted(user: User, **more: str) -> dict[str, object]:
    return {**POSTED, "owner": user.pk, **more}


def test_the_form_shows_who_it_looks_like_and_whoever_insists_creates(
    cast: Cast, client_for: ClientFor
) -> None:
    contact, _ = add_twins()
    client, address = client_for(cast.rep), reverse("crm:lead_create")
    asked = client.post(address, posted(cast.rep))
    page = asked.content.decode()
    assert (asked.status_code, Lead.objects.count()) == (409, 1)
    assert f'href="{contact.get_absolute_url()}"' in page
    assert "Create anyway" in page
    created = client.post(address, posted(cast.rep, create_anyway="yes"))
    assert (created.status_code, Lead.objects.count()) == (302, 2)


def test_the_admin_warns_too_and_whoever_insists_creates_anyway(
    cast: Cast, client_for: ClientFor
) -> None:
    contact, _ = add_twins()
    client, address = client_for(cast.manager), "/admin/crm/lead/add/"
    asked = client.post(address, posted(cast.rep))
    page = asked.content.decode()
    assert list(asked.context["adminform"].form.errors) == ["__all__"]
    assert f'href="{contact.get_absolute_url()}"' in page
    assert 'name="create_anyway"' in page
    assert Lead.objects.count() == 1
    assert client.post(address, posted(cast.rep, create_anyway="yes")).status_code == 302
    assert Lead.objects.count() == 2


def test_nobody_is_told_of_what_they_may_not_see(cast: Cast, client_for: ClientFor) -> None:
    contact, lead = add_twins()
    for record in (contact, lead):
        type(record).objects.filter(pk=record.pk).update(owner=cast.outsider)
    page = client_for(cast.rep).post(reverse("crm:lead_create"), posted(cast.rep)).content.decode()
    assert "This looks like a record that you may not see" in page
    assert "Wyttenbach</a>" not in page


def test_switched_off_nobody_is_warned(cast: Cast, acme: Tenant, client_for: ClientFor) -> None:
    add_twins()
    ModuleGate.objects.filter(tenant=acme, module=Module.DUPLICATES).update(is_on=False)
    created = client_for(cast.rep).post(reverse("crm:lead_create"), posted(cast.rep))
    assert created.status_code == 302


def test_a_program_may_ask_before_it_writes(cast: Cast, api_for: ApiFor) -> None:
    contact, lead = add_twins()
    client = api_for(cast.rep)
    asked = client.send("POST", "/api/v1/leads/?probe=true", POSTED)
    answer = asked.json()
    assert (asked.status_code, answer["code"], answer["unseen"]) == (409, "look_alikes", 0)
    assert {(like["kind"], like["id"]) for like in answer["look_alikes"]} == {
        ("contact", contact.pk),
        ("lead", lead.pk),
    }
    folder = "/api/v1/leads/by-external-id/erp/7/"
    put = client.send("PUT", f"{folder}?probe=true", POSTED)
    assert (put.status_code, put.json()["look_alikes"]) == (409, answer["look_alikes"])
    assert client.send("PUT", f"{folder}?prob=true", POSTED).status_code == 400
    assert client.send("POST", "/api/v1/leads/?prob=true", POSTED).status_code == 400
    assert Lead.objects.count() == 1
    assert client.send("PUT", folder, POSTED).status_code == 201
    # What is there already is changed, whatever it looks like.
    assert client.send("PUT", f"{folder}?probe=true", POSTED).status_code == 200
    assert client.send("POST", "/api/v1/leads/", POSTED).status_code == 201
    assert client.send("POST", "/api/v1/leads/?probe=perhaps", POSTED).status_code == 400
