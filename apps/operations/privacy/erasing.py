"""Erasing a person: one transaction, in which everything that concerns them loses its values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.models import LogEntry
from django.db import models, transaction
from django.db.models import Q

from apps.assistant.models import Conversation, Message
from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, acting, record_events
from apps.crm.enums import DraftStatus, RecordKind
from apps.crm.models import Activity, ChangeLog, Contact, Draft, Lead, Record, Task
from apps.crm.services import all_records
from apps.duplicates.models import Pair, RecordKeys
from apps.execution.models import Execution
from apps.operations.privacy.mentions import erase_mentions
from apps.operations.privacy.people import (
    ERASED,
    Person,
    Traits,
    find_person,
    read_traits,
    read_traits_of_others,
)
from apps.operations.privacy.values import PERSONAL, redact
from apps.predictions.models import Score
from apps.realtime.models import ToolCall
from apps.suggestions.enums import UNDECIDED, State
from apps.suggestions.models import BulkItem, Decision, Suggestion
from apps.triggers.enums import Discovery
from apps.triggers.looks import look_anew
from apps.triggers.models import Silence
from apps.triggers.rules import registry
from apps.users.models import KeptAnswer

_HUNG: tuple[type[Record], ...] = (Activity, Task, Draft)
_CLOSED_BECAUSE = "The person's data were erased."

Ids = dict[RecordKind, frozenset[int]]


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was, or would be, erased: rows by table, and what stays elsewhere because others have it too."""

    person: Person
    rows: dict[str, int]
    shared: list[str]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was left to erase."""
        return not self.rows


def erase_person(
    kind: RecordKind, record_id: int, *, actor: Actor, is_dry_run: bool = False
) -> Erasure:
    """Erase the person of one contact or lead, in the schema that the connection stands in.

    Needs the owner's account: no other may change the change log or an execution. A dry run does
    everything and rolls it back. Values go, rows and ids stay; scores go as a whole.

    Raises:
        PersonNotFoundError: there is no such contact or lead, and never was.
    """
    with acting(actor):
        erasure = _erase(find_person(kind, record_id), actor)
        if not erasure.is_empty:
            details: dict[str, Detail] = {
                "rows": sum(erasure.rows.values()),
                "by_table": dict(erasure.rows),
            }
            entry = Entry(
                Event.DATA_ERASED, record_kind=kind.value, record_id=record_id, details=details
            )
            record_events(actor, [entry])
        transaction.set_rollback(is_dry_run)
    return erasure


def _erase(person: Person, actor: Actor) -> Erasure:
    for people, pks in ((Contact, person.contacts), (Lead, person.leads)):
        list(people.everything.filter(pk__in=pks).order_by("pk").select_for_update())
    traits = read_traits(person)
    shared = read_traits_of_others(person, traits)
    ids = _concerned(person, traits.minus(shared))
    rows: Counter[str] = Counter()
    for model, values in PERSONAL.items():
        _blank(rows, all_records(model).filter(pk__in=ids[model.kind]), values)
    waiting = Draft.objects.filter(pk__in=ids[RecordKind.DRAFT], status=DraftStatus.DRAFT)
    waiting.update(status=DraftStatus.DISCARDED)
    _erase_suggestions(rows, ids, actor)
    _erase_scores(rows, ids)
    _erase_pairs(rows, ids)
    _erase_admin_log(rows, ids)
    _erase_conversations(rows, ids)
    # Answers of the API and of tools in calls, of the last day, whomever they are about: they are kept for
    # convenience alone.
    _blank(rows, KeptAnswer.objects.exclude(body=None), {"body": None})
    _blank(rows, ToolCall.objects.exclude(answer={}), {"answer": {}})
    # With what the steps before have written to it.
    _redact(rows, _history(ids), ("changes",))
    rows.update(erase_mentions(traits.minus(shared)))
    return Erasure(person, dict(sorted(rows.items())), shared.kinds())


def _concerned(person: Person, traits: Traits) -> Ids:
    """The person's records, and those that hang on them and on nobody else."""
    ids: Ids = person.refs()
    mine = Q(contact__in=person.contacts) | Q(lead__in=person.leads)
    elsewhere = Q(contact__isnull=False) & ~Q(contact__in=person.contacts)
    elsewhere |= Q(lead__isnull=False) & ~Q(lead__in=person.leads)
    for model in _HUNG:
        found = model._default_manager.filter(mine).exclude(elsewhere)
        ids[model.kind] = frozenset(found.values_list("pk", flat=True))
    # Messages that nobody has placed yet.
    unplaced = Q()
    for address in traits.emails:
        unplaced |= Q(counterpart_address__iexact=address)
    if unplaced:
        found = Activity.objects.filter(unplaced, contact=None, lead=None)
        ids[RecordKind.ACTIVITY] |= frozenset(found.values_list("pk", flat=True))
    return ids


