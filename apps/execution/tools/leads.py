"""Tools that make leads."""

from __future__ import annotations

from typing import Annotated, Any

from django.db.models.functions import Lower
from pydantic import Field

from apps.crm.enums import RecordKind
from apps.crm.models import Activity, Lead, Record
from apps.execution.schemas import RecordRef
from apps.execution.tools.base import EmailText, RecordId, Tool, ToolArguments


class CreateLeadArguments(ToolArguments):
    """The message that came in, and the person who sent it."""

    activity_id: RecordId
    first_name: Annotated[str, Field(max_length=100)] = ""
    last_name: Annotated[str, Field(max_length=100)] = ""
    company: Annotated[str, Field(max_length=200)] = ""
    title: Annotated[str, Field(max_length=150)] = ""
    email: EmailText
    phone: Annotated[str, Field(max_length=50)] = ""
    lead_source: Annotated[str, Field(max_length=60)] = "Inbound e-mail"
    owner_id: RecordId | None = None


class CreateLead(Tool[CreateLeadArguments]):
    """Take in the unknown sender of a message as a lead."""

    key = "create_lead"
    label = "Create lead"
    arguments_type = CreateLeadArguments
    subject_kinds = frozenset({RecordKind.ACTIVITY})
    writes = RecordKind.LEAD
    is_creation = True
    allowed_fields = frozenset(
        {"first_name", "last_name", "company", "title", "email", "phone", "lead_source", "owner_id"}
    )
    guard_fields = {
        RecordKind.ACTIVITY: (
            "lead_id", "contact_id", "account_id", "opportunity_id", "counterpart_address",
        )
    }  # fmt: skip
    permission = "crm.add_lead"

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
        return (f"Messages from {arguments.email} are attached to the new lead.",)

    def finish(self, arguments: CreateLeadArguments, written: Record) -> None:
        """Attach every unmatched message of this address to the new lead."""
        assert isinstance(written, Lead)  # noqa: S101 - narrows the type
        (
            Activity.objects.matched_to_nothing()
            .alias(address=Lower("counterpart_address"))
            .filter(address=arguments.email.lower())
            .update(lead=written)
        )
