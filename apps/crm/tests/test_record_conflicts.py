"""Two people change one record."""

from __future__ import annotations

import threading
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from apps.audit.schemas import Actor
from apps.audit.services import acting
from apps.conftest import Cast
from apps.crm.exceptions import RecordChangedError
from apps.crm.models import ChangeLog, Lead, Opportunity
from apps.crm.services import RecordValues, change_record
from apps.crm.tests.factories import (
    AccountFactory,
    CustomFieldFactory,
    LeadFactory,
    OpportunityFactory,
    StageFactory,
)
from apps.crm.tests.pages import sent, url, words
from apps.tenants.models import Tenant
from apps.users.models import User
from apps.users.tests.factories import UserFactory


def change_meanwhile(record: Opportunity, person: User, **fields: Any) -> None:
    """Somebody else changes the record while a form is open."""
    with acting(Actor.for_person(person)):
        Opportunity.objects.filter(pk=record.pk).update(**fields)


def plain(text: str) -> str:
    """The text with ordinary spaces: sums are written with one that does not break."""
    return text.replace("\u00a0", " ")


@pytest.fixture
def deal(cast: Cast) -> Opportunity:
    """A deal that a form is opened for."""
    CustomFieldFactory(record_kind="opportunity", key="seats", label="Seats", field_type="number")
    CustomFieldFactory(record_kind="opportunity", key="rival", label="Rival")
    made: Opportunity = OpportunityFactory(
        name="Isdom GTX",
        account=AccountFactory(name="Isdom"),
        owner=cast.rep,
        amount=Decimal("550.00"),
        expected_close_on=date(2026, 3, 1),
        attributes={"seats": 40, "rival": "Globex"},
    )
    return made


def test_a_record_that_changed_is_not_overwritten(
    cast: Cast, deal: Opportunity, client_for: Any
) -> None:
    client, address = client_for(cast.rep), url("opportunity", "edit", deal.pk)
    form = client.get(address).context["form"]
    change_meanwhile(deal, cast.teammate, amount=Decimal("600.00"))
    answer = client.post(address, sent(form, amount="700"))
    assert answer.status_code == 409
    deal.refresh_from_db()
    assert (deal.amount, deal.revision) == (Decimal("600.00"), 2)


def test_the_page_tells_what_who_and_keeps_what_was_typed(
    cast: Cast, deal: Opportunity, client_for: Any
) -> None:
    client, address = client_for(cast.rep), url("opportunity", "edit", deal.pk)
    form = client.get(address).context["form"]
    konex, proposal = AccountFactory(name="Konex"), StageFactory(key="proposal")
    change_meanwhile(deal, cast.teammate, amount=Decimal("600.00"), account=konex)
    change_meanwhile(
        deal, cast.manager, stage=proposal, attributes={"seats": 55, "rival": "Globex"}
    )
    answer = client.post(address, sent(form, amount="700", next_step="Call", custom_seats="60"))
    rows = {
        row.label: (plain(row.theirs), plain(row.mine), row.who, row.is_contested)
        for row in answer.context["conflict"].rows
    }
    manager = cast.manager.display_name
    assert rows == {
        "Amount": ("600 $", "700 $", "Tom Mate", True),
        "Account": ("Konex", "", "Tom Mate", False),
        "Stage": ("Proposal", "", manager, False),
        "Seats": ("55", "60", manager, True),
    }
    # What was typed stays, what was left alone is theirs, and the revision is the present one.
    boxes = {
        name: answer.context["form"][name].value()
        for name in ("amount", "account", "stage", "next_step", "custom_seats", "revision")
    }
    assert boxes == {
        "amount": "700", "account": f"Konex (#{konex.pk})", "stage": str(proposal.pk),
        "next_step": "Call", "custom_seats": "60", "revision": "3",
    }  # fmt: skip
    text = words(answer)
    assert "This deal changed while you had it open. Nothing has been saved yet." in text
    assert "Save anyway" in text


def test_saving_anyway_writes_what_was_typed_over_the_present_state(
    cast: Cast, deal: Opportunity, client_for: Any
) -> None:
    client, address = client_for(cast.rep), url("opportunity", "edit", deal.pk)
    form = client.get(address).context["form"]
    change_meanwhile(deal, cast.teammate, amount=Decimal("600.00"), next_step="Wait")
    conflict = client.post(address, sent(form, amount="700"))
    answer = client.post(address, sent(conflict.context["form"], take_amount="mine"))
    assert (answer.status_code, answer["Location"]) == (302, deal.get_absolute_url())
    deal.refresh_from_db()
    assert (deal.amount, deal.next_step, deal.revision) == (Decimal("700.00"), "Wait", 3)
    row = ChangeLog.objects.of_record("opportunity", deal.pk).first()
    assert row is not None
    assert (row.actor_id, row.changes) == (cast.rep.pk, {"amount": [600.0, 700.0]})


def test_theirs_can_be_taken_field_by_field(cast: Cast, deal: Opportunity, client_for: Any) -> None:
    client, address = client_for(cast.rep), url("opportunity", "edit", deal.pk)
    form = client.get(address).context["form"]
    change_meanwhile(
        deal, cast.teammate, amount=Decimal("600.00"), expected_close_on=date(2026, 4, 1),
        attributes={"seats": 55, "rival": "Globex"},
    )  # fmt: skip
    typed = sent(form, amount="700", expected_close_on="2026-05-01", custom_seats="60")
    conflict = client.post(address, typed)
    choices = {
        "take_amount": "theirs",
        "take_expected_close_on": "mine",
        "take_custom_seats": "theirs",
    }
    answer = client.post(address, sent(conflict.context["form"], **choices))
    assert answer.status_code == 302
    deal.refresh_from_db()
    assert (deal.amount, deal.expected_close_on, deal.attributes["seats"]) == (
        Decimal("600.00"), date(2026, 5, 1), 55,
    )  # fmt: skip


