"""Heads: the last seals of the logs, to be kept elsewhere and held against the logs later."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from django.db import connection
from django.utils import timezone
from django_tenants.utils import get_public_schema_name, schema_context
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from apps.audit.models import AuditSeal
from apps.tenants.models import Tenant


class Head(BaseModel):
    """The last seal of one log when it was exported. It vouches for all that was sealed before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant: str
    number: int = Field(ge=1)
    hash: str = Field(pattern="^[0-9a-f]{64}$")
    sealed_at: AwareDatetime


class HeadFile(BaseModel):
    """What is exported, and read back by ``verify_audit --head``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    exported_at: AwareDatetime
    heads: tuple[Head, ...]


def logs() -> list[str]:
    """The schemas that have a log: the operators' own, and every tenant's, switched off or not."""
    return find_logs()[0]


def find_logs() -> tuple[list[str], list[str]]:
    """The schemas that have a log, and the tenants whose schema is gone, and their log with it.

    In the name of one that is gone, the operators' own log would answer.
    """
    public = get_public_schema_name()
    with schema_context(public), connection.cursor() as cursor:
        named = Tenant.objects.order_by("schema_name").values_list("schema_name", flat=True)
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)", [[*named]])
        there = {public, *(name for (name,) in cursor.fetchall())}
    expected = dict.fromkeys([public, *named])
    return [one for one in expected if one in there], [one for one in expected if one not in there]


def head_of(schema: str) -> Head | None:
    """The head of one log; None before its first seal."""
    with schema_context(schema):
        last = AuditSeal.objects.last_seal()
    if last is None:
        return None
    return Head(tenant=schema, number=last.number, hash=last.hash, sealed_at=last.sealed_at)


def export_heads(schemas: Iterable[str], *, now: datetime | None = None) -> HeadFile:
    """The heads of these logs; one that has no seal yet is left out."""
    found = [head_of(schema) for schema in schemas]
    heads = tuple(head for head in found if head is not None)
    return HeadFile(exported_at=now or timezone.now(), heads=heads)
