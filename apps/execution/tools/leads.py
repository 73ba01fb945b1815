"""Tools that make leads and change them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from django.db.models.functions import Lower
from pydantic import Field, model_validator

from apps.crm.enums import LeadStatus, RecordKind
from apps.crm.models import Activity, Lead, Record
from apps.execution.enums import Risk
from apps.execution.exceptions import ChangeNotPossibleError
from apps.execution.schemas import JsonValue, RecordRef
from apps.execution.tools.base import Tool, ToolArguments, UpdateTool
from apps.execution.tools.fields import (
    Amount,
    CurrencyCode,
    EmailText,
    OneLine,
    OwnerId,
    RecordId,
    require_both,
)
from apps.execution.tools.naming import require_called
from apps.execution.tools.references import require_owner, require_owner_back
from apps.users.models import User


class CreateLeadArguments(ToolArguments):
    """The message that came in, and the person who sent it."""

    activity_id: Annotated[RecordId, Field(description="The message from the unknown sender.")]
    first_name: Annotated[str, Field(max_length=100), OneLine] = ""
    last_name: Annotated[str, Field(max_length=100), OneLine] = ""
    company: Annotated[str, Field(max_length=200), OneLine] = ""
    title: Annotated[str, Field(max_length=150, description="What they are there."), OneLine] = ""
    email: Annotated[EmailText, Field(description="The address that the message came from.")]
    phone: Annotated[str, Field(max_length=50), OneLine] = ""
    lead_source: Annotated[str, Field(max_length=60), OneLine] = "Inbound e-mail"
    owner_id: Annotated[OwnerId | None, Field(description="Who is to look after it.")] = None


class CreateLead(Tool[CreateLeadArguments]):
    """Take in the unknown sender of a message as a lead."""

    key = "create_lead"
    label = "Create lead"
    arguments_type = CreateLeadArguments
    subject_kinds = frozenset({RecordKind.ACTIVITY})
    writes = {
        RecordKind.LEAD: frozenset(
            {"first_name", "last_name", "company", "title", "email", "phone"}
            | {"lead_source", "owner_id"}
        )
    }
    is_creation = True
    guard_fields = {
        RecordKind.ACTIVITY: (
            "lead_id", "contact_id", "account_id", "opportunity_id", "counterpart_address",
        )
    }  # fmt: skip
    risk = Risk.LOW
    consequences = "Messages from the same address that hang on no record are attached to the lead."
    undo_values = {"status": LeadStatus.UNQUALIFIED.value}

    def subject(self, arguments: CreateLeadArguments) -> RecordRef:
        """The message from the unknown sender."""
        return RecordRef(RecordKind.ACTIVITY, arguments.activity_id)

    def values(self, arguments: CreateLeadArguments) -> dict[str, Any]:
        """The new lead's fields."""
        return {
            name: getattr(arguments, name)
            for name in CreateLeadArguments.model_fields
            if name != "activity_id"
        }

    def side_effects(self, arguments: CreateLeadArguments) -> tuple[str, ...]:
        """The messages move to the lead."""
        return ("The messages of this sender are attached to the new lead.",)

    def check(self, arguments: CreateLeadArguments, approver: User) -> None:
        """The owner must still be here."""
        require_owner(arguments.owner_id, approver)

    def finish(self, arguments: CreateLeadArguments, written: Record) -> JsonValue:
        """Attach every unmatched message of the message's own sender; note which they were.

        The lead's address may have been corrected: whose messages these are says the message.
        """
        message = Activity.objects.filter(pk=arguments.activity_id)
        sender = message.values_list(Lower("counterpart_address"))
        unmatched = (
            Activity.objects.matched_to_nothing()
            .alias(address=Lower("counterpart_address"))
            .filter(address__in=sender)
        )
        attached = list(unmatched.select_for_update().order_by("pk").values_list("pk", flat=True))
        Activity.objects.filter(pk__in=attached).update(lead_id=written.pk)
        return {"attached_activities": attached}

    def attached(self, noted: JsonValue) -> tuple[RecordRef, ...]:
        """Those messages."""
        ids = noted.get("attached_activities", []) if isinstance(noted, dict) else []
        return tuple(RecordRef(RecordKind.ACTIVITY, activity_id) for activity_id in ids)

    def unfinish(self, written: Record, noted: JsonValue, returned: frozenset[str]) -> None:
        """Detach those messages; one that has moved to another record since stays there."""
        ids = [ref.id for ref in self.attached(noted)]
        Activity.objects.filter(pk__in=ids, lead_id=written.pk).update(lead_id=None)


class UpdateLeadArguments(ToolArguments):
    """The lead, and what to change; what is not given stays as it is.

    Converting a lead makes other records: a person does that.
    """

    lead_id: RecordId
    status: Literal["new", "working", "qualified", "unqualified"] = "new"
    first_name: Annotated[str, Field(max_length=100), OneLine] = ""
    last_name: Annotated[str, Field(max_length=100), OneLine] = ""
    company: Annotated[str, Field(max_length=200), OneLine] = ""
    title: Annotated[str, Field(max_length=150, description="What they are there."), OneLine] = ""
    email: EmailText = ""
    phone: Annotated[str, Field(max_length=50), OneLine] = ""
    estimated_value: Amount = Decimal(0)
    currency: CurrencyCode = ""
    owner_id: Annotated[OwnerId, Field(description="Who is to look after it from now on.")] = 0
    notes: Annotated[str, Field(max_length=5000, description="The whole text as it is to be.")] = ""

    @model_validator(mode="after")
    def _check_money(self) -> UpdateLeadArguments:
        require_both(self, "estimated_value")
        return self


class UpdateLead(UpdateTool[UpdateLeadArguments]):
    """Bring a lead up to date: its status, details, owner or value."""

    key = "update_lead"
    label = "Update lead"
    arguments_type = UpdateLeadArguments
    id_field = "lead_id"
    subject_kinds = frozenset({RecordKind.LEAD})
    writes = {
        RecordKind.LEAD: frozenset(
            {"status", "first_name", "last_name", "company", "title", "email", "phone", "owner_id"}
            | {"estimated_value", "currency", "notes"}
        )
    }
    guard_fields = {RecordKind.LEAD: ("status", "owner_id", "do_not_contact", "currency")}
    risk = Risk.LOW
    consequences = "Nothing else."
    together = (frozenset({"estimated_value", "currency"}),)

    def check(self, arguments: UpdateLeadArguments, approver: User) -> None:
        """A converted lead stays as it is; a new owner must be here, and something to call it by be left."""
        if Lead.objects.filter(pk=arguments.lead_id, status=LeadStatus.CONVERTED).exists():
            raise ChangeNotPossibleError("The lead has been converted; it stays as it is.")
        if "owner_id" in arguments.model_fields_set:
            require_owner(arguments.owner_id, approver)
        require_called(self.subject(arguments), self.values(arguments))

    def check_undo(self, record: Record, back: Mapping[str, JsonValue], approver: User) -> None:
        """A lead that has been converted since stays as it is."""
        if isinstance(record, Lead) and record.status == LeadStatus.CONVERTED:
            raise ChangeNotPossibleError("The lead has been converted; it stays as it is.")
        require_owner_back(back, approver)
