"""Leads: where they come from, how they are worked on, and what comes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from apps.operations.demo.causes import Course, CourseTruth
from apps.operations.demo.names import Company
from apps.operations.demo.schemas import ChangedValue, DealRow, LeadRow, ProductRow
from apps.operations.demo.simulation.conversations import LEAD, converse, draw_person
from apps.operations.demo.simulation.diary import Counterpart, Diary, Matter
from apps.operations.demo.simulation.parties import Party
from apps.operations.demo.texts import HOSTILE_LEAD_NOTES, LEAD_SOURCES
from apps.operations.demo.topic_names import Topic

_HISTORY_DAYS = 240
# A lead that nobody has thought of for so long is given up in the next tidying.
_GIVEN_UP_AFTER_DAYS = 10
# So many of those who became customers were called good before, and of those who did not.
_CONVERTED_QUALIFIED_SHARE = 0.65
_LOST_QUALIFIED_SHARE = 0.3
# So many of the leads in work have lately said that they mean to buy, and so many seem to.
_BUYERS_SHARE = 0.08
_LOOKALIKES_SHARE = 0.12
# How it goes on after an answer: of a talk, a mail, a reply. Without one there is a reminder, or a call.
_NEXT_TOPICS = {
    Topic.LEAD_FIRST_MAIL: (Topic.LEAD_REPLY,),
    Topic.LEAD_REMINDER: (Topic.LEAD_REPLY,),
    Topic.LEAD_REPLY: (Topic.LEAD_CALL, Topic.LEAD_FIRST_MAIL),
    Topic.LEAD_CALL: (Topic.LEAD_REPLY, Topic.LEAD_FIRST_MAIL, Topic.LEAD_CALL),
}
_UNANSWERED_TOPICS = (Topic.LEAD_REMINDER, Topic.LEAD_REMINDER, Topic.LEAD_CALL)


@dataclass(slots=True)
class LeadBook:
    """The leads of one tenant in the making."""

    diary: Diary
    products: Sequence[ProductRow]
    purposes: Sequence[str]
    rng: Random

    def add_open_and_lost(self, count: int, owners: Sequence[str]) -> None:
        """Leads that came in over the last months and never became a deal, or not yet."""
        for number in range(count):
            created_at = self.diary.calendar.ago(self.rng.uniform(0, _HISTORY_DAYS), self.rng)
            self._add_worked(owners[number % len(owners)], created_at)
        self._let_some_write()
        # One of them carries a text that tries to give orders.
        leads = self.diary.world.leads
        for position, lead in enumerate(leads):
            if lead.status == "working":
                leads[position] = replace(lead, notes=HOSTILE_LEAD_NOTES)
                break

    def _let_some_write(self) -> None:
        """Lately some leads have said that they mean to buy, and others have written for another reason."""
        world, calendar, rng = self.diary.world, self.diary.calendar, self.rng
        last: dict[str, datetime] = {}
        for row in world.activities:
            last[row.lead] = max(last.get(row.lead, row.occurred_at), row.occurred_at)
        busy = {task.lead for task in world.tasks if task.status == "open"}
        causes = world.causes
        for lead in world.leads:
            if lead.status not in {"working", "qualified"} or lead.key in busy:
                continue
            draw, at = rng.random(), calendar.ago(rng.uniform(0.2, 6), rng)
            topic = Topic.LEAD_INTENT if draw < _BUYERS_SHARE else Topic.LEAD_LOOKALIKE
            if draw > _BUYERS_SHARE + _LOOKALIKES_SHARE or at < last[lead.key]:
                continue
            matter = self._matter_of(lead)
            if topic is Topic.LEAD_INTENT:
                self.diary.mail_in(matter, at, topic, rng)
                causes.intents[lead.key] = at
            else:
                for _ in range(rng.choice((1, 2, 3))):
                    self.diary.mail_in(matter, at, topic, rng)
                    at = min(calendar.after(at, rng.uniform(0.1, 1.5), rng), calendar.now)
                causes.lookalike_leads[lead.key] = at

    def _matter_of(self, lead: LeadRow) -> Matter:
        """What the conversation with a lead that stands in the book is about."""
        other = Counterpart(
            key="",
            first_name=lead.first_name,
            last_name=lead.last_name,
            title=lead.title,
            company=lead.company,
            email=lead.email,
            phone=lead.phone,
            traits=self.diary.world.causes.people[lead.key],
        )
        return replace(self._matter(lead.owner, other), lead=lead.key)

    def add_converted(self, party: Party, deal: DealRow) -> None:
        """The lead that a contact was before there was a deal."""
        rng, other = self.rng, party.counterpart
        converted_at = party.created_at
        created_at = self.diary.calendar.after(converted_at, -rng.uniform(6, 40), rng)
        created_at = min(created_at, converted_at - timedelta(hours=5))
        matter = self._matter(party.owner, other)
        started_at = self.diary.calendar.after(created_at, rng.uniform(0.05, 0.9), rng)
        self._court(matter, started_at, converted_at)
        key = matter.lead
        before = self._work(key, party.owner, started_at, converted_at, _CONVERTED_QUALIFIED_SHARE)
        changes: dict[str, tuple[ChangedValue, ChangedValue]] = {
            "status": (before, "converted"),
            "converted_contact_id": (None, other.key),
            "converted_opportunity_id": (None, deal.key),
        }
        self.diary.change("lead", key, converted_at, party.owner, changes)
        self.diary.world.causes.leads[key] = CourseTruth(Course.ENDED, converted_at)
        self._write(
            key, party.owner, other, "converted", created_at,
            converted_contact=other.key, converted_deal=deal.key,
        )  # fmt: skip

    def _court(self, matter: Matter, started_at: datetime, until: datetime) -> None:
        """Mails and calls until somebody decides; what comes in is answered."""
        rng, calendar = self.rng, self.diary.calendar
        at, topic = started_at, Topic.LEAD_FIRST_MAIL
        while at < until:
            if topic is Topic.LEAD_REPLY:
                self.diary.mail_in(matter, at, topic, rng)
            elif topic is Topic.LEAD_CALL:
                self.diary.talk(matter, at, topic, rng)
                recap_at = min(at + timedelta(hours=1), until)
                self.diary.mail_out(matter, recap_at, Topic.RECAP, rng)
            else:
                self.diary.mail_out(matter, at, topic, rng)
            answers = rng.random() < matter.counterpart.traits.reply_rate
            topic = rng.choice(_NEXT_TOPICS[topic] if answers else _UNANSWERED_TOPICS)
            at = calendar.after(at, rng.uniform(1.5, 9), rng)

    def _work(
        self, key: str, owner: str, started_at: datetime, until: datetime, qualified_share: float
    ) -> str:
        """A lead is taken up, and sometimes found good, before something else comes of it."""
        status = "new"
        for after, share, days in (("working", 0.9, 0.0), ("qualified", qualified_share, 4.0)):
            at = self.diary.calendar.after(started_at, days, self.rng)
            if at < until and self.rng.random() < share:
                self.diary.change("lead", key, at, owner, {"status": (status, after)})
                status = after
        return status

    def _add_worked(self, owner: str, created_at: datetime) -> None:
        diary, rng = self.diary, self.rng
        other = self._somebody(diary.names.company())
        matter = self._matter(owner, other)
        key = matter.lead
        diary.world.causes.people[key] = other.traits
        decided_at = diary.calendar.after(created_at, 8 + rng.gammavariate(2.2, 17.0), rng)
        started_at = diary.calendar.after(created_at, rng.uniform(0.05, 2.0), rng)
        if rng.random() < diary.rep(owner).forgetfulness * 4:
            # Came in and was overlooked.
            started_at = diary.calendar.after(created_at, rng.uniform(9, 60), rng)
        is_untouched = not diary.calendar.has_happened(started_at)
        truth = converse(
            diary, matter, started_at, LEAD, rng, until=decided_at, momentum=other.traits.interest
        )
        if is_untouched and diary.calendar.now - created_at > timedelta(days=3):
            truth = CourseTruth(Course.FORGOTTEN, created_at)
        given_up_at = truth.since + timedelta(days=_GIVEN_UP_AFTER_DAYS + rng.uniform(0, 20))
        is_given_up = (
            truth.course in {Course.FORGOTTEN, Course.SILENT}
            and given_up_at < diary.calendar.now
            and rng.random() < 0.9
        )
        status = "new" if is_untouched else "working"
        ended_at = None
        if truth.course is Course.ENDED:
            diary.mail_out(matter, truth.since, Topic.FAREWELL, rng)
            status, ended_at = "unqualified", truth.since
        elif is_given_up:
            status, ended_at = "unqualified", given_up_at
        elif not is_untouched and other.traits.interest > 0.55 and rng.random() < 0.5:
            status = "qualified"
        diary.world.causes.leads[key] = truth
        self._record_status(key, owner, started_at, status, ended_at)
        self._write(key, owner, other, status, created_at)

    def _record_status(
        self, key: str, owner: str, started_at: datetime, status: str, ended_at: datetime | None
    ) -> None:
        calendar = self.diary.calendar
        before = "new"
        if status != "new" and calendar.has_happened(started_at):
            self.diary.change("lead", key, started_at, owner, {"status": ("new", "working")})
            before = "working"
        if status == "qualified":
            at = min(calendar.after(started_at, 3, self.rng), calendar.now)
            self.diary.change("lead", key, at, owner, {"status": (before, "qualified")})
        if ended_at is not None:
            at = calendar.after(started_at, 4, self.rng)
            if before == "working" and at < ended_at and self.rng.random() < _LOST_QUALIFIED_SHARE:
                self.diary.change("lead", key, at, owner, {"status": (before, "qualified")})
                before = "qualified"
            self.diary.change("lead", key, ended_at, owner, {"status": (before, status)})

    def _somebody(self, company: Company) -> Counterpart:
        names = self.diary.names
        first_name, last_name = names.person()
        return Counterpart(
            key="",
            first_name=first_name,
            last_name=last_name,
            title=names.title(),
            company=company.name,
            email=names.email(first_name, last_name, company.domain),
            phone=names.phone(),
            traits=draw_person(self.rng),
        )

    def _matter(self, owner: str, other: Counterpart) -> Matter:
        slots = {
            "first": other.first_name,
            "company": other.company,
            "product": self.rng.choice(self.products).name,
            "purpose": self.rng.choice(self.purposes),
        }
        key = f"lead-{len(self.diary.world.leads) + 1}"
        return Matter(owner=owner, counterpart=other, slots=slots, lead=key)

    def _write(
        self,
        key: str,
        owner: str,
        other: Counterpart,
        status: str,
        created_at: datetime,
        *,
        converted_contact: str = "",
        converted_deal: str = "",
    ) -> None:
        rng = self.rng
        price = rng.choice(self.products).price
        self.diary.world.leads.append(
            LeadRow(
                key=key,
                owner=owner,
                first_name=other.first_name,
                last_name=other.last_name,
                company=other.company,
                title=other.title,
                email=other.email,
                phone=other.phone if rng.random() < 0.7 else "",
                status=status,
                lead_source=rng.choice(LEAD_SOURCES),
                estimated_value=price * rng.choice((1, 1, 2, 3, 5, 8)) if price else Decimal(0),
                do_not_contact=status == "unqualified" and rng.random() < 0.05,
                notes="",
                created_at=created_at,
                converted_contact=converted_contact,
                converted_deal=converted_deal,
            )
        )
