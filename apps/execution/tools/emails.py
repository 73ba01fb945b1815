"""The tool that writes an e-mail for a person to send. Nothing here sends."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from apps.crm.changelog import model_of
from apps.crm.enums import DraftStatus, EmailStatus, RecordKind
from apps.crm.models import Contact
from apps.execution.enums import Risk
from apps.execution.exceptions import ChangeNotPossibleError, RecordGoneError
from apps.execution.schemas import RecordRef
from apps.execution.tools.base import Tool, ToolArguments
from apps.execution.tools.fields import (
    EmailText,
    Fixed,
    OneLine,
    OwnerId,
    Readable,
    RecordId,
)
from apps.execution.tools.references import require_owner
from apps.users.models import User


class DraftEmailArguments(ToolArguments):
    """To whom, about what, and every word of it."""

    subject_kind: Annotated[Literal["lead", "contact"], Fixed]
    subject_id: RecordId
    opportunity_id: Annotated[RecordId | None, Field(description="The deal that it is about.")] = (
        None
    )
    to_address: Annotated[
        EmailText, Field(description="The address that the lead or contact has on record.")
    ]
    subject: Annotated[str, Field(min_length=3, max_length=200), OneLine, Readable]
    body: Annotated[
        str,
        Field(min_length=10, max_length=5000, description="The whole text, as it would be sent."),
        Readable,
    ]
    owner_id: Annotated[OwnerId, Field(description="Who is to send it.")]


class DraftEmail(Tool[DraftEmailArguments]):
    """Store an e-mail that a person sends from their own mail program.

    High risk, because its words go out under somebody's name: its text is read in full before each
    approval, and never approved in bulk.
    """

    key = "draft_email"
    label = "Draft e-mail"
    arguments_type = DraftEmailArguments
    subject_kinds = frozenset({RecordKind.LEAD, RecordKind.CONTACT})
    writes = {
        RecordKind.DRAFT: frozenset(
            {"to_address", "subject", "body", "owner_id", "lead_id", "contact_id", "opportunity_id"}
        )
    }
    is_creation = True
    guard_fields = {
        RecordKind.LEAD: ("email", "do_not_contact", "status", "owner_id"),
        RecordKind.CONTACT: ("email", "email_status", "do_not_contact", "owner_id"),
    }
    risk = Risk.HIGH
    consequences = "Nothing is sent: a person sends it from their own mail program."
    undo_values = {"status": DraftStatus.DISCARDED.value}

    def subject(self, arguments: DraftEmailArguments) -> RecordRef:
        """The person it is written to."""
        return RecordRef(RecordKind(arguments.subject_kind), arguments.subject_id)

    def mentions(self, arguments: DraftEmailArguments) -> tuple[RecordRef, ...]:
        """The person, and the deal that it is about."""
        if arguments.opportunity_id is None:
            return (self.subject(arguments),)
        deal = RecordRef(RecordKind.OPPORTUNITY, arguments.opportunity_id)
        return (self.subject(arguments), deal)

    def values(self, arguments: DraftEmailArguments) -> dict[str, Any]:
        """The new draft's fields."""
        return {
            "to_address": arguments.to_address,
            "subject": arguments.subject,
            "body": arguments.body,
            "owner_id": arguments.owner_id,
            f"{arguments.subject_kind}_id": arguments.subject_id,
            "opportunity_id": arguments.opportunity_id,
        }

    def side_effects(self, arguments: DraftEmailArguments) -> tuple[str, ...]:
        """None, and it is said that none is."""
        return (self.consequences,)

    def check(self, arguments: DraftEmailArguments, approver: User) -> None:
        """The person must be reachable at this very address, and the sender be here.

        Text that came in from outside may ask for an answer to another address: the address is
        the one on record, or there is no draft.
        """
        person: Any = (
            model_of(RecordKind(arguments.subject_kind))
            ._default_manager.filter(pk=arguments.subject_id)
            .first()
        )
        if person is None:
            raise RecordGoneError()
        if person.do_not_contact:
            raise ChangeNotPossibleError(f"{person} does not want to be contacted.")
        if not person.email:
            raise ChangeNotPossibleError(f"{person} has no e-mail address on record.")
        if person.email.casefold() != arguments.to_address.casefold():
            raise ChangeNotPossibleError(f"{arguments.to_address} is not the address of {person}.")
        if isinstance(person, Contact) and person.email_status == EmailStatus.BOUNCED:
            raise ChangeNotPossibleError(f"Mail to {person.email} has come back.")
        require_owner(arguments.owner_id, approver)
