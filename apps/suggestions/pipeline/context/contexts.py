"""What is known about a record, and the batch that it is gathered in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from apps.brain.schemas import Fact
from apps.crm.enums import ActivityKind, RecordKind
from apps.crm.models import Activity, Contact, Record, Task
from apps.execution.schemas import JsonValue, RecordRef
from apps.suggestions.pipeline.awaiting import Awaiting
from apps.suggestions.pipeline.readers import Readers
from apps.triggers.models import Signal
from apps.triggers.moments import ScanMoment


@dataclass(slots=True)
class Context:
    """What is known about one record, for one goal.

    ``unreadable`` names what signals saw in rows that a reader of the suggestion may not see. ``doer_id`` is
    who can be given what is to be done: the assignee, unless they have left. ``likelihood`` is how probable
    the finding itself is, 0 to 1, where it says so.
    """

    awaiting: Awaiting
    moment: ScanMoment
    label: str
    assignee_id: int | None
    value_at_stake: Decimal | None = None
    currency: str = ""
    facts: list[Fact] = field(default_factory=list)
    unreadable: frozenset[str] = frozenset()
    doer_id: int | None = None
    likelihood: float | None = None

    def add(
        self,
        key: str,
        label: str,
        text: str,
        *,
        value: JsonValue = None,
        occurred_at: datetime | None = None,
        record: RecordRef | None = None,
    ) -> None:
        """Add a fact with the next number; an empty text is no fact."""
        if text:
            self.facts.append(
                Fact(len(self.facts) + 1, key, label, text, value, occurred_at, record)
            )

    def add_moment(self, key: str, label: str, at: datetime) -> None:
        """Add a moment, shown as its day in the tenant's zone."""
        text = local_day(at, self.moment)
        self.add(key, label, text, value=local_iso(at, self.moment), occurred_at=at)

    def add_day(self, key: str, label: str, day: date | None) -> None:
        """Add a day."""
        if day is not None:
            self.add(key, label, day_text(day), value=day.isoformat())

    def add_linked(self, key: str, label: str, record: Record | None) -> None:
        """Add a record that this one leads to, and that its readers may see."""
        if record is not None:
            self.add(key, label, str(record), record=RecordRef(record.kind, record.pk))
        if isinstance(record, Contact):
            self.add_wish(record)

    def add_wish(self, person: Contact | None) -> None:
        """Add that somebody does not want to be contacted, where that is so."""
        if person is not None and person.do_not_contact:
            self.add("not_to_be_contacted", "Does not want to be contacted", str(person))

    def add_person(self, key: str, label: str, contact: Contact) -> None:
        """Add somebody at the account, with what they do there."""
        text = f"{contact}, {contact.title}" if contact.title else str(contact)
        ref = RecordRef(RecordKind.CONTACT, contact.pk)
        self.add(key, label, text, value=str(contact), record=ref)

    def add_activity(self, key: str, activity: Activity) -> None:
        """Add something that happened: its subject, with the way to it."""
        kind = ActivityKind(activity.activity_kind).label
        self.add(
            key,
            f"{kind} on {local_day(activity.occurred_at, self.moment)}",
            activity.subject or kind,
            value=local_iso(activity.occurred_at, self.moment),
            occurred_at=activity.occurred_at,
            record=RecordRef(RecordKind.ACTIVITY, activity.pk),
        )

    def add_history(self, last_activity_at: datetime | None, recent: Sequence[Activity]) -> None:
        """Add when there was last contact, and the latest activities, newest first."""
        if last_activity_at is not None:
            self.add_moment("last_activity", "Last contact", last_activity_at)
        for position, activity in enumerate(recent):
            key = "earlier_activity" if position else "last_activity_subject"
            self.add_activity(key, activity)
            if position == 0:
                kind = ActivityKind(activity.activity_kind)
                self.add("last_activity_kind", "Last contact by", kind.label, value=kind.value)

    def add_open_tasks(self, count: int, first: Sequence[Task] = ()) -> None:
        """Add how many open tasks there are, none is a fact, too; and the ``first`` of them."""
        self.add("open_tasks", "Open tasks", str(count) if count else "none", value=count)
        for task in first:
            due = f", due {day_text(task.due_on)}" if task.due_on else ""
            ref = RecordRef(RecordKind.TASK, task.pk)
            self.add("open_task", f"Open task{due}", task.title, record=ref)

    def add_value(self) -> None:
        """Add what is at stake, when that is known."""
        if self.value_at_stake is not None:
            amount = f"{self.value_at_stake:,.2f}".removesuffix(".00")
            text = f"{amount} {self.currency}".strip()
            self.add("value", "Value", text, value=str(self.value_at_stake))


@dataclass(frozen=True, slots=True)
class Group:
    """Records of one kind that are gathered together, with the signals that call for it."""

    awaiting: Sequence[Awaiting]
    signals: Mapping[int, Signal]
    moment: ScanMoment
    readers: Readers

    @property
    def ids(self) -> list[int]:
        """The ids of the records; one may be there for two goals."""
        return sorted({awaiting.record.id for awaiting in self.awaiting})

    def signals_of(self, awaiting: Awaiting) -> list[Signal]:
        """The firing signals of one record and goal, the strongest first."""
        return [self.signals[pk] for pk in awaiting.signal_ids if pk in self.signals]

    def ids_seen(self, name: str) -> set[int]:
        """The ids that signals name under ``name`` among their facts."""
        found = (signal.facts.get(name) for signal in self.signals.values())
        return {pk for pk in found if isinstance(pk, int)}

    def id_seen(self, awaiting: Awaiting, name: str) -> int | None:
        """The first id that the signals of one record name so."""
        found = (signal.facts.get(name) for signal in self.signals_of(awaiting))
        return next((pk for pk in found if isinstance(pk, int)), None)


def local_iso(at: datetime, moment: ScanMoment) -> str:
    """A moment in the tenant's zone, as ISO text."""
    return at.astimezone(moment.zone).isoformat()


def local_day(at: datetime, moment: ScanMoment) -> str:
    """The day of a moment in the tenant's zone, as people write it."""
    return day_text(at.astimezone(moment.zone).date())


def day_text(day: date) -> str:
    """A day as people write it: ``3 Nov 2026``."""
    return f"{day.day} {day:%b %Y}"
