"""What a model that has read a person's free words may not add to them: records, people, amounts."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from apps.crm.presentation import MONEY_FIELDS
from apps.execution.schemas import RecordRef
from apps.execution.tools import Tool, ToolArguments
from apps.suggestions.pipeline.amounts import amounts_in
from apps.users.models import User

_COUNTED = MONEY_FIELDS | {"employees"}


def made_up_code(
    tool: Tool[Any],
    arguments: ToolArguments,
    words: str,
    user: User,
    told_of: Collection[RecordRef],
    *,
    has_figures: bool,
) -> str:
    """Return the code of what neither the words nor the records bear out, or nothing.

    ``told_of`` are the records that the model was told of. ``has_figures``: the words state amounts as people
    write them; in what was spoken “twelve thousand” may stand, and amounts are not looked for.
    """
    if not {tool.subject(arguments), *tool.mentions(arguments)} <= set(told_of):
        return "unknown_record"
    given = arguments.model_fields_set
    if "owner_id" in given and getattr(arguments, "owner_id", user.pk) != user.pk:
        return "unknown_person"
    if not has_figures:
        return ""
    said = amounts_in(words)
    for name in sorted(given & _COUNTED):
        if Decimal(str(getattr(arguments, name))) not in said:
            return "amount_not_said"
    return ""
