"""Tools that change contacts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from apps.crm.enums import RecordKind
from apps.execution.enums import Risk
from apps.execution.tools.base import ToolArguments, UpdateTool
from apps.execution.tools.fields import EmailText, OneLine, RecordId


class UpdateContactArguments(ToolArguments):
    """The contact, and the details to change; a detail that is not given stays as it is."""

    contact_id: RecordId
    title: Annotated[str, Field(max_length=150, description="What they are there."), OneLine] = ""
    email: EmailText = ""
    email_status: Literal["unknown", "valid", "bounced"] = "unknown"
    phone: Annotated[str, Field(max_length=50), OneLine] = ""


class UpdateContact(UpdateTool[UpdateContactArguments]):
    """Correct a contact's details."""

    key = "update_contact"
    label = "Update contact"
    arguments_type = UpdateContactArguments
    id_field = "contact_id"
    subject_kinds = frozenset({RecordKind.CONTACT})
    writes = {RecordKind.CONTACT: frozenset({"title", "email", "email_status", "phone"})}
    guard_fields = {RecordKind.CONTACT: ("do_not_contact",)}
    risk = Risk.LOW
    consequences = "Nothing else."
    # Whether an address works is said of that address.
    together = (frozenset({"email", "email_status"}),)

    def values(self, arguments: UpdateContactArguments) -> dict[str, Any]:
        """The given fields; of another address nothing is known until somebody has written to it."""
        values = super().values(arguments)
        if "email" in values:
            values.setdefault("email_status", "unknown")
        return values
