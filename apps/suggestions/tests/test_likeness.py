"""A suggestion that would make a lead tells what it looks like, before it is approved, and hinders nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apps.conftest import ApiClient, Cast, TenantClient
from apps.crm.models import Contact, Lead
from apps.crm.tests.factories import ActivityFactory, ContactFactory
from apps.suggestions.cards import token_of
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
ApiFor = Callable[[User], ApiClient]
KATHARINA = {"first_name": "Katharina", "last_name": "Wyttenbach"}


def known(owner: User) -> Contact:
    contact: Contact = ContactFactory(
        **KATHARINA, email="k.wyttenbach@brunner.ch", phone="+41 44 555 12 34", owner=owner
    )
    return contact


def taking_in(owner: User, **values: Any) -> Suggestion:
    """A suggestion to take in the sender of a mail that hangs on nothing."""
    sender = str(values.pop("email", "katharina@private.ch"))
    mail = ActivityFactory(owner=owner, counterpart_address=sender, direction="inbound")
    columns = ("lead_id", "contact_id", "account_id", "opportunity_id")
    guarded = {**dict.fromkeys(columns), "counterpart_address": sender}
    suggestion: Suggestion = SuggestionFactory(
        lead=None,
        assignee=owner,
        goal="take_in_sender",
        record_kind="activity",
        record_id=mail.pk,
        record_label="A mail",
        title=f"Take in {sender}",
        tool="create_lead",
        arguments={"activity_id": mail.pk, "email": sender, "owner_id": owner.pk, **values},
        guard_values={f"activity:{mail.pk}": guarded},
    )
    return suggestion


def test_it_is_told_with_the_way_there_and_hinders_nobody(
    cast: Cast, client_for: ClientFor, api_for: ApiFor
) -> None:
    contact = known(cast.rep)
    suggestion = taking_in(cast.rep, **KATHARINA, phone="044 555 12 34")
    page = client_for(cast.rep).get(suggestion.get_absolute_url()).content.decode()
    assert "The new record looks like what is here already." in page
    assert f'href="{contact.get_absolute_url()}"' in page
    address = f"/api/v1/suggestions/{suggestion.pk}/"
    told = api_for(cast.rep).get(address).json()["look_alikes"]
    (match,) = told["matches"]
    assert (match["kind"], match["id"], match["label"]) == ("contact", contact.pk, str(contact))
    assert (match["probability_0_1"] > 0.15, told["unseen"]) == (True, 0)
    edition = {"seen_at": suggestion.refreshed_at.isoformat()}
    approved = api_for(cast.rep).send("POST", f"{address}approve/", edition)
    assert (approved.status_code, Lead.objects.get().phone) == (200, "044 555 12 34")
    # What was made is like itself.
    assert api_for(cast.rep).get(address).json()["look_alikes"] == {"matches": [], "unseen": 0}


def test_nobody_is_told_of_what_they_may_not_see(
    cast: Cast, client_for: ClientFor, api_for: ApiFor
) -> None:
    contact = known(cast.outsider)
    suggestion = taking_in(cast.rep, **KATHARINA, phone="044 555 12 34")
    page = client_for(cast.rep).get(suggestion.get_absolute_url()).content.decode()
    assert "The new record looks like a record that you may not see." in page
    assert contact.get_absolute_url() not in page
    told = api_for(cast.rep).get(f"/api/v1/suggestions/{suggestion.pk}/").json()["look_alikes"]
    assert told == {"matches": [], "unseen": 1}


def test_the_admin_tells_it_too(cast: Cast, client_for: ClientFor) -> None:
    contact, suggestion = known(cast.rep), taking_in(cast.rep, **KATHARINA, phone="044 555 12 34")
    address = f"/admin/suggestions/suggestion/{suggestion.pk}/change/"
    page = client_for(cast.admin).get(address).content.decode()
    assert f'href="{contact.get_absolute_url()}"' in page


def test_switched_off_nothing_is_compared(cast: Cast, acme: Tenant, api_for: ApiFor) -> None:
    known(cast.rep)
    suggestion = taking_in(cast.rep, **KATHARINA, phone="044 555 12 34")
    ModuleGate.objects.filter(tenant=acme, module=Module.DUPLICATES).update(is_on=False)
    told = api_for(cast.rep).get(f"/api/v1/suggestions/{suggestion.pk}/").json()["look_alikes"]
    assert told == {"matches": [], "unseen": 0}


def test_an_edit_that_looks_like_somebody_is_approved_once_that_was_read(
    cast: Cast, client_for: ClientFor
) -> None:
    contact, suggestion = known(cast.rep), taking_in(cast.rep)
    client, address = client_for(cast.rep), f"/suggestions/{suggestion.pk}/edit/"
    typed = {
        **KATHARINA,
        "email": "katharina@private.ch",
        "phone": "044 555 12 34",
        "owner_id": str(cast.rep.pk),
        "approve": "on",
    }
    first = client.post(
        address, {**typed, "seen_at": suggestion.refreshed_at.isoformat()}, follow=True
    ).content.decode()
    assert "Saved, and not approved yet" in first
    assert f'href="{contact.get_absolute_url()}"' in first
    assert not Lead.objects.exists()
    suggestion.refresh_from_db()
    client.post(address, {**typed, "title": "CEO", "seen_at": suggestion.refreshed_at.isoformat()})
    assert Lead.objects.get().title == "CEO"


def test_of_many_it_is_told_which_look_like_what(cast: Cast, client_for: ClientFor) -> None:
    contact, hidden = known(cast.rep), known(cast.outsider)
    Contact.objects.filter(pk=hidden.pk).update(
        first_name="Aurelio", last_name="Fankhauser", email="a@f.ch", phone="+41 44 555 99 88"
    )
    others = [
        taking_in(cast.rep, **KATHARINA, phone="044 555 12 34"),
        taking_in(
            cast.rep, email="au@x.ch", first_name="Aurelio", last_name="Fankhauser",
            phone="044 555 99 88",
        ),
        taking_in(cast.rep, email="one@y.ch", first_name="Bettina", last_name="Zurbriggen"),
        taking_in(cast.rep, email="noor@z.ch", first_name="Noor", last_name="Okafor"),
    ]  # fmt: skip
    answer = client_for(cast.rep).post(
        "/suggestions/bulk/confirm/", {"items": [token_of(row) for row in others]}
    )
    likes = answer.context["confirmation"].likes
    assert [(line.suggestion, line.like.record if line.like else None) for line in likes.lines] == [
        (others[0], contact),
        (others[1], None),
    ]
    assert (likes.more, likes.looked_at, likes.of) == (0, 4, 4)
    page = answer.content.decode()
    assert f'href="{contact.get_absolute_url()}"' in page
    assert "Looks like a record that you may not see." in page
    assert hidden.get_absolute_url() not in page
