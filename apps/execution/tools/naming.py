"""Whether a change leaves something to call the record by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.crm.enums import RecordKind
from apps.crm.models import Contact, Lead
from apps.execution.exceptions import ChangeNotPossibleError
from apps.execution.schemas import RecordRef
from apps.execution.tools.base import every_row_of

_CALLED_BY = {RecordKind.LEAD: Lead.called_by, RecordKind.CONTACT: Contact.called_by}


def require_called(ref: RecordRef, values: Mapping[str, Any]) -> None:
    """See that a lead or contact keeps a name or an address when ``values`` are written to it.

    The record is read only where one of them is emptied.

    Raises:
        ChangeNotPossibleError: nothing would be left.
    """
    names = _CALLED_BY.get(ref.kind, ())
    if all(values[name] for name in names if name in values):
        return
    row = every_row_of(ref.kind).filter(pk=ref.id).values(*names).first() or {}
    if not any((row | dict(values)).get(name) for name in names):
        raise ChangeNotPossibleError(
            f"The {ref.kind.label.lower()} would have no name and no address left."
        )
