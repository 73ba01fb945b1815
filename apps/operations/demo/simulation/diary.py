"""Writing down what happens: activities, tasks and dated changes, with their wording."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random

from apps.operations.demo.causes import DetailChange, PersonTraits, RepTraits, TaskTruth
from apps.operations.demo.dates import Calendar, workday
from apps.operations.demo.names import NameBook, other_format
from apps.operations.demo.schemas import (
    ActivityRow,
    ChangedValue,
    ChangeRow,
    Person,
    TaskRow,
    World,
)
from apps.operations.demo.texts import TASK_TITLES, fill, letter, word
from apps.operations.demo.topic_names import Topic

# A mail's signature is read by the CRM only now and then: short answers carry none.
_SIGNED_SHARE = 0.6
# Some write their own number differently from the card: the same number all the same.
_OTHER_FORMAT_SHARE = 0.04
# A task that nobody has touched for so long was cleared away in the yearly tidying.
_CLEARED_AFTER_DAYS = 30
# A written task slips more easily than a promise made face to face.
_TASK_NEGLECT = 1.2


@dataclass(slots=True)
class Counterpart:
    """The person on the other side, with the details that they had at first."""

    key: str
    first_name: str
    last_name: str
    title: str
    company: str
    email: str
    phone: str
    traits: PersonTraits
    change: DetailChange | None = None

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"

    def details_at(self, moment: datetime) -> dict[str, str]:
        """Telephone, title and address as they really were at a moment."""
        details = {"phone": self.phone, "title": self.title, "email": self.email}
        if self.change is not None and self.change.since <= moment:
            changed = (("phone", self.change.phone), ("title", self.change.title))
            details |= {
                name: value for name, value in (*changed, ("email", self.change.email)) if value
            }
        return details

    def address_is_dead_at(self, moment: datetime) -> bool:
        """Whether mail to the known address came back at a moment."""
        return (
            self.change is not None and self.change.address_is_dead and self.change.since <= moment
        )


@dataclass(frozen=True, slots=True)
class Matter:
    """What a conversation is about: the records it hangs on, both sides, and the wording's slots."""

    owner: str
    counterpart: Counterpart
    slots: dict[str, str]
    lead: str = ""
    contact: str = ""
    account: str = ""
    deal: str = ""
    former_owner: str = ""
    handed_over_at: datetime | None = None

    def owner_at(self, moment: datetime) -> str:
        """Whose matter it was at a moment."""
        if self.handed_over_at is not None and moment < self.handed_over_at:
            return self.former_owner
        return self.owner


