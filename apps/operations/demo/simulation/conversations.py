"""A conversation between a rep and somebody on the other side, touch by touch until now.

Each touch may end it for a while: the rep forgets what was promised, the other side falls silent, or both
agree to wait. A pause ends when the rep remembers or the agreed time has come.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random

from apps.operations.demo.causes import Course, CourseTruth, PersonTraits
from apps.operations.demo.simulation.diary import Diary, Matter
from apps.operations.demo.texts import HOLD_TASK_TITLE
from apps.operations.demo.topics import Topic

# After so many unanswered mails in a row a rep gives up for a while; one matter of four is worth more.
_PATIENCE_MAILS = (3, 3, 3, 6)
# ... and sometimes after one or two.
_WEARINESS = 0.055
# So many answers of the other side call for one of ours; the rest say thank you.
_QUESTION_SHARE = 0.95
# Of what is forgotten after a mail: so often the mail itself, else what was promised in answer to it.
_PASSED_OVER_SHARE = 0.5
# So many of those whose mail was passed over write again.
_ASKS_AGAIN_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Manner:
    """How conversations of one sort go: topics, pace, and how often they are put on hold."""

    first: tuple[Topic, ...]
    mails: tuple[Topic, ...]
    replies: tuple[Topic, ...]
    reminders: tuple[Topic, ...]
    talks: tuple[Topic, ...]
    talk_share: float
    pace: float  # times the rep's usual tempo
    eagerness: float  # times the other side's reply rate
    hold_share: float
    neglect: float  # times the rep's forgetfulness


DEAL = Manner(
    first=(Topic.FIRST_MAIL,),
    mails=(Topic.QUOTE, Topic.ANSWER, Topic.QUOTE),
    replies=(Topic.REPLY,),
    reminders=(Topic.REMINDER,),
    talks=(Topic.CALL, Topic.CALL, Topic.MEETING),
    talk_share=0.36,
    pace=1.0,
    eagerness=1.0,
    hold_share=0.02,
    neglect=1.0,
)
EARLY_DEAL = Manner(
    first=(Topic.FIRST_MAIL,),
    mails=(Topic.QUOTE, Topic.FIRST_MAIL),
    replies=(Topic.REPLY,),
    reminders=(Topic.REMINDER,),
    talks=(Topic.CALL,),
    talk_share=0.3,
    pace=1.05,
    eagerness=0.9,
    hold_share=0.01,
    neglect=1.0,
)
LEAD = Manner(
    first=(Topic.LEAD_FIRST_MAIL,),
    mails=(Topic.LEAD_REMINDER, Topic.LEAD_FIRST_MAIL),
    replies=(Topic.LEAD_REPLY,),
    reminders=(Topic.LEAD_REMINDER,),
    talks=(Topic.LEAD_CALL, Topic.LEAD_CALL, Topic.LEAD_MEETING),
    talk_share=0.3,
    pace=0.9,
    eagerness=0.75,
    hold_share=0.005,
    neglect=1.7,
)


def draw_person(rng: Random) -> PersonTraits:
    """Somebody's interest and habits."""
    interest = rng.betavariate(2.6, 2.0)
    return PersonTraits(
        interest=round(interest, 3),
        reply_rate=round(min(0.95, 0.35 + 0.5 * interest + rng.uniform(0, 0.15)), 3),
        reply_days=round(rng.lognormvariate(0.1, 0.6), 2),
        signs_mails=rng.random() < 0.85,
    )