def _erase_suggestions(rows: Counter[str], ids: Ids, actor: Actor) -> None:
    suggestions = Suggestion.objects.filter(_about(ids))
    executions = Execution.objects.filter(
        _about(ids)
        | Q(pk__in=suggestions.values("execution"))
        | Q(undoes__in=suggestions.values("execution"))
    )
    _close(suggestions, actor)
    _blank(rows, Decision.objects.filter(suggestion__in=suggestions).exclude(note=""), {"note": ""})
    _blank(
        rows, BulkItem.objects.filter(suggestion__in=suggestions).exclude(message=""),
        {"message": ERASED},
    )  # fmt: skip
    _blank(rows, Silence.objects.filter(_about(ids)), {"reason": ""})
    _redact(rows, executions, ("arguments", "before_values", "after_values", "note"))
    _blank(rows, executions.exclude(error_message=""), {"error_message": ERASED})
    packets = ("arguments", "proposed_arguments", "before_values", "guard_values")
    _redact(rows, suggestions, packets)
    blank = {"title": ERASED, "reason": ERASED, "record_label": ERASED, "facts": [], "evidence": []}
    _blank(rows, suggestions, blank)


def _close(suggestions: models.QuerySet[Suggestion], actor: Actor) -> None:
    """What still waits for a decision can no longer be decided."""
    for state, event, sources in (
        (State.WITHDRAWN, Event.SUGGESTION_WITHDRAWN, UNDECIDED),
        (State.EXPIRED, Event.SUGGESTION_EXPIRED, [State.FAILED]),
    ):
        found = list(suggestions.filter(state__in=sources).select_for_update().order_by("pk"))
        Suggestion.objects.filter(pk__in=[row.pk for row in found]).update(
            state=state, closed_because=_CLOSED_BECAUSE
        )
        record_events(
            actor,
            [
                Entry(
                    event,
                    record_kind=row.record_kind,
                    record_id=row.record_id,
                    suggestion_id=row.pk,
                    details={"goal": row.goal, "tool": row.tool},
                )
                for row in found
            ],
        )


def _erase_scores(rows: Counter[str], ids: Ids) -> None:
    """What was said of the person's likely doings goes as a whole: it is about nobody else."""
    scores = Score.objects.filter(_about(ids))
    rows[Score._meta.db_table] += scores.count()
    scores.delete()
    _forget_nothing(rows)


def _erase_pairs(rows: Counter[str], ids: Ids) -> None:
    """Whom the person was held for, and the keys under which they could be found, go as a whole.

    Triggers are told, because no round can see which records the pairs were about.
    """
    pairs = Pair.objects.none()
    for kind in (RecordKind.CONTACT, RecordKind.LEAD):
        for record_id in sorted(ids[kind]):
            pairs |= Pair.objects.of_record(kind, record_id)
    if pairs.exists():
        look_anew(registry.discovering(Discovery.DUPLICATE))
    for found in (pairs, RecordKeys.objects.filter(_about(ids))):
        rows[found.model._meta.db_table] += found.count()
        found.delete()
    _forget_nothing(rows)


def _erase_admin_log(rows: Counter[str], ids: Ids) -> None:
    """The admin names what it changed."""
    wanted = Q()
    for model in PERSONAL:
        wanted |= Q(
            content_type__app_label=model._meta.app_label,
            content_type__model=model._meta.model_name,
            object_id__in=[str(pk) for pk in ids[model.kind]],
        )
    _blank(rows, LogEntry.objects.filter(wanted), {"object_repr": ERASED})


def _erase_conversations(rows: Counter[str], ids: Ids) -> None:
    """What was said about the person: conversations on their page go, answers that cite them are emptied."""
    about = Conversation.objects.filter(_about(ids))
    rows[Conversation._meta.db_table] += about.count()
    about.delete()
    cites = Q()
    for kind, pks in ids.items():
        for pk in sorted(pks):
            cites |= Q(facts__contains=[{"record": f"{kind.value}:{pk}"}])
    if cites:
        empty = {"text": ERASED, "sentences": [], "facts": []}
        _blank(rows, Message.objects.filter(cites), empty)
    _forget_nothing(rows)


def _history(ids: Ids) -> models.QuerySet[ChangeLog]:
    """The changes of these records, and the deletions of those that hung on them."""
    gone = Q()
    for column, kind in (("contact_id", RecordKind.CONTACT), ("lead_id", RecordKind.LEAD)):
        gone |= Q(**{f"changes__{column}__in": sorted(ids[kind])})
    hung = [model.kind.value for model in _HUNG]
    return ChangeLog.objects.filter(
        _about(ids) | Q(gone, operation="deleted", record_kind__in=hung)
    )


def _about(ids: Ids) -> Q:
    wanted = Q()
    for kind, pks in ids.items():
        wanted |= Q(record_kind=kind, record_id__in=sorted(pks))
    return wanted


def _blank(rows: Counter[str], found: models.QuerySet[Any], values: Mapping[str, object]) -> None:
    """Write the same into each row that does not hold it yet."""
    differs = Q()
    for name, value in values.items():
        differs |= ~Q(**{name: value})
    rows[found.model._meta.db_table] += found.filter(differs).update(**values)
    _forget_nothing(rows)


def _redact(rows: Counter[str], found: models.QuerySet[Any], columns: Iterable[str]) -> None:
    """Rewrite the JSON columns of each row that holds something personal."""
    names = tuple(columns)
    for row in found.order_by("pk"):
        before = {name: getattr(row, name) for name in names}
        after = {name: redact(value) for name, value in before.items()}
        if after != before:
            rows[found.model._meta.db_table] += found.model._default_manager.filter(
                pk=row.pk
            ).update(**after)
    _forget_nothing(rows)


def _forget_nothing(rows: Counter[str]) -> None:
    """Keep no table in which nothing was erased."""
    for table in [table for table, count in rows.items() if not count]:
        del rows[table]
