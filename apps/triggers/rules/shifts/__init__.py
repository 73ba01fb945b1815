"""Triggers about contact that became more or less: of a contact, and at an account."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Func, JSONField, OuterRef, QuerySet
from django.db.models.functions import JSONObject
from pydantic import JsonValue

from apps.brain.enums import Goal
from apps.crm.enums import RecordKind
from apps.crm.models import Account, Contact
from apps.triggers.edges import Edge
from apps.triggers.enums import Discovery, Severity
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Trigger
from apps.triggers.rules.accounts.ways import ACTIVITY_AT_ACCOUNT, WAYS, at_account
from apps.triggers.rules.engagement import MAY_BE_CONTACTED
from apps.triggers.rules.shifts.change import (
    ShiftOf,
    ShiftParameters,
    as_contacts,
    shift_of,
    touches,
)
from apps.triggers.rules.shifts.weeks import Weeks
from apps.triggers.watches import Moved, Own, Related


class _Shift(Trigger[ShiftParameters]):
    """What both have in common: they see whole days up to yesterday, and look at everything each day."""

    goal = Goal.LOOK_INTO_CHANGE
    discovers = Discovery.BEHAVIOUR_CHANGE
    tools = ("create_followup",)
    severity = Severity.LOW
    weighs_working_days = True
    parameters_type = ShiftParameters

    def edges(self, moment: ScanMoment, parameters: ShiftParameters) -> tuple[Edge, ...]:
        """None: within a day the clock changes nothing."""
        return ()

    def epoch(self, moment: ScanMoment, parameters: ShiftParameters) -> JsonValue:
        """The day, with which the weeks move on."""
        return moment.today.isoformat()


class EngagementShift(_Shift):
    """A contact with whom there is contact far more often than there used to be, or far less.

    Counted are days with a mail, a call or a meeting, each deal's apart, week by week over half a year,
    up to yesterday, in relation to the company's working days; what was entered more than three days late
    came in by an import and does not count. The week is taken from which on another rate makes the counts
    likeliest. It must lie between two and nine weeks back, as far as the counts can say, the rate must
    have doubled or halved, and the counts must be five thousand times likelier so (the logarithm is 8.5).
    Somebody who was first met within four weeks before, or with whom there had been contact once or
    twice, has begun, not changed. With whom there had been contact in fewer than six weeks there was one
    matter: it is settled, and nothing has fallen. Who grew as quiet a year before, in the same weeks, has
    a season.

    Five thousand comes about by chance with one record of a thousand or fewer (twice the logarithm is
    distributed like chi-squared with one degree of freedom, for each of a handful of weeks that tell
    different things), and a company has thousands. In the development worlds of ``measure_discovery`` 197
    of those it found were right, 4 wrong and 370 could be said neither way; with a thousand (6.9) it was
    207, 11 and 546, with eight thousand (9) 194, 2 and 312, and a sixth of the real changes missed. Six
    weeks of contact, because twelve of twelve falls after fewer, in 32 simulated companies, were none by
    the hidden causes. Two weeks, because a shorter silence is a holiday; nine, because what is two months
    old is known.
    """

    key = "engagement_shift"
    label = "Contact has changed"
    record_kind = RecordKind.CONTACT
    watches = (Own(), Related(RecordKind.ACTIVITY, "contact"))

    def matching(self, moment: ScanMoment, parameters: ShiftParameters) -> QuerySet[Contact]:
        """Contacts whose weeks tell of another rate."""
        weeks = Weeks.at(moment)
        rows = touches(weeks).filter(contact=OuterRef("pk"))
        contacts = Contact.objects.filter(MAY_BE_CONTACTED, last_activity_at__gte=weeks.since)
        return with_shift(contacts, shift_of(as_contacts(rows, moment), weeks, parameters))


class AccountEngagementShift(_Shift):
    """An account with which there is contact far more often than there used to be, or far less.

    The account's own activities count, its contacts' and those about its deals: each day with each person
    about each deal once. Weeks, evidence and size are those of ``engagement_shift``. A contact who hands over
    to a colleague changes nothing at the account.

    Evidence as there. An account has more contact than one person, so that smaller changes show: they
    must still double or halve the rate.
    """

    key = "account_engagement_shift"
    label = "Contact with an account has changed"
    record_kind = RecordKind.ACCOUNT
    watches = (
        Own(),
        Moved(RecordKind.CONTACT, "account_id"),
        Moved(RecordKind.OPPORTUNITY, "account_id"),
        ACTIVITY_AT_ACCOUNT,
    )

    def matching(self, moment: ScanMoment, parameters: ShiftParameters) -> QuerySet[Account]:
        """Accounts whose weeks tell of another rate."""
        weeks = Weeks.at(moment)
        accounts = Account.objects.filter(last_activity_at__gte=weeks.since)
        return with_shift(accounts, account_shift(moment, weeks, parameters))


def account_shift(moment: ScanMoment, weeks: Weeks, parameters: ShiftParameters) -> ShiftOf:
    """The change of the outer account."""
    rows = touches(weeks)
    own, *others = (as_contacts(at_account(rows, way), moment) for way in WAYS)
    return shift_of(own.union(*others), weeks, parameters)


def with_shift(records: QuerySet[Any], shift: ShiftOf) -> QuerySet[Any]:
    """Those of the records that have changed, with the facts of the change."""
    found: QuerySet[Any] = (
        records.annotate(shift=shift)
        .filter(shift__isnull=False)
        .annotate(facts=_Joined(F("shift"), JSONObject(revision="revision")))
    )
    return found


class _Joined(Func):
    """Two JSON objects as one."""

    template = "(%(expressions)s)"
    arg_joiner = " || "
    output_field = JSONField()
