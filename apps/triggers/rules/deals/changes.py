"""What the change log says about deals."""

from __future__ import annotations

from django.db.models import BigIntegerField, DateField, OuterRef, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast

from apps.crm.enums import DealOutcome, Operation, RecordKind
from apps.crm.models import ChangeLog

# As the partial index of open deals has it.
IS_OPEN = Q(outcome=DealOutcome.OPEN)


def is_change_of(column: str) -> Q:
    """Changes of this column of a deal, as the partial indexes of the change log have it."""
    return Q(
        record_kind=RecordKind.OPPORTUNITY,
        operation=Operation.CHANGED,
        changes__has_key=column,
    )


def changes_of_deal(column: str) -> QuerySet[ChangeLog]:
    """Changes of this column of the deal of the outer query, in no order."""
    return ChangeLog.objects.order_by().filter(is_change_of(column), record_id=OuterRef("pk"))


def reference(column: str, side: int) -> Cast:
    """The id that a changed column held before (side 0) or after (1)."""
    return Cast(_text(column, side), BigIntegerField())


def day(column: str, side: int) -> Cast:
    """The day that a changed column held before (side 0) or after (1)."""
    return Cast(_text(column, side), DateField())


def _text(column: str, side: int) -> KeyTextTransform:
    return KeyTextTransform(side, KeyTransform(column, "changes"))
