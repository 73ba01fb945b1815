"""Tools that change deals. They close none: who won and who lost is for a person to say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated

from django.utils import timezone
from pydantic import Field, model_validator

from apps.crm.enums import RecordKind
from apps.crm.models import Opportunity, Record
from apps.execution.enums import Risk
from apps.execution.exceptions import ChangeNotPossibleError
from apps.execution.schemas import JsonValue
from apps.execution.tools.base import ToolArguments, UpdateTool, to_json
from apps.execution.tools.fields import (
    Amount,
    CurrencyCode,
    OneLine,
    OwnerId,
    RecordId,
    StageId,
    require_both,
)
from apps.execution.tools.references import (
    require_open_deal,
    require_open_stage,
    require_owner,
    require_owner_back,
)
from apps.users.models import User


class UpdateOpportunityArguments(ToolArguments):
    """The deal, and what to change; what is not given stays as it is."""

    opportunity_id: RecordId
    stage_id: Annotated[StageId, Field(description="An open stage of the company's pipeline.")] = 0
    amount: Amount = Decimal(0)
    currency: CurrencyCode = ""
    expected_close_on: Annotated[date, Field(description="Today or later.")] = date.max
    next_step: Annotated[str, Field(max_length=300), OneLine] = ""
    owner_id: Annotated[OwnerId, Field(description="Who is to look after it from now on.")] = 0
    notes: Annotated[str, Field(max_length=5000, description="The whole text as it is to be.")] = ""

    @model_validator(mode="after")
    def _check_money(self) -> UpdateOpportunityArguments:
        require_both(self, "amount")
        return self


class UpdateOpportunity(UpdateTool[UpdateOpportunityArguments]):
    """Bring an open deal up to date: stage, amount, close date, next step or owner.

    High risk, because stage, amount and close date are what the forecast and other people's decisions
    rest on.
    """

    key = "update_opportunity"
    label = "Update deal"
    arguments_type = UpdateOpportunityArguments
    id_field = "opportunity_id"
    subject_kinds = frozenset({RecordKind.OPPORTUNITY})
    writes = {
        RecordKind.OPPORTUNITY: frozenset(
            {"stage_id", "amount", "currency", "expected_close_on"}
            | {"next_step", "owner_id", "notes"}
        )
    }
    guard_fields = {RecordKind.OPPORTUNITY: ("stage_id", "owner_id", "currency")}
    risk = Risk.HIGH
    consequences = "A change of stage is dated, and counted from then on. No deal is closed."
    together = (frozenset({"amount", "currency"}),)

    def side_effects(self, arguments: UpdateOpportunityArguments) -> tuple[str, ...]:
        """The days in the stage begin anew."""
        if "stage_id" not in arguments.model_fields_set:
            return ()
        return ("The days in the stage are counted from now on.",)

    def check(self, arguments: UpdateOpportunityArguments, approver: User) -> None:
        """The deal and its new stage must be open, the close date ahead, the owner here."""
        require_open_deal(arguments.opportunity_id)
        given = arguments.model_fields_set
        if "stage_id" in given:
            require_open_stage(arguments.stage_id)
        if "expected_close_on" in given and arguments.expected_close_on < timezone.localdate():
            raise ChangeNotPossibleError("The close date of an open deal does not lie in the past.")
        if "owner_id" in given:
            require_owner(arguments.owner_id, approver)

    def finish(self, arguments: UpdateOpportunityArguments, written: Record) -> JsonValue:
        """The database has dated the new stage; note since when the deal had been in the former one."""
        assert isinstance(written, Opportunity)  # noqa: S101 - narrows the type
        former = written.stage_entered_at
        dated = Opportunity.objects.filter(pk=written.pk).exclude(stage_entered_at=former)
        return {"stage_entered_at": to_json(former)} if dated.exists() else None

    def unfinish(self, written: Record, noted: JsonValue, returned: frozenset[str]) -> None:
        """A deal that is back in its stage has been there since then, as if it had never left."""
        if "stage_id" in returned and isinstance(noted, dict):
            deal = Opportunity.objects.filter(pk=written.pk)
            deal.update(stage_entered_at=noted["stage_entered_at"])

    def check_undo(self, record: Record, back: Mapping[str, JsonValue], approver: User) -> None:
        """A deal that has been closed since stays as it is."""
        require_open_deal(record.pk)
        require_owner_back(back, approver)
