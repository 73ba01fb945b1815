"""What happens with an account happens with itself, its contacts or its deals."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, QuerySet

from apps.crm.enums import RecordKind
from apps.triggers.watches import AnyOf, Related

WAYS = ((), ("contact",), ("opportunity",))
ACTIVITY_AT_ACCOUNT = AnyOf(tuple(Related(RecordKind.ACTIVITY, *way, "account") for way in WAYS))


def at_account(rows: QuerySet[Any], way: tuple[str, ...]) -> QuerySet[Any]:
    """Those rows that lead to the outer account on one way."""
    return rows.filter(**{"__".join((*way, "account")): OuterRef("pk")})
