"""What happened on records and what is planned there, for many records in one query each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

from django.db.models import Count, F, QuerySet, Window
from django.db.models.functions import RowNumber

from apps.crm.enums import ActivityKind
from apps.crm.models import Activity, Contact, Task
from apps.suggestions.pipeline.readers import readable_beside

# How many of the latest activities become facts; older ones say little about what to do today.
RECENT_ACTIVITIES = 3
# How many of the open tasks are told with what is to be done.
NEXT_TASKS = 2
# Among how many people of an account those are sought whom a reader may see.
LOOKED_THROUGH = 20

# The ways from an activity or a task to an account.
ACCOUNT_PATHS = ("account_id", "contact__account_id", "opportunity__account_id")


def recent_activities(column: str, ids: Sequence[int]) -> dict[int, list[Activity]]:
    """The latest activities of each record, newest first; notes are no contact, what is planned neither.

    Those of another team than the record's owner are left out.
    """
    record = column.removesuffix("_id")
    ranked: QuerySet[Any] = (
        Activity.objects.filter(readable_beside(f"{record}__owner"), **{f"{column}__in": ids})
        .exclude(activity_kind=ActivityKind.NOTE)
        .annotate(
            hangs_on=F(column),
            place=Window(
                RowNumber(),
                partition_by=[F(column)],
                order_by=[F("occurred_at").desc(), F("id").desc()],
            ),
        )
        .filter(place__lte=RECENT_ACTIVITIES)
        .order_by("-occurred_at", "-id")
    )
    found: dict[int, list[Activity]] = defaultdict(list)
    for activity in ranked:
        found[activity.hangs_on].append(activity)
    return found


def recent_at_accounts(ids: Sequence[int]) -> dict[int, list[Activity]]:
    """The same for accounts, with what happened on their contacts and deals."""
    merged: dict[int, dict[int, Activity]] = defaultdict(dict)
    for path in ACCOUNT_PATHS:
        for account_id, activities in recent_activities(path, ids).items():
            merged[account_id].update((activity.pk, activity) for activity in activities)
    found: dict[int, list[Activity]] = defaultdict(list)
    for account_id, by_id in merged.items():
        newest_first = sorted(by_id.values(), key=attrgetter("occurred_at", "pk"), reverse=True)
        found[account_id] = newest_first[:RECENT_ACTIVITIES]
    return found


def people_at(account_ids: Iterable[int | None]) -> dict[int | None, list[Contact]]:
    """People at these accounts who may be contacted, those last heard of first."""
    found: dict[int | None, list[Contact]] = defaultdict(list)
    ids = {pk for pk in account_ids if pk is not None}
    if ids:
        latest = [F("last_activity_at").desc(nulls_last=True), F("id").asc()]
        people = Contact.objects.filter(account_id__in=ids, do_not_contact=False).annotate(
            place=Window(RowNumber(), partition_by=[F("account_id")], order_by=latest)
        )
        for contact in people.filter(place__lte=LOOKED_THROUGH).order_by("place"):
            found[contact.account_id].append(contact)
    return found


def open_task_counts(column: str, ids: Sequence[int]) -> dict[int, int]:
    """How many open tasks hang on each record."""
    rows = (
        Task.objects.open()
        .filter(**{f"{column}__in": ids})
        .values_list(column)
        .annotate(count=Count("pk"))
        .order_by()
    )
    return defaultdict(int, rows)


def next_tasks(column: str, ids: Sequence[int]) -> dict[int, list[Task]]:
    """The open tasks of each record that are due first; those without a day come last.

    Those of another team than the record's owner are left out.
    """
    record = column.removesuffix("_id")
    first_due = [F("due_on").asc(nulls_last=True), F("id").asc()]
    ranked: QuerySet[Any] = (
        Task.objects.open()
        .filter(readable_beside(f"{record}__owner"), **{f"{column}__in": ids})
        .annotate(
            hangs_on=F(column),
            place=Window(RowNumber(), partition_by=[F(column)], order_by=first_due),
        )
        .filter(place__lte=NEXT_TASKS)
        .order_by("place")
    )
    found: dict[int, list[Task]] = defaultdict(list)
    for task in ranked:
        found[task.hangs_on].append(task)
    return found


def open_tasks_at_accounts(ids: Sequence[int]) -> dict[int, int]:
    """How many open tasks hang on each account, its contacts and its deals."""
    every = Task.objects.open().order_by()
    own, of_contacts, of_deals = (
        every.filter(**{f"{path}__in": ids}).values_list(path, "pk") for path in ACCOUNT_PATHS
    )
    return Counter(account_id for account_id, _ in own.union(of_contacts, of_deals))
