"""Whether something is planned with a record."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q

from apps.crm.enums import RecordKind
from apps.crm.models import Task


def nothing_planned(kind: RecordKind) -> Q:
    """Records of this kind on which no open task hangs."""
    return Q(~Exists(Task.objects.open().filter(**{kind.value: OuterRef("pk")})))
