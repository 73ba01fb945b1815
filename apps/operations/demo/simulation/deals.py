"""Deals: the dated history of closed ones, and open ones as a pipeline that is being worked on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from apps.operations.demo.causes import Course, CourseTruth, Engagement
from apps.operations.demo.dates import workday
from apps.operations.demo.schemas import ChangedValue, DealRow
from apps.operations.demo.simulation.conversations import DEAL, EARLY_DEAL, Manner, converse
from apps.operations.demo.simulation.diary import Diary, Matter
from apps.operations.demo.simulation.parties import Party
from apps.operations.demo.texts import KEPT_BY_TELEPHONE, LOST_REASONS, NEXT_STEPS, fill
from apps.operations.demo.topic_names import Topic

# Activities reach back so far; older deals have their dated stages only.
ACTIVITY_DAYS = 180
# Not everything that is done about a deal is logged.
_LOGGED_SHARE = 0.2
_CLOSED_REPLY_SHARE = 0.6
_CLOSED_DAYS_PER_TOUCH = 1.4
# Some of those who declined write again, a few months later.
_COMEBACK_SHARE = 0.12
_COMEBACK_DAYS = 20
# Of what a rep has forgotten lately: so much was done by somebody else, or without being logged.
_KEPT_OTHERWISE_SHARE = 0.25
_KEPT_WITHIN = timedelta(days=8)


@dataclass(frozen=True, slots=True)
class Handover:
    """A deal that changed hands."""

    former_owner: str
    at: datetime
    decided_by: str


@dataclass(slots=True)
class Draft:
    """A deal before its history is simulated. ``stages`` are the keys it has passed, with the moments."""

    key: str
    source: str
    name: str
    owner: str
    product: str
    account: str
    party: Party | None
    slots: dict[str, str]
    list_price: Decimal
    stages: list[tuple[str, datetime]]
    opened_on: date | None = None
    close_value: Decimal | None = None
    handover: Handover | None = None
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def created_at(self) -> datetime:
        """When it was entered."""
        return self.stages[0][1]

    @property
    def stage(self) -> str:
        """Where it stands."""
        return self.stages[-1][0]

    @property
    def is_set_back(self) -> bool:
        """Whether it was in its stage before, and further on in between."""
        return self.stage in {stage for stage, _ in self.stages[:-1]}


def matter_of(draft: Draft) -> Matter:
    """What the conversation about a deal is about."""
    if draft.party is None:
        raise ValueError(f"deal {draft.key} has nobody to talk to")
    handover = draft.handover
    return Matter(
        owner=draft.owner,
        counterpart=draft.party.counterpart,
        slots=draft.slots,
        contact=draft.party.counterpart.key,
        account=draft.account,
        deal=draft.key,
        former_owner=handover.former_owner if handover else "",
        handed_over_at=handover.at if handover else None,
    )


class DealBook:
    """Simulates deals and writes them down."""

    def __init__(self, diary: Diary, rng: Random) -> None:
        self._diary = diary
        self._rng = rng

    def add_closed(self, draft: Draft) -> DealRow:
        """A won or lost deal: its dated stages and, when it is recent, what was done about it."""
        rng = self._rng
        closed_at = draft.stages[-1][1]
        is_won = draft.stage == "won"
        opened_at = draft.stages[-2][1]
        expected = workday(opened_at.date() + timedelta(days=rng.randint(25, 90)))
        amount = draft.close_value if is_won and draft.close_value is not None else draft.list_price
        lost_reason = "" if is_won else rng.choice(LOST_REASONS)
        self._record_stages(
            draft,
            expected,
            at_close={
                "closed_on": (None, closed_at.date()),
                "amount": (draft.list_price, amount),
                "lost_reason": ("", lost_reason),
            },
        )
        if (closed_at.date() - opened_at.date()).days > 40 and rng.random() < 0.4:
            expected = self._slip(draft, expected, opened_at + (closed_at - opened_at) * 0.7)
        first_logged = self._diary.calendar.now - timedelta(days=ACTIVITY_DAYS)
        if closed_at >= first_logged and draft.party and rng.random() < _LOGGED_SHARE:
            self._log_closed(draft, max(opened_at, first_logged), closed_at)
        self._diary.world.causes.deals[draft.key] = CourseTruth(Course.ENDED, closed_at)
        return self._write(draft, amount, expected, closed_at.date(), lost_reason=lost_reason)

    def add_open(self, draft: Draft) -> DealRow:
        """An open deal: the conversation about it until now, and where that leaves it."""
        rng, causes, calendar = self._rng, self._diary.world.causes, self._diary.calendar
        momentum = round(rng.betavariate(2.2, 2.0), 3)
        causes.momentum[draft.key] = momentum
        if draft.is_set_back:
            causes.setbacks[draft.key] = draft.stages[-1][1]
        is_early = draft.stage == "prospecting"
        expected: date | None = None
        if not is_early or rng.random() < 0.6:
            expected = workday(draft.stages[-1][1].date() + timedelta(days=rng.randint(35, 110)))
        self._record_stages(draft, expected)
        course = CourseTruth(Course.SILENT, draft.created_at)
        if draft.party:
            course = self._talk(draft, EARLY_DEAL if is_early else DEAL, momentum)
        causes.deals[draft.key] = course
        while expected is not None and expected < calendar.today:
            # A rep who is on it moves a date that has passed; one who has forgotten it does not.
            if (
                course.course is not Course.GOING
                or rng.random() > self._diary.rep(draft.owner).tidiness
            ):
                break
            moved_at = calendar.on(expected - timedelta(days=rng.randint(0, 4)), rng)
            expected = self._slip(
                draft, expected, min(max(moved_at, draft.created_at), calendar.now)
            )
        next_step = ""
        if course.course is Course.GOING and rng.random() < 0.6:
            next_step = fill(rng.choice(NEXT_STEPS), draft.slots)
        return self._write(draft, draft.list_price, expected, None, next_step=next_step)

    def _talk(self, draft: Draft, manner: Manner, momentum: float) -> CourseTruth:
        diary, rng = self._diary, self._rng
        matter = matter_of(draft)
        # Having entered its stage the deal was alive then; what came before is not all logged, and a
        # setback begins it anew.
        begun_at = draft.stages[-1 if draft.is_set_back else -2 :][0][1]
        start = diary.calendar.after(begun_at, rng.uniform(0.02, 1.0), rng)
        course = converse(diary, matter, start, manner, rng, momentum=momentum)
        if course.course is Course.FORGOTTEN and rng.random() < _KEPT_OTHERWISE_SHARE:
            course = self._keep_otherwise(matter, course)
        if course.course is Course.GOING and rng.random() < 0.3:
            due_on = diary.calendar.today + timedelta(days=rng.randint(1, 9))
            made_at = max(diary.calendar.ago(rng.uniform(0, 3), rng), draft.created_at)
            diary.task(matter, made_at, rng, due_on=due_on)
        return course

    def _keep_otherwise(self, matter: Matter, forgotten: CourseTruth) -> CourseTruth:
        """A colleague wrote to the person, about no deal, or the rep telephoned and left a note."""
        diary, rng = self._diary, self._rng
        at = diary.calendar.after(forgotten.since, rng.uniform(1, 4), rng)
        if not diary.calendar.has_happened(at) or diary.calendar.now - at > _KEPT_WITHIN:
            return forgotten
        if rng.random() < 0.5:
            diary.mail_out(replace(matter, deal=""), at, Topic.ANSWER, rng)
        else:
            diary.note(matter, at, rng, more=rng.choice(KEPT_BY_TELEPHONE))
        return CourseTruth(Course.GOING, at)

    def _log_closed(self, draft: Draft, start: datetime, closed_at: datetime) -> None:
        """Touch by touch at the rep's tempo, as with an open deal; then the decision."""
        diary, rng, matter = self._diary, self._rng, matter_of(draft)
        is_won = draft.stage == "won"
        tempo_days = diary.rep(draft.owner).tempo_days
        diary.world.causes.engagement.append(
            Engagement(
                matter.contact,
                matter.account,
                start,
                closed_at,
                7 / tempo_days * _CLOSED_DAYS_PER_TOUCH,
            )
        )
        topic, at = Topic.FIRST_MAIL, start
        while at < closed_at - timedelta(hours=30):
            if topic is not Topic.FIRST_MAIL and rng.random() < DEAL.talk_share:
                diary.talk(matter, at, rng.choice(DEAL.talks), rng)
                topic = Topic.RECAP
                at = diary.calendar.after(at, 0.1, rng)
            diary.mail_out(matter, at, topic, rng)
            reply_at = diary.calendar.after(at, min(3.0, rng.expovariate(1.0)), rng)
            if rng.random() < _CLOSED_REPLY_SHARE and reply_at < closed_at:
                diary.mail_in(matter, reply_at, Topic.REPLY, rng)
            gap_days = min(10.0, rng.gammavariate(2.4, tempo_days / 2.4))
            topic, at = rng.choice(DEAL.mails), diary.calendar.after(at, max(0.8, gap_days), rng)
        if rng.random() < 0.5:
            diary.mail_in(matter, closed_at, Topic.ORDER if is_won else Topic.DECLINED, rng)
        last_at = min(diary.calendar.after(closed_at, 0.1, rng), diary.calendar.now)
        topic = Topic.ORDER_CONFIRMED if is_won else Topic.FAREWELL
        diary.mail_out(matter, last_at, topic, rng)
        if not is_won and last_at < diary.calendar.ago(70, rng) and rng.random() < _COMEBACK_SHARE:
            self._come_back(matter)

    def _come_back(self, matter: Matter) -> None:
        """The other side takes a lost matter up again; the rep answers, if not yet."""
        diary, rng = self._diary, self._rng
        at = diary.calendar.ago(rng.uniform(0.1, _COMEBACK_DAYS), rng)
        diary.world.causes.comebacks[diary.mail_in(matter, at, Topic.COMEBACK, rng)] = at
        reply_days = diary.rep(matter.owner_at(at)).reply_days
        answered_at = diary.calendar.after(at, 4 * rng.expovariate(1 / reply_days), rng)
        if diary.calendar.has_happened(answered_at):
            diary.mail_out(matter, answered_at, Topic.ANSWER, rng)

    def _record_stages(
        self,
        draft: Draft,
        expected: date | None,
        at_close: dict[str, tuple[ChangedValue, ChangedValue]] | None = None,
    ) -> None:
        """The change log of the stages; a deal was created in the first."""
        first_owner = draft.handover.former_owner if draft.handover else draft.owner
        for number, ((before, _), (after, at)) in enumerate(
            zip(draft.stages, draft.stages[1:], strict=False), start=1
        ):
            changes: dict[str, tuple[ChangedValue, ChangedValue]] = {"stage_id": (before, after)}
            if number == 1 and draft.opened_on:
                changes["opened_on"] = (None, draft.opened_on)
                if expected:
                    changes["expected_close_on"] = (None, expected)
            if number == len(draft.stages) - 1:
                changes |= {
                    name: change
                    for name, change in (at_close or {}).items()
                    if change[0] != change[1]
                }
            handover = draft.handover
            actor = draft.owner if handover and at >= handover.at else first_owner
            self._diary.change("opportunity", draft.key, at, actor, changes)
        if draft.handover:
            self._diary.change(
                "opportunity", draft.key, draft.handover.at, draft.handover.decided_by,
                {"owner_id": (draft.handover.former_owner, draft.owner)},
            )  # fmt: skip

    def _slip(self, draft: Draft, expected: date, at: datetime) -> date:
        """Move the expected close date, and record it."""
        later = workday(expected + timedelta(days=self._rng.randint(10, 45)))
        owner = draft.owner
        if draft.handover and at < draft.handover.at:
            owner = draft.handover.former_owner
        self._diary.change(
            "opportunity", draft.key, at, owner, {"expected_close_on": (expected, later)}
        )
        return later

    def _write(
        self,
        draft: Draft,
        amount: Decimal,
        expected: date | None,
        closed_on: date | None,
        *,
        next_step: str = "",
        lost_reason: str = "",
    ) -> DealRow:
        row = DealRow(
            key=draft.key,
            source=draft.source,
            name=draft.name,
            account=draft.account,
            contact=draft.party.counterpart.key if draft.party else "",
            product=draft.product,
            owner=draft.owner,
            stage=draft.stage,
            stage_entered_at=draft.stages[-1][1],
            amount=amount,
            opened_on=draft.opened_on,
            expected_close_on=expected,
            closed_on=closed_on,
            next_step=next_step,
            lost_reason=lost_reason,
            created_at=draft.created_at,
            attributes=draft.attributes,
        )
        self._diary.world.deals.append(row)
        return row
