"""Arguments that were stored before their tool changed: what fits is kept, the rest is mended in the form."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from apps.conftest import Cast
from apps.crm.models import Record
from apps.crm.tests.factories import AccountFactory, ContactFactory, LeadFactory
from apps.execution.exceptions import InvalidArgumentsError
from apps.execution.forms import ArgumentsForm
from apps.execution.schemas import JsonValue, RecordRef
from apps.execution.tools import Tool, registry
from apps.execution.tools.base import ToolArguments
from apps.execution.tools.contacts import UpdateContact
from apps.execution.tools.fields import Fixed, OneLine, OwnerId, RecordId
from apps.execution.tools.tasks import CreateTask

SAID = (
    "What can be written here has changed since this was suggested."
    " Look at the fields that are marked, and save."
)


class GrownTaskArguments(ToolArguments):
    """The arguments of ``create_task`` in a later version: no priority, shorter titles, a description."""

    subject_kind: Annotated[Literal["lead", "contact", "account", "opportunity"], Fixed]
    subject_id: RecordId
    title: Annotated[str, Field(min_length=3, max_length=10), OneLine]
    description: Annotated[str, Field(min_length=5, max_length=2000)]
    due_on: date
    owner_id: OwnerId | None = None


class GrownTask(CreateTask):
    """Make a task."""

    arguments_type: Any = GrownTaskArguments

    def values(self, arguments: Any) -> dict[str, Any]:
        """The new task's fields."""
        return {
            "title": arguments.title,
            "description": arguments.description,
            "due_on": arguments.due_on,
            "owner_id": arguments.owner_id,
            f"{arguments.subject_kind}_id": arguments.subject_id,
        }


class GrownContactArguments(ToolArguments):
    """The arguments of ``update_contact`` in a later version: a phone is needed with every change."""

    contact_id: RecordId
    title: Annotated[str, Field(max_length=150), OneLine] = ""
    email_status: Literal["unknown", "valid"] = "unknown"
    phone: Annotated[str, Field(min_length=3, max_length=50), OneLine]


class GrownContact(UpdateContact):
    """Correct a contact's details."""

    arguments_type: Any = GrownContactArguments


class OtherRecordArguments(ToolArguments):
    """Arguments that name the record in another way."""

    lead_id: RecordId
    title: str


class OtherRecord(CreateTask):
    """Make a task."""

    arguments_type: Any = OtherRecordArguments

    def subject(self, arguments: Any) -> RecordRef:
        """The lead."""
        return RecordRef(Record.kind, arguments.lead_id)


def stored(cast: Cast, **changes: JsonValue) -> dict[str, JsonValue]:
    lead = LeadFactory(owner=cast.rep)
    return {
        "subject_kind": "lead",
        "subject_id": lead.pk,
        "title": "Send the price list",
        "due_on": "2026-03-03",
        "priority": 4,
        "owner_id": cast.rep.pk,
        **changes,
    }


def form_of(
    cast: Cast, tool: Tool[Any], arguments: dict[str, JsonValue], data: Any = None
) -> ArgumentsForm:
    return ArgumentsForm(data, tool=tool, arguments=arguments, viewer=cast.rep)


def test_what_fits_is_typed_and_what_does_not_is_named(cast: Cast) -> None:
    arguments = stored(cast)
    fitted = GrownTask().fit(arguments)
    assert fitted.values == {
        "subject_kind": "lead",
        "subject_id": arguments["subject_id"],
        "due_on": date(2026, 3, 3),
        "owner_id": cast.rep.pk,
    }
    assert sorted(problem.partition(":")[0] for problem in fitted.problems) == [
        "description", "priority", "title",
    ]  # fmt: skip
    whole = CreateTask().fit(arguments)
    assert (whole.problems, whole.values["priority"]) == ((), 4)


def test_the_form_opens_with_what_fits_and_marks_the_rest(cast: Cast) -> None:
    form = form_of(cast, GrownTask(), stored(cast))
    assert list(form.fields) == ["title", "description", "due_on", "owner_id"]
    assert form.initial == {
        # A text that is too long now is there to be shortened.
        "title": "Send the price list",
        "description": None,
        "due_on": date(2026, 3, 3),
        "owner_id": cast.rep.pk,
    }
    assert {name: list(errors) for name, errors in form.errors.items()} == {
        "__all__": [SAID, "“Priority” is no longer written, and left out."],
        "title": ["String should have at most 10 characters."],
        "description": ["Field required."],
    }