def converse(
    diary: Diary,
    matter: Matter,
    start: datetime,
    manner: Manner,
    rng: Random,
    *,
    until: datetime | None = None,
    momentum: float = 0.5,
) -> CourseTruth:
    """Let the two sides talk from ``start`` to now, or to the first touch after ``until``.

    ``momentum`` (0 to 1) is how much the matter itself presses: it makes answers more likely.

    Returns:
        the course as it stands now; ENDED, with the moment, when ``until`` was reached.
    """
    calendar, causes = diary.calendar, diary.world.causes
    eagerness = manner.eagerness * (0.8 + 0.4 * momentum)
    at, since, course = start, start, Course.GOING
    unanswered, step = 0, 0
    patience = rng.choice(_PATIENCE_MAILS)
    while calendar.has_happened(at):
        if until is not None and at >= until:
            return CourseTruth(Course.ENDED, at)
        if course is not Course.GOING:
            since, course = at, Course.GOING
        rep = diary.rep(matter.owner_at(at))
        step += 1
        forgot = rng.random() < rep.forgetfulness * manner.neglect
        if step > 1 and rng.random() < manner.talk_share:
            key = diary.talk(matter, at, rng.choice(manner.talks), rng)
            unanswered = 0
            if forgot:
                causes.forgotten_followups[key] = at
            elif rng.random() < 0.6:
                recap_at = calendar.after(at, rng.uniform(0.05, 0.8), rng)
                if calendar.has_happened(recap_at):
                    at = recap_at
                    diary.mail_out(matter, at, Topic.RECAP, rng)
            else:
                diary.task(matter, at, rng)
        else:
            topics = manner.first if step == 1 else manner.reminders if unanswered else manner.mails
            diary.mail_out(matter, at, rng.choice(topics), rng)
            answered_at = _reply_moment(diary, matter, at, eagerness, rng)
            if answered_at is None:
                unanswered += 1
                forgot = False
            elif calendar.has_happened(answered_at):
                at, unanswered = answered_at, 0
                if rng.random() < manner.hold_share:
                    diary.mail_in(matter, at, Topic.HOLD, rng)
                    weeks_later = calendar.after(at, rng.uniform(25, 60), rng)
                    diary.task(matter, at, rng, due_on=weeks_later.date(), title=HOLD_TASK_TITLE)
                    at, since, course = weeks_later, at, Course.ON_HOLD
                    continue
                key = diary.mail_in(matter, at, rng.choice(manner.replies), rng)
                if forgot and rng.random() < _PASSED_OVER_SHARE:
                    at = _ask_again(diary, matter, key, at, manner, rng)
                elif forgot or rng.random() < _QUESTION_SHARE:
                    at = _answer(diary, matter, at, rng)
            if rng.random() < diary.task_share:
                diary.task(matter, at, rng)
            if rng.random() < 0.05:
                diary.note(matter, at, rng)
        if forgot:
            since, course = at, Course.FORGOTTEN
            at = calendar.after(at, _days_until_remembered(rng), rng)
        elif unanswered >= patience or (unanswered and rng.random() < _WEARINESS):
            since, course = at, Course.SILENT
            unanswered = 1
            at = calendar.after(at, 35 + rng.expovariate(1 / 35), rng)
        else:
            gap_days = min(10.0, rng.gammavariate(2.4, rep.tempo_days * manner.pace / 2.4))
            at = calendar.after(at, max(0.8, gap_days), rng)
    return CourseTruth(course, since)


def _ask_again(
    diary: Diary, matter: Matter, key: str, at: datetime, manner: Manner, rng: Random
) -> datetime:
    """A mail was passed over; some write once more. Returns when they wrote last."""
    again_at = diary.calendar.after(at, rng.uniform(2, 5), rng)
    if rng.random() < _ASKS_AGAIN_SHARE and diary.calendar.has_happened(again_at):
        key, at = diary.mail_in(matter, again_at, rng.choice(manner.replies), rng), again_at
    diary.world.causes.forgotten_mails[key] = at
    return at


def _answer(diary: Diary, matter: Matter, at: datetime, rng: Random) -> datetime:
    """The rep answers a mail, mostly on the same or the next day; returns when, or ``at`` if not yet."""
    reply_days = diary.rep(matter.owner_at(at)).reply_days
    answered_at = diary.calendar.after(at, min(3.0, rng.expovariate(1 / reply_days)), rng)
    if not diary.calendar.has_happened(answered_at):
        return at
    diary.mail_out(matter, answered_at, Topic.ANSWER, rng)
    return answered_at


def _reply_moment(
    diary: Diary, matter: Matter, at: datetime, eagerness: float, rng: Random
) -> datetime | None:
    """When the mail of ``at`` is answered, if ever; it may lie after now."""
    if matter.counterpart.address_is_dead_at(at):
        return None
    traits = matter.counterpart.traits
    if rng.random() > traits.reply_rate * eagerness:
        return None
    return diary.calendar.after(at, min(6.0, rng.expovariate(1 / traits.reply_days)), rng)


def _days_until_remembered(rng: Random) -> float:
    """Mostly five or six weeks; some matters lie for months."""
    if rng.random() < 0.2:
        return rng.uniform(55, 110)
    return 16 + rng.gammavariate(2.0, 13.0)