@dataclass(slots=True)
class Diary:
    """Everything that has been written down about one tenant so far."""

    world: World
    calendar: Calendar
    names: NameBook
    house: str
    people: dict[str, Person] = field(default_factory=dict)
    task_share: float = 0.12  # how many mails leave a task behind
    names_dates: bool = False  # promises may name a date, which does not move along

    def rep(self, username: str) -> RepTraits:
        """How a rep works."""
        return self.world.causes.reps[username]

    def mail_out(
        self, matter: Matter, at: datetime, topic: Topic, rng: Random, *, more: str = ""
    ) -> str:
        """A mail from the rep; it bounces when the address is dead. Returns the activity's key.

        ``more`` is said after the topic's own words.
        """
        owner = matter.owner_at(at)
        sender = self.people[owner]
        subject, body = self._word(matter, owner, topic, rng)
        body = f"{body} {more}".rstrip()
        signature = f"Best regards\n{sender.name}\n{self.house}"
        dead = matter.counterpart.address_is_dead_at(at)
        return self._write(
            matter, at, "email", "outbound", subject,
            letter(matter.counterpart.first_name, body, signature),
            delivery="bounced" if dead else "delivered",
        )  # fmt: skip

    def mail_in(self, matter: Matter, at: datetime, topic: Topic, rng: Random) -> str:
        """A mail from the other side, often with a signature. Returns the activity's key."""
        owner = matter.owner_at(at)
        other = matter.counterpart
        subject, body = self._word(matter, owner, topic, rng)
        stated: dict[str, str] = {}
        signature = f"{other.first_name}"
        if other.traits.signs_mails and rng.random() < _SIGNED_SHARE:
            stated = other.details_at(at)
            if rng.random() < _OTHER_FORMAT_SHARE:
                stated["phone"] = other_format(stated["phone"])
            signature = (
                f"Kind regards\n{other.name}\n{stated['title']}, {other.company}\n"
                f"{stated['phone']} | {stated['email']}"
            )
        return self._write(
            matter, at, "email", "inbound", subject,
            letter(self.people[owner].first_name, body, signature),
            address=other.details_at(at)["email"], stated=stated,
        )  # fmt: skip

    def talk(
        self, matter: Matter, at: datetime, topic: Topic, rng: Random, *, more: str = ""
    ) -> str:
        """A call or a meeting, with the rep's minutes. Returns the activity's key."""
        subject, minutes = self._word(matter, matter.owner_at(at), topic, rng)
        minutes = f"{minutes} {more}".rstrip()
        is_meeting = topic in {Topic.MEETING, Topic.LEAD_MEETING}
        direction = "none" if is_meeting else rng.choice(("outbound", "outbound", "inbound"))
        return self._write(
            matter, at, "meeting" if is_meeting else "call", direction, subject, minutes
        )

    def note(self, matter: Matter, at: datetime, rng: Random, *, more: str = "") -> str:
        """A note of the rep's own. Returns the activity's key."""
        subject, body = self._word(matter, matter.owner_at(at), Topic.NOTE, rng)
        body = f"{body} {more}".rstrip()
        return self._write(matter, at, "note", "none", subject, body)

    def task(
        self,
        matter: Matter,
        at: datetime,
        rng: Random,
        *,
        due_on: date | None = None,
        title: str = "",
    ) -> str:
        """A promise written down as a task, and what became of it. Returns the task's key."""
        owner = matter.owner_at(at)
        rep = self.rep(owner)
        due_on = workday(due_on or (at + timedelta(days=rng.randint(2, 8))).date())
        latest = min(self.calendar.now, self.calendar.on(due_on, rng))
        done_at = at
        if latest > at:
            # By the world's clock: an hour that the zone leaves out would lie after now.
            begin, end = at.astimezone(UTC), latest.astimezone(UTC)
            done_at = begin + (end - begin) * rng.uniform(0.2, 1.0)
            done_at = done_at.replace(microsecond=0).astimezone(at.tzinfo)
        status = "done"
        completed_at: datetime | None = done_at
        truth: TaskTruth | None = None
        if rng.random() < rep.forgetfulness * _TASK_NEGLECT * rep.backlog:
            status, completed_at = "open", None
            truth = (
                TaskTruth.DONE_NOT_TICKED if rng.random() > rep.tidiness else TaskTruth.FORGOTTEN
            )
            if due_on < self.calendar.today - timedelta(days=_CLEARED_AFTER_DAYS):
                status, truth = "cancelled", None
        if due_on >= self.calendar.today and (completed_at is None or rng.random() < 0.7):
            status, completed_at, truth = "open", None, TaskTruth.AHEAD
        title = title or rng.choice(TASK_TITLES)
        key = f"task-{len(self.world.tasks) + 1}"
        self.world.tasks.append(
            TaskRow(
                key=key,
                owner=owner if status != "open" else matter.owner,
                title=fill(title, matter.slots),
                description=f"Promised to {matter.counterpart.name}, {matter.counterpart.company}.",
                due_on=due_on,
                status=status,
                priority=rng.choices((1, 2, 3, 4), weights=(15, 60, 20, 5))[0],
                created_at=at,
                completed_at=completed_at,
                lead=matter.lead,
                contact=matter.contact,
                account=matter.account,
                deal=matter.deal,
            )
        )
        if truth is not None:
            self.world.causes.tasks[key] = truth
        if status != "open":
            closed_at = completed_at or self.calendar.after(
                self.calendar.on(due_on, rng), _CLEARED_AFTER_DAYS, rng
            )
            closed_at = min(closed_at, self.calendar.now)
            changes: dict[str, tuple[ChangedValue, ChangedValue]] = {"status": ("open", status)}
            if completed_at is not None:
                changes["completed_at"] = (None, completed_at)
            self.change("task", key, closed_at, owner, changes)
        return key

    def change(
        self,
        record_kind: str,
        record: str,
        at: datetime,
        actor: str,
        changes: dict[str, tuple[ChangedValue, ChangedValue]],
    ) -> None:
        """One dated change of a record."""
        self.world.changes.append(ChangeRow(record_kind, record, at, actor, changes))

    def _word(self, matter: Matter, owner: str, topic: Topic, rng: Random) -> tuple[str, str]:
        return word(topic, {**matter.slots, "rep": self.people[owner].first_name}, rng)

    def _write(
        self,
        matter: Matter,
        at: datetime,
        kind: str,
        direction: str,
        subject: str,
        body: str,
        *,
        address: str = "",
        delivery: str = "unknown",
        stated: dict[str, str] | None = None,
    ) -> str:
        key = f"activity-{len(self.world.activities) + 1}"
        other = matter.counterpart
        self.world.activities.append(
            ActivityRow(
                key=key,
                owner=matter.owner_at(at),
                kind=kind,
                direction=direction,
                occurred_at=at,
                subject=subject,
                body=body,
                lead=matter.lead,
                contact=matter.contact,
                account=matter.account,
                deal=matter.deal,
                counterpart_address="" if kind == "note" else address or other.email,
                counterpart_name="" if kind == "note" else other.name,
                delivery=delivery,
                stated_details=stated or {},
            )
        )
        return key