def test_a_change_in_another_field_is_told_and_nothing_is_asked(
    cast: Cast, deal: Opportunity, client_for: Any
) -> None:
    client, address = client_for(cast.rep), url("opportunity", "edit", deal.pk)
    form = client.get(address).context["form"]
    change_meanwhile(deal, cast.teammate, notes="Met at the fair.")
    answer = client.post(address, sent(form, amount="700"))
    assert answer.status_code == 409
    assert "The changes do not touch what you typed" in words(answer)
    assert 'type="radio"' not in answer.content.decode()
    assert client.post(address, sent(answer.context["form"])).status_code == 302
    deal.refresh_from_db()
    assert (deal.notes, deal.amount) == ("Met at the fair.", Decimal("700.00"))


def test_the_same_change_by_both_is_no_dispute(
    cast: Cast, deal: Opportunity, client_for: Any
) -> None:
    client, address = client_for(cast.rep), url("opportunity", "edit", deal.pk)
    form = client.get(address).context["form"]
    change_meanwhile(deal, cast.teammate, amount=Decimal("700.00"))
    answer = client.post(address, sent(form, amount="700"))
    (row,) = answer.context["conflict"].rows
    assert (row.is_contested, plain(row.theirs), plain(row.mine)) == (False, "700 $", "700 $")


def test_a_change_that_was_taken_back_leaves_nothing_to_choose(
    cast: Cast, deal: Opportunity, client_for: Any
) -> None:
    client, address = client_for(cast.rep), url("opportunity", "edit", deal.pk)
    form = client.get(address).context["form"]
    change_meanwhile(deal, cast.teammate, amount=Decimal("600.00"))
    change_meanwhile(deal, cast.teammate, amount=Decimal("550.00"))
    answer = client.post(address, sent(form, next_step="Call"))
    assert answer.status_code == 409
    assert not answer.context["conflict"].has_contested
    assert answer.context["form"]["amount"].value() == "550.00"


def test_ticks_can_be_disputed_too(cast: Cast, client_for: Any) -> None:
    lead = LeadFactory(do_not_contact=False, owner=cast.rep)
    client, address = client_for(cast.rep), url("lead", "edit", lead.pk)
    form = client.get(address).context["form"]
    with acting(Actor.for_person(cast.teammate)):
        Lead.objects.filter(pk=lead.pk).update(do_not_contact=True)
    answer = client.post(address, sent(form, notes="x"))
    assert answer.context["form"]["do_not_contact"].value() is True
    client.post(address, sent(answer.context["form"]))
    lead.refresh_from_db()
    assert (lead.do_not_contact, lead.notes) == (True, "x")


def test_a_second_change_meanwhile_is_a_second_conflict(
    cast: Cast, deal: Opportunity, client_for: Any
) -> None:
    client, address = client_for(cast.rep), url("opportunity", "edit", deal.pk)
    form = client.get(address).context["form"]
    change_meanwhile(deal, cast.teammate, amount=Decimal("600.00"))
    first = client.post(address, sent(form, amount="700"))
    change_meanwhile(deal, cast.manager, amount=Decimal("650.00"))
    second = client.post(address, sent(first.context["form"], take_amount="mine"))
    assert second.status_code == 409
    (row,) = second.context["conflict"].rows
    assert (plain(row.theirs), plain(row.mine)) == ("650 $", "700 $")


def test_derived_columns_are_no_conflict(cast: Cast, deal: Opportunity, client_for: Any) -> None:
    client, address = client_for(cast.rep), url("opportunity", "edit", deal.pk)
    form = client.get(address).context["form"]
    Opportunity.objects.filter(pk=deal.pk).update(last_activity_at=deal.created_at)
    assert client.post(address, sent(form, amount="700")).status_code == 302


@pytest.mark.parametrize("revision", [None, "0", "-1", "abc", "999"])
def test_a_form_without_a_true_revision_writes_nothing(
    revision: str | None, cast: Cast, deal: Opportunity, client_for: Any
) -> None:
    client, address = client_for(cast.rep), url("opportunity", "edit", deal.pk)
    form = client.get(address).context["form"]
    answer = client.post(address, sent(form, amount="700", revision=revision))
    assert answer.status_code in {409, 422}
    deal.refresh_from_db()
    assert deal.amount == Decimal("550.00")


def test_a_record_that_went_out_of_sight_meanwhile_is_gone(
    cast: Cast, deal: Opportunity, client_for: Any
) -> None:
    client, address = client_for(cast.rep), url("opportunity", "edit", deal.pk)
    form = client.get(address).context["form"]
    change_meanwhile(deal, cast.manager, owner=cast.outsider)
    assert client.post(address, sent(form, amount="700")).status_code == 404


def test_of_many_at_once_with_one_revision_one_writes(committed_tenant: Tenant) -> None:
    people = [UserFactory() for _ in range(4)]
    lead = LeadFactory(notes="")
    barrier, outcomes = threading.Barrier(len(people)), []

    def write(person: User) -> None:
        connection.set_tenant(committed_tenant)  # type: ignore[attr-defined]
        values = RecordValues({"notes": person.username})
        barrier.wait()
        try:
            change_record(user=person, model=Lead, record_id=lead.pk, revision=1, values=values)
            outcomes.append("written")
        except RecordChangedError:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lead.refresh_from_db()
    assert sorted(outcomes) == ["refused", "refused", "refused", "written"]
    assert lead.revision == 2
