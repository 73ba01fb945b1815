"""The hidden causes of the demo's events.

They drive the simulation and are never stored in a tenant's tables: a later bench measures what triggers
and predictions find against them. Keys are those of the rows (``apps.operations.demo.schemas``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum


class Course(Enum):
    """How a conversation stands, and why."""

    GOING = "going"  # both sides keep it up
    FORGOTTEN = "forgotten"  # the rep has forgotten it
    SILENT = "silent"  # the other side does not answer any more
    ON_HOLD = "on_hold"  # both have agreed to wait: silence is as it should be
    ENDED = "ended"  # decided; nothing more is to be expected


class SenderNature(Enum):
    """What an unknown sender really is."""

    BUYER = "buyer"
    COLLEAGUE = "colleague"  # somebody new at an account
    VENDOR = "vendor"  # wants to sell something
    MACHINE = "machine"  # newsletters and notices


class TaskTruth(Enum):
    """What became of a task that is still open."""

    AHEAD = "ahead"
    FORGOTTEN = "forgotten"
    DONE_NOT_TICKED = "done_not_ticked"


@dataclass(frozen=True, slots=True)
class RepTraits:
    """How a rep works.

    ``forgetfulness`` is the chance that one promise is forgotten, ``tempo_days`` the usual time between two
    touches of one conversation, ``tidiness`` the chance that what was done or learnt is also entered,
    ``reply_days`` the usual time until a mail is answered, ``backlog`` how many times more of their written
    tasks than of others' slip.
    """

    forgetfulness: float
    tempo_days: float
    tidiness: float
    reply_days: float
    backlog: float = 1.0


@dataclass(frozen=True, slots=True)
class PersonTraits:
    """How somebody on the other side behaves: interest 0 to 1, and the habit of answering."""

    interest: float
    reply_rate: float
    reply_days: float
    signs_mails: bool


@dataclass(frozen=True, slots=True)
class CourseTruth:
    """The course of one conversation and since when it has stood like that."""

    course: Course
    since: datetime


@dataclass(frozen=True, slots=True)
class DetailChange:
    """A contact's details as they really are since ``since``; ``is_entered``: the CRM knows."""

    since: datetime
    phone: str = ""
    title: str = ""
    email: str = ""
    address_is_dead: bool = False
    is_entered: bool = False


@dataclass(frozen=True, slots=True)
class Engagement:
    """How often there is contact with somebody, or at an account, over a span of time.

    ``days_a_week`` are days on which there is contact.
    """

    contact: str
    account: str
    since: datetime
    until: datetime
    days_a_week: float


class Resemblance(Enum):
    """Why two records look alike."""

    SAME_PERSON = "same person"
    SAME_COMPANY = "same company"
    RELATIVES = "relatives"  # father and son at one company
    NAMESAKES = "namesakes"  # at two companies
    SHARED_MAILBOX = "shared mailbox"
    SISTER_COMPANY = "sister company"  # another company of the group


@dataclass(frozen=True, slots=True)
class LookAlikes:
    """Two records, as (kind of record, key), and why they look alike."""

    one: tuple[str, str]
    other: tuple[str, str]
    resemblance: Resemblance

    @property
    def are_same(self) -> bool:
        """Whether both stand for one person or company."""
        return self.resemblance in {Resemblance.SAME_PERSON, Resemblance.SAME_COMPANY}


@dataclass(slots=True)
class HiddenCauses:
    """What really goes on behind one tenant's records."""

    reps: dict[str, RepTraits] = field(default_factory=dict)
    people: dict[str, PersonTraits] = field(default_factory=dict)
    deals: dict[str, CourseTruth] = field(default_factory=dict)
    leads: dict[str, CourseTruth] = field(default_factory=dict)
    momentum: dict[str, float] = field(default_factory=dict)
    # When deals were set back a stage, because a plan of the customer's fell through.
    setbacks: dict[str, datetime] = field(default_factory=dict)
    # How readily a rep talks to a second person at the customer, 0 to 1, and with whom that happened.
    breadth: dict[str, float] = field(default_factory=dict)
    colleagues: dict[str, str] = field(default_factory=dict)
    # Calls and meetings after which the rep forgot what was promised, by the activity's key.
    forgotten_followups: dict[str, datetime] = field(default_factory=dict)
    # Mails that the rep has forgotten to answer, by the activity's key.
    forgotten_mails: dict[str, datetime] = field(default_factory=dict)
    # Promises that named a day and that the rep has forgotten, by the activity's key, with that day.
    forgotten_promises: dict[str, date] = field(default_factory=dict)
    # Leads that mean to buy, with the moment at which they last said so, and those that only seem to.
    intents: dict[str, datetime] = field(default_factory=dict)
    lookalike_leads: dict[str, datetime] = field(default_factory=dict)
    # With whom there is contact how often.
    engagement: list[Engagement] = field(default_factory=list)
    # Customers who have decided to leave, and since when.
    departures: dict[str, datetime] = field(default_factory=dict)
    look_alikes: list[LookAlikes] = field(default_factory=list)
    # Messages of people whose deal was lost long ago, by the activity's key.
    comebacks: dict[str, datetime] = field(default_factory=dict)
    # Customers whom nobody looks after any more, and since when.
    forgotten_accounts: dict[str, datetime] = field(default_factory=dict)
    # Contracts about whose renewal nobody has thought yet, with the day.
    unplanned_renewals: dict[str, date] = field(default_factory=dict)
    tasks: dict[str, TaskTruth] = field(default_factory=dict)
    senders: dict[str, SenderNature] = field(default_factory=dict)
    detail_changes: dict[str, DetailChange] = field(default_factory=dict)
    account_satisfaction: dict[str, float] = field(default_factory=dict)
    # What became of deals whose outcome is withheld from the tenant, by the deal's key.
    withheld_outcomes: dict[str, str] = field(default_factory=dict)
