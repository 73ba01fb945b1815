"""Whether what the arguments name can be used: asked when a change is applied, under its locks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from apps.crm.models import Opportunity, Stage
from apps.execution.exceptions import ChangeNotPossibleError, ReferenceRefusedError
from apps.execution.schemas import JsonValue
from apps.users.models import User
from apps.users.rules import assignable_people
from apps.users.statements import ROW_PLACE, AnyReader, ExistsStatement


def require_owner(owner_id: int | None, approver: User) -> None:
    """See that a record can be given to this person; None gives it to nobody.

    Raises:
        ReferenceRefusedError: they have left, or the approver may not give them records.
    """
    if owner_id is None:
        return
    if not _statement_of_owner(AnyReader.like(approver)).holds_for(approver, owner_id):
        raise ReferenceRefusedError(
            "owner_id", "This person has left, or is none to whom you may give records."
        )


@lru_cache(maxsize=8)
def _statement_of_owner(reader: AnyReader) -> ExistsStatement:
    """Whether people of a kind may give a record to one person."""
    return ExistsStatement.of(User.objects.filter(assignable_people(reader), pk=ROW_PLACE))


def require_owner_back(back: Mapping[str, JsonValue], approver: User) -> None:
    """See that an undo gives the record to nobody who has left.

    Raises:
        ReferenceRefusedError: it would.
    """
    owner_id = back.get("owner_id")
    require_owner(None if owner_id is None else int(str(owner_id)), approver)


def require_open_stage(stage_id: int) -> None:
    """See that the company has this stage, and that it closes no deal.

    Raises:
        ReferenceRefusedError: it does not, or it does.
    """
    stage = Stage.objects.filter(pk=stage_id).first()
    if stage is None:
        raise ReferenceRefusedError("stage_id", "There is no such stage.")
    if not Stage.objects.open().filter(pk=stage_id).exists():
        raise ReferenceRefusedError(
            "stage_id", f"“{stage.label}” closes the deal: only a person does that, on its page."
        )


def require_open_deal(opportunity_id: int) -> None:
    """See that the deal is neither won nor lost.

    Raises:
        ChangeNotPossibleError: it is.
    """
    if not Opportunity.objects.open().filter(pk=opportunity_id).exists():
        raise ChangeNotPossibleError("The deal is closed; it is changed on its page only.")
