"""Merges as tests make them, and where records hang before and after."""

from __future__ import annotations

from datetime import timedelta

from django.apps import apps
from django.db.models import ForeignKey

from apps.audit.schemas import Actor
from apps.audit.services import acting
from apps.crm.changelog import record_models
from apps.crm.models import Record
from apps.execution.models import Execution
from apps.execution.schemas import ApprovedUndo, JsonValue
from apps.execution.services import apply_change, undo_change
from apps.execution.tests.factories import NOW, approved
from apps.execution.tools.base import every_row_of
from apps.users.models import User

LATER = NOW + timedelta(days=1)
MERGEABLE = ("lead", "contact", "account")


def arguments_of(survivor: Record, duplicate: Record, **taken: JsonValue) -> dict[str, JsonValue]:
    """The arguments of a merge."""
    return {
        "record_kind": survivor.kind.value,
        "survivor_id": survivor.pk,
        "duplicate_kind": duplicate.kind.value,
        "duplicate_id": duplicate.pk,
        **taken,
    }


def merge(survivor: Record, duplicate: Record, by: User, **taken: JsonValue) -> Execution:
    """Merge the duplicate into the survivor, approved by this person."""
    key = f"merge:{Execution.objects.count()}"
    change = approved(
        "merge_duplicates", arguments_of(survivor, duplicate, **taken), by, idempotency_key=key
    )
    with acting(change.actor):
        return apply_change(change, now=NOW)


def undo(execution: Execution, by: User) -> Execution:
    """Take it back."""
    wish = ApprovedUndo(execution.pk, by, LATER, Actor.for_person(by), None)
    with acting(wish.actor):
        return undo_change(wish, now=LATER)


def all_rows() -> dict[str, dict[int, dict[str, object]]]:
    """Every record with what people own of it and what is derived from its activities."""
    found: dict[str, dict[int, dict[str, object]]] = {}
    for model in record_models():
        derived = [
            field.attname
            for field in model._meta.concrete_fields
            if field.attname == "last_activity_at"
        ]
        rows = every_row_of(model.kind).order_by("pk").values("id", *model.tracked_fields, *derived)
        found[model.kind.value] = {row["id"]: row for row in rows}
    return found


def columns_naming(kind: str) -> set[tuple[str, str]]:
    """Every column of any model of ours that refers to records of this kind, as (table, column)."""
    return {
        (model._meta.db_table, field.attname)
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, ForeignKey)
        and getattr(field.related_model, "kind", None) == kind
        and isinstance(field.related_model, type)
        and issubclass(field.related_model, Record)
    }
