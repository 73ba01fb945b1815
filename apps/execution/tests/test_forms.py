"""The edit form: made from a tool's schema, judged by it, and back to the same arguments."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django import forms
from django.utils import timezone

from apps.conftest import Cast
from apps.crm.models import Stage
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.execution.forms import ArgumentsForm
from apps.execution.schemas import JsonValue
from apps.execution.tests.cases import VALID
from apps.execution.tools import registry
from apps.users.tests.factories import UserFactory


def form_of(
    tool: str, arguments: dict[str, JsonValue], cast: Cast, data: dict[str, str] | None = None
) -> ArgumentsForm:
    return ArgumentsForm(data, tool=registry.get(tool), arguments=arguments, viewer=cast.rep)


def as_sent(form: ArgumentsForm) -> dict[str, str]:
    """What a browser sends when nothing was touched."""
    sent = {}
    for field in form:
        value = field.value()
        shown: Any = field.field.prepare_value(value)
        if isinstance(field.field.widget, forms.DateInput | forms.DateTimeInput):
            shown = field.field.widget.format_value(shown)
        sent[field.html_name] = "" if shown is None else str(shown)
    return sent


def own_records(cast: Cast) -> dict[str, dict[str, JsonValue]]:
    """Arguments for every tool about records that the rep owns."""
    lead, contact = LeadFactory(owner=cast.rep), ContactFactory(owner=cast.rep)
    account, parent = AccountFactory(owner=cast.rep), AccountFactory(owner=cast.rep)
    deal, task = OpportunityFactory(owner=cast.rep), TaskFactory(owner=cast.rep)
    mail = ActivityFactory(owner=cast.rep, counterpart_address="ana@isdom.com")
    stage = Stage.objects.get(key="proposal")
    tomorrow = str(timezone.localdate() + timedelta(days=1))
    return {
        "create_followup": {**VALID["create_followup"], "subject_id": lead.pk, "about_id": lead.pk},
        "create_lead": {**VALID["create_lead"], "activity_id": mail.pk, "owner_id": cast.rep.pk},
        "create_task": {**VALID["create_task"], "subject_id": account.pk, "priority": 4},
        "draft_email": {
            **VALID["draft_email"],
            "subject_id": lead.pk,
            "to_address": lead.email,
            "owner_id": cast.rep.pk,
        },
        "log_activity": {**VALID["log_activity"], "subject_id": lead.pk, "body": "Two\nlines."},
        "merge_duplicates": {
            **VALID["merge_duplicates"],
            "survivor_id": contact.pk,
            "duplicate_id": lead.pk,
            "do_not_contact": True,
        },
        "update_account": {"account_id": account.pk, "sector": "Retail", "parent_id": parent.pk},
        "update_contact": {"contact_id": contact.pk, "phone": "1", "email_status": "bounced"},
        "update_lead": {"lead_id": lead.pk, "estimated_value": "4514.5", "currency": "USD"},
        "update_opportunity": {
            "opportunity_id": deal.pk,
            "stage_id": stage.pk,
            "expected_close_on": tomorrow,
            "owner_id": cast.teammate.pk,
        },
        "update_task": {"task_id": task.pk, "due_on": None, "status": "done"},
    }


@pytest.mark.parametrize("key", sorted(registry.keys()))
def test_what_is_left_alone_comes_back_as_it_was(cast: Cast, key: str) -> None:
    arguments = own_records(cast)[key]
    form = form_of(key, arguments, cast, as_sent(form_of(key, arguments, cast)))
    assert form.is_valid(), form.errors
    assert form.arguments() == arguments


@pytest.mark.parametrize("key", sorted(registry.keys()))
def test_which_record_is_meant_is_no_field(cast: Cast, key: str) -> None:
    form = form_of(key, own_records(cast)[key], cast)
    fixed = {"subject_kind", "subject_id", "about_kind", "about_id", "lead_id", "contact_id"}
    fixed |= {"account_id", "opportunity_id", "task_id", "activity_id"}
    fixed |= {"record_kind", "survivor_id", "duplicate_kind", "duplicate_id"}
    assert set(form.fields) & fixed == set()


def test_an_update_offers_what_it_changes_and_what_belongs_to_it(cast: Cast) -> None:
    own = own_records(cast)
    assert list(form_of("update_account", own["update_account"], cast).fields) == [
        "sector", "parent_id",
    ]  # fmt: skip
    contact = {"contact_id": own["update_contact"]["contact_id"], "email": "ana@isdom.com"}
    form = form_of("update_contact", contact, cast)
    assert list(form.fields) == ["email", "email_status"]
    # What was not proposed begins empty, and left empty it is not written.
    assert as_sent(form) == {"email": "ana@isdom.com", "email_status": ""}
    sent = form_of("update_contact", contact, cast, {"email": "bob@isdom.com", "email_status": ""})
    assert sent.is_valid()
    assert sent.arguments() == {**contact, "email": "bob@isdom.com"}


def test_fields_fit_what_they_hold(cast: Cast) -> None:
    own = own_records(cast)
    talk = form_of("log_activity", own["log_activity"], cast).fields
    assert {name: type(field.widget).__name__ for name, field in talk.items()} == {
        "activity_kind": "Select",
        "direction": "Select",
        "occurred_at": "DateTimeInput",
        "subject": "TextInput",
        "body": "Textarea",
        "owner_id": "Select",
    }
    assert talk["activity_kind"].choices == [  # type: ignore[attr-defined]
        ("call", "Call"), ("meeting", "Meeting"), ("email", "E-mail"), ("note", "Note"),
    ]  # fmt: skip
    assert (talk["subject"].label, talk["subject"].required, talk["body"].required) == (
        "Subject", True, False,
    )  # fmt: skip
    task = form_of("create_task", own["create_task"], cast).fields
    assert task["priority"].choices == [  # type: ignore[attr-defined]
        (1, "Low"), (2, "Normal"), (3, "High"), (4, "Urgent"),
    ]  # fmt: skip
    deal = form_of("update_opportunity", own["update_opportunity"], cast).fields
    stages = [label for value, label in deal["stage_id"].choices if value]  # type: ignore[attr-defined]
    assert stages == ["Prospecting", "Engaging", "Proposal", "Negotiation"]


def test_people_to_choose_from_are_those_one_may_give_to(cast: Cast) -> None:
    UserFactory(team=cast.team, is_active=False)
    form = form_of("create_task", own_records(cast)["create_task"], cast)
    people = {label for value, label in form.fields["owner_id"].choices if value}  # type: ignore[attr-defined]
    assert people == {cast.rep.display_name, cast.teammate.display_name}


def test_what_was_typed_becomes_arguments(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep)
    arguments: dict[str, JsonValue] = {
        "lead_id": lead.pk, "estimated_value": "100", "currency": "USD", "notes": "Old",
    }  # fmt: skip
    sent = {"estimated_value": "$ 4,514.5", "currency": "EUR", "notes": "  Two\r\nlines "}
    form = form_of("update_lead", arguments, cast, sent)
    assert form.is_valid(), form.errors
    assert form.arguments() == {
        "lead_id": lead.pk, "estimated_value": "4514.5", "currency": "EUR", "notes": "Two\nlines",
    }  # fmt: skip


def test_a_moment_is_typed_in_the_readers_zone(cast: Cast) -> None:
    arguments = own_records(cast)["log_activity"]
    with timezone.override("America/New_York"):
        sent = as_sent(form_of("log_activity", arguments, cast))
        assert sent["occurred_at"] == "2026-03-02T04:00"
        sent["occurred_at"] = "2026-03-02T05:30"
        form = form_of("log_activity", arguments, cast, sent)
        assert form.is_valid(), form.errors
    assert form.arguments()["occurred_at"] == "2026-03-02T10:30:00+00:00"


@pytest.mark.parametrize(
    ("key", "field", "value", "message"),
    [
        ("create_task", "title", "ab", "String should have at least 3 characters."),
        ("create_task", "title", "\u200b\u200b\u200b", "String should have at least 3 characters."),
        ("create_task", "due_on", "some day", "This is not a date."),
        ("create_lead", "email", "ana", "Not an e-mail address."),
        ("update_lead", "currency", "usd", "String should match pattern '^[A-Z]{3}$'."),
        ("update_lead", "estimated_value", "-1", "Input should be greater than or equal to 0."),
        ("update_contact", "phone", "1" * 51, "Ensure this value has at most 50 characters"),
        ("update_contact", "phone", "1\0", "Null characters are not allowed."),
        ("update_contact", "email_status", "gone", "Select a valid choice."),
        ("update_account", "parent_id", "Nobody Inc", "There is no account called"),
    ],
)
def test_what_is_wrong_stands_at_its_field(
    cast: Cast, key: str, field: str, value: str, message: str
) -> None:
    arguments = own_records(cast)[key]
    sent = {**as_sent(form_of(key, arguments, cast)), field: value}
    form = form_of(key, arguments, cast, sent)
    assert not form.is_valid()
    assert list(form.errors) == [field]
    assert str(form.errors[field][0]).startswith(message), form.errors


def test_rows_that_cannot_be_used_are_refused_at_their_field(cast: Cast) -> None:
    own = own_records(cast)
    arguments = own["update_opportunity"]
    sent = as_sent(form_of("update_opportunity", arguments, cast))
    won = Stage.objects.get(key="won")
    form = form_of("update_opportunity", arguments, cast, {**sent, "stage_id": str(won.pk)})
    assert str(form.errors["stage_id"][0]).startswith("Select a valid choice.")
    form = form_of(
        "update_opportunity", arguments, cast, {**sent, "owner_id": str(cast.outsider.pk)}
    )
    assert str(form.errors["owner_id"][0]).startswith("Select a valid choice.")
    # Who has left since the change was proposed still stands there, and is refused.
    cast.teammate.is_active = False
    cast.teammate.save()
    form = form_of("update_opportunity", arguments, cast, sent)
    assert form.errors == {
        "owner_id": ["This person has left, or is none to whom you may give records."]
    }
    past = {**sent, "owner_id": str(cast.rep.pk), "expected_close_on": "2020-01-01"}
    form = form_of("update_opportunity", arguments, cast, past)
    assert form.non_field_errors() == ["The close date of an open deal does not lie in the past."]


def test_an_amount_without_its_currency_is_refused(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep)
    arguments = {"lead_id": lead.pk, "estimated_value": "100", "currency": "USD"}
    form = form_of("update_lead", arguments, cast, {"estimated_value": "100", "currency": ""})
    assert form.errors == {"currency": ["This field is required."]}
