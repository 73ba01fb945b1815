"""What was merged into a record: what else it was called, and what stood there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from apps.crm.layouts import LAYOUTS
from apps.crm.models import Contact, Lead, MergeableRecord
from apps.crm.presentation import Shown, field_of, show_field
from apps.users.models import User
from apps.users.rules import sees_rows_of

# More would bury the record itself.
MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class FormerSelf:
    """A record that was merged into another, and what stood in it that does not stand in that one."""

    record: MergeableRecord
    values: tuple[Shown, ...]


def former_selves(record: MergeableRecord, viewer: User) -> list[FormerSelf]:
    """Return what was merged into a record, directly or by way of others; the latest merge comes first.

    As far as the viewer may see it, and no more than ``MOST_SHOWN``. One query for each step of the longest
    way and one that finds no more: of a contact for contacts, then for leads.
    """
    found = list(_merged_on_the_way(type(record), Q(merged_into=record.pk)))
    if isinstance(record, Contact):
        contacts = [record.pk, *(former.pk for former in found)]
        found += _merged_on_the_way(Lead, Q(merged_into_contact__in=contacts))
    seen = [former for former in found if sees_rows_of(viewer, former.owner)]
    seen.sort(key=lambda former: (former.merged_at, former.pk), reverse=True)
    present = {shown.name: shown.text for shown in _own_facts(record)} if seen else {}
    return [FormerSelf(former, _other_values(former, present)) for former in seen[:MOST_SHOWN]]


def _merged_on_the_way(model: Any, is_merged: Q) -> Iterator[MergeableRecord]:
    """The records that meet the condition, what was merged into those, and so on."""
    while step := list(model.everything.filter(is_merged).select_related("owner")):
        yield from step
        is_merged = Q(merged_into__in=[record.pk for record in step])


def _other_values(former: MergeableRecord, present: Mapping[str, str]) -> tuple[Shown, ...]:
    """The facts of its page, without what follows from others, that the survivor has otherwise."""
    return tuple(
        shown
        for shown in _own_facts(former)
        if not shown.is_empty and shown.text != present.get(shown.name)
    )


def _own_facts(record: MergeableRecord) -> Iterator[Shown]:
    for name in LAYOUTS[record.kind].facts:
        if name != "last_activity_at" and not field_of(type(record), name).is_relation:
            yield show_field(record, name)
