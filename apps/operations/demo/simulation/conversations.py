"""A conversation between a rep and somebody on the other side, touch by touch until now.

Each touch may end it for a while: the rep forgets what was promised, the other side falls silent, or both
agree to wait. A pause ends when the rep remembers or the agreed time has come.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from random import Random

from apps.operations.demo.causes import Course, CourseTruth, Engagement, PersonTraits
from apps.operations.demo.simulation.diary import Diary, Matter
from apps.operations.demo.simulation.promises import promise, sounds_like_a_promise
from apps.operations.demo.texts import HOLD_TASK_TITLE
from apps.operations.demo.topic_names import Topic

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
# So often a promise names the day; a forgotten one that is all that is left of a matter nearly always does.
_DATED_SHARE = 0.12
_FORGOTTEN_DATED_SHARE = 0.85
# So many talks and mails name a day on which nothing is owed.
_OTHER_DAY_SHARE = 0.04
# From which interest on a lead means to buy, and how many of its answers say so.
_MEANS_TO_BUY = 0.6
_SAYS_SO_SHARE = 0.6
# Days with contact for each touch: answers come on other days.
_DAYS_PER_TOUCH = 1.28


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
    eager_replies: tuple[Topic, ...] = ()  # of those who mean to buy


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
    eager_replies=(Topic.LEAD_INTENT,),
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
    goes_on_since = start
    patience = rng.choice(_PATIENCE_MAILS)
    while calendar.has_happened(at):
        if until is not None and at >= until:
            _engage(diary, matter, goes_on_since, at, manner)
            return CourseTruth(Course.ENDED, at)
        if course is not Course.GOING:
            since, course, goes_on_since = at, Course.GOING, at
        rep = diary.rep(matter.owner_at(at))
        step += 1
        forgot = rng.random() < rep.forgetfulness * manner.neglect
        due_on: date | None = None
        if step > 1 and rng.random() < manner.talk_share:
            more, due_on = _say_when(diary, at, forgot, rng)
            key = diary.talk(matter, at, rng.choice(manner.talks), rng, more=more)
            unanswered = 0
            if forgot:
                causes.forgotten_followups[key] = at
                _note_forgotten(diary, key, due_on)
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
                    _engage(diary, matter, goes_on_since, at, manner)
                    at, since, course = weeks_later, at, Course.ON_HOLD
                    continue
                if forgot or rng.random() < _QUESTION_SHARE:
                    key = _reply(diary, matter, at, manner, rng)
                    if forgot and rng.random() < _PASSED_OVER_SHARE:
                        at = _ask_again(diary, matter, key, at, manner, rng)
                    else:
                        at, due_on = _answer(diary, matter, at, forgot, rng)
                else:
                    diary.mail_in(matter, at, Topic.THANKS, rng)
            if rng.random() < diary.task_share:
                diary.task(matter, at, rng)
            if rng.random() < 0.05:
                diary.note(matter, at, rng)
        if forgot:
            since, course = at, Course.FORGOTTEN
            _engage(diary, matter, goes_on_since, at, manner)
            at = calendar.after(at, _days_until_remembered(rng), rng)
        elif unanswered >= patience or (unanswered and rng.random() < _WEARINESS):
            since, course = at, Course.SILENT
            _engage(diary, matter, goes_on_since, at, manner)
            unanswered = 1
            at = calendar.after(at, 35 + rng.expovariate(1 / 35), rng)
        else:
            gap_days = min(10.0, rng.gammavariate(2.4, rep.tempo_days * manner.pace / 2.4))
            kept_at = calendar.on(due_on, rng) if due_on else None
            at = calendar.after(at, max(0.8, gap_days), rng)
            at = min(at, kept_at) if kept_at else at
    if course is Course.GOING:
        _engage(diary, matter, goes_on_since, calendar.now, manner)
    return CourseTruth(course, since)


def _engage(diary: Diary, matter: Matter, since: datetime, until: datetime, manner: Manner) -> None:
    """Keep how often there is contact while a conversation goes on."""
    tempo_days = diary.rep(matter.owner).tempo_days * manner.pace
    rate = 7 / tempo_days * _DAYS_PER_TOUCH
    diary.world.causes.engagement.append(
        Engagement(matter.contact, matter.account, since, until, round(rate, 3))
    )


def _say_when(diary: Diary, at: datetime, forgot: bool, rng: Random) -> tuple[str, date | None]:
    """Sometimes a promise names the day until which it is to be kept; sometimes a day is only mentioned."""
    if rng.random() < (_FORGOTTEN_DATED_SHARE if forgot else _DATED_SHARE):
        made = promise(at, rng, names_dates=diary.names_dates)
        return made.sentence, made.due_on
    return (sounds_like_a_promise(rng) if rng.random() < _OTHER_DAY_SHARE else ""), None


def _note_forgotten(diary: Diary, key: str, due_on: date | None) -> None:
    if due_on is not None:
        diary.world.causes.forgotten_promises[key] = due_on


def _reply(diary: Diary, matter: Matter, at: datetime, manner: Manner, rng: Random) -> str:
    """An answer of the other side that calls for one of ours."""
    topics = manner.replies
    means_to_buy = matter.counterpart.traits.interest > _MEANS_TO_BUY
    if manner.eager_replies and means_to_buy and rng.random() < _SAYS_SO_SHARE:
        topics = manner.eager_replies
        diary.world.causes.intents[matter.lead] = at
    return diary.mail_in(matter, at, rng.choice(topics), rng)


def _ask_again(
    diary: Diary, matter: Matter, key: str, at: datetime, manner: Manner, rng: Random
) -> datetime:
    """A mail was passed over; some write once more. Returns when they wrote last."""
    again_at = diary.calendar.after(at, rng.uniform(2, 5), rng)
    if rng.random() < _ASKS_AGAIN_SHARE and diary.calendar.has_happened(again_at):
        key, at = _reply(diary, matter, again_at, manner, rng), again_at
    diary.world.causes.forgotten_mails[key] = at
    return at


def _answer(
    diary: Diary, matter: Matter, at: datetime, forgot: bool, rng: Random
) -> tuple[datetime, date | None]:
    """The rep answers a mail, mostly on the same or the next day.

    Returns:
        when, or ``at`` if not yet; and the day of a promise in it.
    """
    reply_days = diary.rep(matter.owner_at(at)).reply_days
    answered_at = diary.calendar.after(at, min(3.0, rng.expovariate(1 / reply_days)), rng)
    if not diary.calendar.has_happened(answered_at):
        return at, None
    more, due_on = _say_when(diary, answered_at, forgot, rng)
    key = diary.mail_out(matter, answered_at, Topic.ANSWER, rng, more=more)
    if forgot:
        _note_forgotten(diary, key, due_on)
    return answered_at, due_on


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
    return 21 + rng.gammavariate(2.0, 13.0)
