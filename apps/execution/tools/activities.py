"""Tools that log what took place."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from django.utils import timezone
from pydantic import AwareDatetime, Field, field_validator, model_validator

from apps.crm.enums import RecordKind
from apps.execution.enums import Risk
from apps.execution.exceptions import ChangeNotPossibleError
from apps.execution.schemas import RecordRef
from apps.execution.tools.base import Tool, ToolArguments
from apps.execution.tools.fields import Fixed, OneLine, OwnerId, Readable, RecordId
from apps.execution.tools.references import require_owner
from apps.users.models import User

# Before that nobody logged calls, and a moment of the first year has no local time in some zones.
EARLIEST_YEAR = 1970
# Clocks differ; further ahead than this it has not taken place.
CLOCK_DIFFERENCE = timedelta(minutes=2)


class LogActivityArguments(ToolArguments):
    """What took place, when, and about which record."""

    subject_kind: Annotated[Literal["lead", "contact", "account", "opportunity"], Fixed]
    subject_id: RecordId
    activity_kind: Literal["call", "meeting", "email", "note"]
    direction: Annotated[
        Literal["inbound", "outbound", "none"],
        Field(description="Who started it: of a call or an e-mail it is known, a note has none."),
    ]
    occurred_at: Annotated[
        AwareDatetime, Field(description="With its offset from UTC; not in the future.")
    ]
    subject: Annotated[str, Field(min_length=3, max_length=300), OneLine, Readable]
    body: Annotated[str, Field(max_length=10000)] = ""
    owner_id: Annotated[OwnerId | None, Field(description="Whose activity it was.")] = None

    @field_validator("occurred_at")
    @classmethod
    def _check_age(cls, moment: datetime) -> datetime:
        if moment.year < EARLIEST_YEAR:
            raise ValueError("that is too long ago")
        return moment

    @model_validator(mode="after")
    def _check_direction(self) -> LogActivityArguments:
        has_one = self.direction != "none"
        if self.activity_kind == "note" and has_one:
            raise ValueError("a note has no direction")
        if self.activity_kind in {"call", "email"} and not has_one:
            raise ValueError("a call and an e-mail have a direction")
        return self


class LogActivity(Tool[LogActivityArguments]):
    """Write down a call, a meeting, an e-mail or a note that took place.

    High risk, because it cannot be taken back by one click: what is in the timeline moves "last contact",
    which triggers and scores read.
    """

    key = "log_activity"
    label = "Log activity"
    arguments_type = LogActivityArguments
    subject_kinds = frozenset(
        {RecordKind.LEAD, RecordKind.CONTACT, RecordKind.ACCOUNT, RecordKind.OPPORTUNITY}
    )
    writes = {
        RecordKind.ACTIVITY: frozenset(
            {"activity_kind", "direction", "occurred_at", "subject", "body", "owner_id"}
            | {"lead_id", "contact_id", "account_id", "opportunity_id"}
        )
    }
    is_creation = True
    guard_fields = {
        RecordKind.LEAD: ("owner_id",),
        RecordKind.CONTACT: ("owner_id",),
        RecordKind.ACCOUNT: ("owner_id",),
        RecordKind.OPPORTUNITY: ("owner_id",),
    }
    risk = Risk.HIGH
    consequences = "It counts as contact with the record, unless it is a note."
    is_reversible = False
    irreversible_because = (
        "What took place stays on record: a logged activity is corrected on its own page."
    )

    def subject(self, arguments: LogActivityArguments) -> RecordRef:
        """The record that it was about."""
        return RecordRef(RecordKind(arguments.subject_kind), arguments.subject_id)

    def values(self, arguments: LogActivityArguments) -> dict[str, Any]:
        """The new activity's fields."""
        return {
            "activity_kind": arguments.activity_kind,
            "direction": arguments.direction,
            "occurred_at": arguments.occurred_at,
            "subject": arguments.subject,
            "body": arguments.body,
            "owner_id": arguments.owner_id,
            f"{arguments.subject_kind}_id": arguments.subject_id,
        }

    def side_effects(self, arguments: LogActivityArguments) -> tuple[str, ...]:
        """It counts as contact."""
        return () if arguments.activity_kind == "note" else ("It counts as contact.",)

    def check(self, arguments: LogActivityArguments, approver: User) -> None:
        """It must have taken place, and its owner be here."""
        if arguments.occurred_at > timezone.now() + CLOCK_DIFFERENCE:
            raise ChangeNotPossibleError("This lies in the future: it has not taken place yet.")
        require_owner(arguments.owner_id, approver)
