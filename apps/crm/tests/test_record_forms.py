"""Creating and editing records on pages."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import Cast
from apps.crm.enums import RecordKind
from apps.crm.models import Account, Activity, ChangeLog, Contact, Lead, Opportunity, Product, Task
from apps.crm.tests.factories import (
    AccountFactory,
    ContactFactory,
    CustomFieldFactory,
    LeadFactory,
    OpportunityFactory,
    ProductFactory,
    StageFactory,
    TaskFactory,
)
from apps.crm.tests.pages import OWNED_KINDS, make, sent, url, words
from apps.tenants.models import Tenant
from apps.users.tests.factories import UserFactory


def errors_of(answer: Any) -> dict[str, list[str]]:
    """The messages of a refused form, by field."""
    assert answer.status_code == 422
    return {
        name: [str(text) for text in texts] for name, texts in answer.context["form"].errors.items()
    }


def open_form(client: Any, kind: RecordKind | str, record_id: int | None = None) -> Any:
    """The unsent form of a page."""
    address = url(kind, "edit", record_id) if record_id else url(kind, "create")
    return client.get(address).context["form"]


@pytest.mark.parametrize("kind", list(RecordKind))
def test_a_form_sent_unchanged_changes_nothing(
    kind: RecordKind, cast: Cast, client_for: Any
) -> None:
    client, record = client_for(cast.admin), make(kind, owner=cast.rep)
    form = open_form(client, kind, record.pk)
    answer = client.post(url(kind, "edit", record.pk), sent(form))
    assert (answer.status_code, answer["Location"]) == (302, record.get_absolute_url())
    record.refresh_from_db()
    assert record.revision == 1


def test_a_lead_is_created_with_its_maker_as_owner(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.rep)
    form = open_form(client, "lead")
    data = sent(form, last_name="Lovelace", estimated_value="$ 1,234.50", currency="eur")
    answer = client.post(url("lead", "create"), data)
    lead = Lead.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, lead.get_absolute_url())
    assert (lead.owner, lead.estimated_value, lead.currency) == (
        cast.rep, Decimal("1234.50"), "EUR",
    )  # fmt: skip
    row = ChangeLog.objects.of_record("lead", lead.pk).get()
    assert (row.operation, row.actor_id, row.origin) == ("created", cast.rep.pk, "person")


def test_every_kind_can_be_created(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.admin)
    account = AccountFactory(name="Isdom")
    stage = StageFactory()
    for kind, typed in (
        ("lead", {"company": "Isdom"}),
        ("contact", {"email": "ada@engine.example", "account": "isdom"}),
        ("account", {"name": "Konex"}),
        ("opportunity", {"name": "GTX", "stage": stage.pk, "account": f"Isdom (#{account.pk})"}),
        ("activity", {"activity_kind": "call"}),
        ("task", {"title": "Call back"}),
        ("contract", {"name": "Support", "account": "Isdom"}),
        ("product", {"name": "GTX Pro"}),
    ):
        answer = client.post(url(kind, "create"), sent(open_form(client, kind), **typed))
        assert answer.status_code == 302, (kind, answer.context["form"].errors)
    assert Contact.objects.get().account == account
    assert Opportunity.objects.get().account == account
    assert (Activity.objects.get().owner, Product.objects.get().owner) == (cast.admin, cast.admin)


def test_a_link_fills_in_what_one_may_see(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.rep)
    mine, hidden = AccountFactory(name="Isdom"), AccountFactory(owner=cast.outsider)
    for account, shown in ((mine, f"Isdom (#{mine.pk})"), (hidden, None)):
        page = client.get(url("opportunity", "create"), {"account": account.pk})
        assert page.context["form"]["account"].value() == shown
    for text in ("abc", "9" * 40, "-1"):
        page = client.get(url("opportunity", "create"), {"account": text})
        assert page.context["form"]["account"].value() is None


@pytest.mark.parametrize(
    ("kind", "typed", "field", "message"),
    [
        ("lead", {}, "__all__", "Give at least one of: first name, last name, company, e-mail."),
        ("contact", {}, "__all__", "Give at least one of: first name, last name, e-mail."),
        ("lead", {"email": "nonsense"}, "email", "Enter a valid email address."),
        ("lead", {"company": "x", "estimated_value": "much"}, "estimated_value",
         "This is not an amount. Write 1234.56, 1,234.56 or 1.234,56."),
        ("lead", {"company": "x", "estimated_value": "9" * 14}, "estimated_value",
         "Ensure that there are no more than 14 digits in total."),
        ("lead", {"company": "x", "currency": "$"}, "currency",
         "Three capital letters, such as USD."),
        ("account", {"name": "x", "employees": "-1"}, "employees",
         "Ensure this value is greater than or equal to 0."),
        ("task", {}, "title", "This field is required."),
        ("task", {"title": "x", "due_on": "soon"}, "due_on",
         "This is not a date. Write 2026-12-31, 31.12.2026 or 12/31/2026."),
        ("task", {"title": "x", "lead": "Nobody at all"}, "lead",
         "There is no lead called “Nobody at all” that you may see."),
        ("contract", {"name": "x", "account": "Isdom", "starts_on": "2026-03-02",
                      "renews_on": "2026-03-01"}, "renews_on",
         "This is before the contract starts."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_the_field(
    kind: str, typed: dict[str, str], field: str, message: str, cast: Cast, client_for: Any
) -> None:
    AccountFactory(name="Isdom")
    client = client_for(cast.rep)
    answer = client.post(url(kind, "create"), sent(open_form(client, kind), **typed))
    assert errors_of(answer) == {field: [message]}
    for text in typed.values():
        assert f'value="{text}"' in answer.content.decode()


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("4514", "4514"), ("4,514.00", "4514"), ("4.514,50 €", "4514.50"), ("$ 1 234", "1234"),
        ("12,5", "12.50"), ("1,234", "1234"), ("1.234", "1.23"), ("1'234.5", "1234.50"),
    ],
)  # fmt: skip
def test_amounts_are_read_as_people_write_them(
    typed: str, amount: str, cast: Cast, client_for: Any
) -> None:
    client = client_for(cast.rep)
    form = open_form(client, "lead")
    client.post(url("lead", "create"), sent(form, company="x", estimated_value=typed))
    assert Lead.objects.get().estimated_value == Decimal(amount)


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("2026-03-12", date(2026, 3, 12)), ("12.3.2026", date(2026, 3, 12)),
        ("12 Mar 2026", date(2026, 3, 12)), ("3/12/2026", date(2026, 3, 12)), ("", None),
    ],
)  # fmt: skip
def test_days_are_read_as_people_write_them(
    typed: str, day: date | None, cast: Cast, client_for: Any
) -> None:
    client = client_for(cast.rep)
    client.post(url("task", "create"), sent(open_form(client, "task"), title="x", due_on=typed))
    assert Task.objects.get().due_on == day


def test_moments_are_those_of_the_persons_zone(cast: Cast, client_for: Any) -> None:
    cast.rep.time_zone = "America/New_York"
    cast.rep.save()
    client = client_for(cast.rep)
    form = open_form(client, "activity")
    data = sent(form, activity_kind="call", occurred_at="2026-03-02T09:30")
    client.post(url("activity", "create"), data)
    assert Activity.objects.get().occurred_at.isoformat() == "2026-03-02T14:30:00+00:00"


def test_custom_fields_are_stored_by_their_type(cast: Cast, client_for: Any) -> None:
    for key, field_type in (
        ("seats", "number"), ("price", "number"), ("pilot", "date"), ("nda", "boolean"),
        ("rival", "choice"), ("note", "text"), ("blank", "text"),
    ):  # fmt: skip
        CustomFieldFactory(key=key, field_type=field_type, choices=["Globex", "Initech"])
    client = client_for(cast.rep)
    data = sent(
        open_form(client, "lead"), company="x", custom_seats="1,200", custom_price="12.5",
        custom_pilot="2026-12-24", custom_nda="no", custom_rival="Globex", custom_note=" hi ",
    )  # fmt: skip
    assert client.post(url("lead", "create"), data).status_code == 302
    assert Lead.objects.get().attributes == {
        "seats": 1200, "price": 12.5, "pilot": "2026-12-24", "nda": False, "rival": "Globex",
        "note": "hi",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field_type", "typed", "message"),
    [
        ("number", "many", "This is not a number."),
        ("date", "31.2.2026", "This is not a day of the calendar."),
        ("boolean", "maybe", "Select a valid choice. maybe is not one of the available choices."),
        ("choice", "Hooli", "Select a valid choice. Hooli is not one of the available choices."),
        ("text", "x" * 5001, "Ensure this value has at most 5000 characters (it has 5001)."),
    ],
)
def test_custom_fields_are_validated_by_their_type(
    field_type: str, typed: str, message: str, cast: Cast, client_for: Any
) -> None:
    CustomFieldFactory(key="extra", field_type=field_type, choices=["Globex"])
    client = client_for(cast.rep)
    data = sent(open_form(client, "lead"), company="x", custom_extra=typed)
    assert errors_of(client.post(url("lead", "create"), data)) == {"custom_extra": [message]}
    assert not Lead.objects.exists()


def test_editing_keeps_custom_values_that_the_form_does_not_show(
    cast: Cast, client_for: Any
) -> None:
    CustomFieldFactory(key="seats", field_type="number")
    CustomFieldFactory(key="rival", field_type="choice", choices=["Globex"])
    CustomFieldFactory(key="old", is_active=False)
    kept = {"old": "kept", "imported": [1, 2], "rival": "No longer a choice"}
    lead = LeadFactory(attributes={"seats": 40, **kept})
    client = client_for(cast.rep)
    data = sent(open_form(client, "lead", lead.pk), custom_seats="")
    assert client.post(url("lead", "edit", lead.pk), data).status_code == 302
    lead.refresh_from_db()
    assert lead.attributes == kept


def test_a_rep_gives_records_to_themselves_their_team_or_nobody(
    cast: Cast, client_for: Any
) -> None:
    gone = UserFactory(team=cast.team, is_active=False)
    client, lead = client_for(cast.rep), LeadFactory(owner=cast.rep)
    form = open_form(client, "lead", lead.pk)
    offered = {owner.pk for owner in form.fields["owner"].queryset}
    assert offered == {cast.rep.pk, cast.teammate.pk}
    for refused in (cast.outsider, gone):
        answer = client.post(url("lead", "edit", lead.pk), sent(form, owner=refused.pk))
        assert list(errors_of(answer)) == ["owner"]
    assert client.post(url("lead", "edit", lead.pk), sent(form, owner="")).status_code == 302
    lead.refresh_from_db()
    assert lead.owner is None


def test_a_manager_gives_records_to_anybody_at_work(cast: Cast, client_for: Any) -> None:
    client, lead = client_for(cast.manager), LeadFactory(owner=cast.rep)
    data = sent(open_form(client, "lead", lead.pk), owner=cast.outsider.pk)
    assert client.post(url("lead", "edit", lead.pk), data).status_code == 302
    lead.refresh_from_db()
    assert lead.owner == cast.outsider


def test_an_owner_who_has_left_may_stay(cast: Cast, client_for: Any) -> None:
    gone = UserFactory(team=cast.team, is_active=False)
    client, lead = client_for(cast.rep), LeadFactory(owner=gone)
    data = sent(open_form(client, "lead", lead.pk), notes="called")
    assert client.post(url("lead", "edit", lead.pk), data).status_code == 302
    lead.refresh_from_db()
    assert (lead.owner, lead.notes) == (gone, "called")


def test_references_name_only_what_one_may_see(cast: Cast, globex: Tenant, client_for: Any) -> None:
    hidden = AccountFactory(name="Hidden", owner=cast.outsider)
    with globex:
        foreign = AccountFactory(name="Foreign", pk=hidden.pk + 1000)
    client = client_for(cast.rep)
    form = open_form(client, "contact")
    for typed in ("Hidden", f"Hidden (#{hidden.pk})", f"Foreign (#{foreign.pk})", f"(#{10**17})"):
        answer = client.post(url("contact", "create"), sent(form, last_name="x", account=typed))
        assert list(errors_of(answer)) == ["account"]
        assert "that you may see" in errors_of(answer)["account"][0]


def test_a_reference_that_one_may_not_see_may_stay(cast: Cast, client_for: Any) -> None:
    hidden = AccountFactory(name="Hidden", owner=cast.outsider)
    client, deal = client_for(cast.rep), OpportunityFactory(account=hidden, owner=cast.rep)
    data = sent(open_form(client, "opportunity", deal.pk), next_step="Call")
    assert client.post(url("opportunity", "edit", deal.pk), data).status_code == 302
    deal.refresh_from_db()
    assert (deal.account, deal.next_step) == (hidden, "Call")


def test_a_name_that_means_several_records_is_asked_back(cast: Cast, client_for: Any) -> None:
    first, second = AccountFactory(name="Isdom"), AccountFactory(name="Isdom")
    AccountFactory(name="Isdom Holding")
    client = client_for(cast.rep)
    form = open_form(client, "contact")
    answer = client.post(url("contact", "create"), sent(form, last_name="x", account="isdom"))
    assert errors_of(answer)["account"] == [
        f"Which one? Write one of: Isdom (#{first.pk}), Isdom (#{second.pk})."
    ]


def test_part_of_a_name_is_enough_where_it_means_one_record(cast: Cast, client_for: Any) -> None:
    account = AccountFactory(name="Isdom Holding")
    client = client_for(cast.rep)
    data = sent(open_form(client, "contact"), last_name="x", account="isdom hold")
    assert client.post(url("contact", "create"), data).status_code == 302
    assert Contact.objects.get().account == account


def test_an_account_is_not_its_own_parent(cast: Cast, client_for: Any) -> None:
    account = AccountFactory(name="Isdom")
    client = client_for(cast.rep)
    data = sent(open_form(client, "account", account.pk), parent="Isdom")
    answer = client.post(url("account", "edit", account.pk), data)
    assert errors_of(answer) == {"parent": ["An account is not its own parent."]}
    AccountFactory(name="Isdom Süd", parent=account)
    answer = client.post(url("account", "edit", account.pk), data | {"parent": "Isdom Süd"})
    assert errors_of(answer) == {"parent": ["An account is not its own parent."]}
    assert Account.objects.get(pk=account.pk).parent is None


@pytest.mark.parametrize("kind", OWNED_KINDS)
def test_what_one_may_not_see_one_may_not_edit(
    kind: RecordKind, cast: Cast, client_for: Any
) -> None:
    client, hidden = client_for(cast.rep), make(kind, owner=cast.outsider)
    for answer in (
        client.get(url(kind, "edit", hidden.pk)),
        client.post(url(kind, "edit", hidden.pk), {"revision": 1}),
    ):
        assert answer.status_code == 404
    hidden.refresh_from_db()
    assert hidden.revision == 1


def test_a_rep_may_not_change_the_price_list(cast: Cast, client_for: Any) -> None:
    client, product = client_for(cast.rep), ProductFactory(price=550)
    for answer in (
        client.get(url("product", "edit", product.pk)),
        client.post(url("product", "edit", product.pk), {"name": "x", "price": "1"}),
        client.get(url("product", "create")),
        client.post(url("product", "create"), {"name": "x"}),
    ):
        assert answer.status_code == 403
    product.refresh_from_db()
    assert (product.price, Product.objects.count()) == (Decimal(550), 1)


def test_a_refused_change_is_on_record(cast: Cast, client_for: Any) -> None:
    client_for(cast.rep).post(url("product", "create"), {"name": "x"})
    entry = AuditEntry.objects.get(event=Event.PERMISSION_REFUSED)
    assert (entry.actor_id, entry.record_kind) == (cast.rep.pk, "product")
    assert entry.details == {"permission": "crm.add_product"}


def test_finishing_a_task_in_its_form_dates_it(cast: Cast, client_for: Any) -> None:
    client, task = client_for(cast.rep), TaskFactory(owner=cast.rep)
    form = open_form(client, "task", task.pk)
    client.post(url("task", "edit", task.pk), sent(form, status="done"))
    task.refresh_from_db()
    assert task.completed_at is not None
    form = open_form(client, "task", task.pk)
    client.post(url("task", "edit", task.pk), sent(form, status="open"))
    task.refresh_from_db()
    assert task.completed_at is None


def test_winning_a_deal_dates_it_unless_a_day_is_given(cast: Cast, client_for: Any) -> None:
    client, won = client_for(cast.rep), StageFactory(key="won")
    for typed, is_given in (({}, False), ({"closed_on": "2026-03-02"}, True)):
        deal = OpportunityFactory(owner=cast.rep)
        form = open_form(client, "opportunity", deal.pk)
        client.post(url("opportunity", "edit", deal.pk), sent(form, stage=won.pk, **typed))
        deal.refresh_from_db()
        assert deal.outcome == "won"
        assert deal.closed_on is not None
        assert (deal.closed_on == date(2026, 3, 2)) is is_given


@pytest.mark.parametrize(
    ("target", "leads_to"),
    [
        ("/deals/", "/deals/"),
        ("https://evil.example/", None),
        ("//evil.example/", None),
        ("/\\evil.example", None),
        ("javascript:alert(1)", None),
    ],
)
def test_after_saving_one_stays_on_this_host(
    target: str, leads_to: str | None, cast: Cast, client_for: Any
) -> None:
    client, lead = client_for(cast.rep), LeadFactory()
    data = sent(open_form(client, "lead", lead.pk), next=target)
    answer = client.post(url("lead", "edit", lead.pk), data)
    assert answer["Location"] == (leads_to or lead.get_absolute_url())


def test_records_are_not_deleted_here(cast: Cast, client_for: Any) -> None:
    client, lead = client_for(cast.admin), LeadFactory()
    assert client.delete(lead.get_absolute_url()).status_code == 405
    assert client.post(url("lead", "edit", lead.pk) + "delete/").status_code == 404
    assert "Delete" not in words(client.get(url("lead", "edit", lead.pk)))


def test_a_contacts_form_keeps_its_references_apart(cast: Cast, client_for: Any) -> None:
    account = AccountFactory(name="Isdom")
    contact = ContactFactory(account=account, owner=cast.rep)
    client = client_for(cast.rep)
    data = sent(open_form(client, "contact", contact.pk), account="")
    assert client.post(url("contact", "edit", contact.pk), data).status_code == 302
    contact.refresh_from_db()
    assert contact.account is None