def test_saved_untouched_it_is_refused_and_mended_it_fits(cast: Cast) -> None:
    arguments = stored(cast)
    sent = {
        "title": "Send the price list",
        "description": "",
        "due_on": "2026-03-03",
        "owner_id": str(cast.rep.pk),
    }
    untouched = form_of(cast, GrownTask(), arguments, sent)
    assert not untouched.is_valid()
    assert set(untouched.errors) == {"title", "description"}
    mended = form_of(
        cast, GrownTask(), arguments, {**sent, "title": "Prices", "description": "By mail"}
    )
    assert mended.is_valid(), mended.errors
    assert mended.arguments() == {
        "subject_kind": "lead",
        "subject_id": arguments["subject_id"],
        "title": "Prices",
        "description": "By mail",
        "due_on": "2026-03-03",
        "owner_id": cast.rep.pk,
    }


def test_of_an_update_what_is_needed_now_is_asked_for(cast: Cast) -> None:
    contact = ContactFactory(owner=cast.rep)
    arguments: dict[str, JsonValue] = {"contact_id": contact.pk, "email_status": "bounced"}
    form = form_of(cast, GrownContact(), arguments)
    assert list(form.fields) == ["email_status", "phone"]
    assert form.initial == {"email_status": None, "phone": None}
    assert set(form.errors) == {"__all__", "email_status", "phone"}
    mended = form_of(
        cast, GrownContact(), arguments, {"email_status": "valid", "phone": "+1 555 0123"}
    )
    assert mended.is_valid(), mended.errors
    assert mended.arguments() == {
        "contact_id": contact.pk, "email_status": "valid", "phone": "+1 555 0123",
    }  # fmt: skip


def test_what_no_longer_fits_is_never_taken_for_another_value(cast: Cast) -> None:
    arguments = stored(cast, priority=9, due_on="soon")
    form = form_of(cast, CreateTask(), arguments)
    assert set(form.errors) == {"__all__", "priority", "due_on"}
    # No priority stands there until one is chosen; no day may be left out, and then there is none.
    assert '<option value="" selected>–</option>' in str(form["priority"])
    sent = {"title": "Send the price list", "owner_id": str(cast.rep.pk), "due_on": ""}
    unchosen = form_of(cast, CreateTask(), arguments, {**sent, "priority": ""})
    assert (unchosen.is_valid(), set(unchosen.errors)) == (False, {"priority"})
    mended = form_of(cast, CreateTask(), arguments, {**sent, "priority": "3"})
    assert mended.is_valid(), mended.errors
    assert mended.arguments() == {**arguments, "priority": 3, "due_on": None}


def test_a_record_that_the_person_does_not_see_is_not_named_in_the_form(cast: Cast) -> None:
    account = AccountFactory(owner=cast.rep)
    secret = AccountFactory(owner=cast.outsider, name="Umbrella Holding")
    arguments: dict[str, JsonValue] = {"account_id": account.pk, "parent_id": secret.pk}
    form = form_of(cast, registry.get("update_account"), arguments)
    assert (form.initial["parent_id"], "Umbrella" in str(form)) == (None, False)
    seen = ArgumentsForm(
        tool=registry.get("update_account"), arguments=arguments, viewer=cast.manager
    )
    assert "Umbrella Holding" in str(seen)


def test_arguments_that_fit_have_no_errors_before_they_are_sent(cast: Cast) -> None:
    form = form_of(cast, CreateTask(), stored(cast))
    assert (form.errors, form.is_valid()) == ({}, False)


def test_where_the_record_can_no_longer_be_told_there_is_no_form(cast: Cast) -> None:
    with pytest.raises(InvalidArgumentsError):
        form_of(cast, OtherRecord(), stored(cast))
    spoiled = stored(cast, subject_id="3")
    with pytest.raises(InvalidArgumentsError):
        form_of(cast, GrownTask(), spoiled)
