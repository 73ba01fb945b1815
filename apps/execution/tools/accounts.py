"""Tools that change accounts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from itertools import islice
from typing import Annotated

from pydantic import Field, model_validator

from apps.crm.enums import RecordKind
from apps.crm.models import Account, Record
from apps.crm.models.companies import upwards
from apps.execution.enums import Risk
from apps.execution.exceptions import ReferenceRefusedError
from apps.execution.schemas import JsonValue, RecordRef
from apps.execution.tools.base import ToolArguments, UpdateTool
from apps.execution.tools.fields import (
    AccountId,
    CurrencyCode,
    OneLine,
    OwnerId,
    RecordId,
    Revenue,
    require_both,
)
from apps.execution.tools.references import require_owner, require_owner_back
from apps.users.models import User

# Further up than this no group of companies goes; a ring would go on for ever.
HIGHEST_GROUP = 50


class UpdateAccountArguments(ToolArguments):
    """The account, and what to change; what is not given stays as it is."""

    account_id: RecordId
    name: Annotated[str, Field(min_length=1, max_length=200), OneLine] = ""
    website: Annotated[str, Field(max_length=200), OneLine] = ""
    phone: Annotated[str, Field(max_length=50), OneLine] = ""
    sector: Annotated[str, Field(max_length=100), OneLine] = ""
    location: Annotated[str, Field(max_length=100), OneLine] = ""
    employees: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    annual_revenue: Revenue = Decimal(0)
    currency: CurrencyCode = ""
    parent_id: Annotated[AccountId, Field(description="The account that it belongs to.")] = 0
    owner_id: Annotated[OwnerId, Field(description="Who is to look after it from now on.")] = 0
    notes: Annotated[str, Field(max_length=5000, description="The whole text as it is to be.")] = ""

    @model_validator(mode="after")
    def _check_money(self) -> UpdateAccountArguments:
        require_both(self, "annual_revenue")
        return self


class UpdateAccount(UpdateTool[UpdateAccountArguments]):
    """Bring an account up to date: its details, parent or owner."""

    key = "update_account"
    label = "Update account"
    arguments_type = UpdateAccountArguments
    id_field = "account_id"
    subject_kinds = frozenset({RecordKind.ACCOUNT})
    writes = {
        RecordKind.ACCOUNT: frozenset(
            {"name", "website", "phone", "sector", "location", "employees", "annual_revenue"}
            | {"currency", "parent_id", "owner_id", "notes"}
        )
    }
    guard_fields = {RecordKind.ACCOUNT: ("name", "owner_id", "currency")}
    risk = Risk.LOW
    consequences = "Nothing else."
    together = (frozenset({"annual_revenue", "currency"}),)

    def mentions(self, arguments: UpdateAccountArguments) -> tuple[RecordRef, ...]:
        """The account, and the one that it is to belong to."""
        subject = self.subject(arguments)
        if "parent_id" not in arguments.model_fields_set:
            return (subject,)
        return (subject, RecordRef(RecordKind.ACCOUNT, arguments.parent_id))

    def check(self, arguments: UpdateAccountArguments, approver: User) -> None:
        """A new owner must be here; a parent must be there, and not below the account itself."""
        if "owner_id" in arguments.model_fields_set:
            require_owner(arguments.owner_id, approver)
        if "parent_id" in arguments.model_fields_set:
            require_parent((arguments.account_id,), arguments.parent_id)

    def check_undo(self, record: Record, back: Mapping[str, JsonValue], approver: User) -> None:
        """The former owner must be here, the former parent not below the account."""
        require_owner_back(back, approver)
        if back.get("parent_id") is not None:
            require_parent((record.pk,), int(str(back["parent_id"])))


def chain_of(account_id: int) -> list[int]:
    """The account and those above it, the nearest first; a ring comes round and is cut."""
    return list(islice(upwards(account_id), HIGHEST_GROUP + 1))


def require_parent(account_ids: Collection[int], parent_id: int) -> None:
    """See that an account (several that become one) can belong to this one.

    Raises:
        ReferenceRefusedError: there is none, or it is the account itself or below it.
    """
    above = parent_id
    for _ in range(HIGHEST_GROUP):
        if above in account_ids:
            raise ReferenceRefusedError("parent_id", "An account cannot belong to itself.")
        account = Account.objects.only("parent_id").filter(pk=above).first()
        if account is None:
            raise ReferenceRefusedError("parent_id", "There is no such account.")
        if account.parent_id is None:
            return
        above = account.parent_id
    raise ReferenceRefusedError("parent_id", "The accounts above this one form a ring.")
