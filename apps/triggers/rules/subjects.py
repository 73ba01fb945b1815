"""What a call, a meeting or a mail is about: its deal, else its lead, else its contact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.db.models.lookups import IsNull

from apps.crm.enums import (
    ActivityKind,
    DealOutcome,
    Direction,
    LeadStatus,
    RecordKind,
    TaskStatus,
)
from apps.crm.models import Activity, Task
from apps.triggers.models import Reading
from apps.triggers.watches import Beside, Own, Related, Watch

SUBJECTS = (RecordKind.OPPORTUNITY, RecordKind.LEAD, RecordKind.CONTACT)

IS_TALK = Q(activity_kind__in=[ActivityKind.MEETING, ActivityKind.CALL])
# Something that our side did, or that both sides did together.
IS_REACTION = IS_TALK | (Q(direction=Direction.OUTBOUND) & ~Q(activity_kind=ActivityKind.NOTE))

# A deal that is open, a lead in work, somebody who may be written to.
IS_ABOUT_SOMETHING_OPEN = (
    Q(opportunity__outcome=DealOutcome.OPEN)
    | Q(opportunity=None, lead__status__in=LeadStatus.open_values(), lead__do_not_contact=False)
    | Q(opportunity=None, lead=None, contact__do_not_contact=False)
)
# The same whether the matter is settled or not.
IS_ABOUT_SOMEBODY_REACHABLE = (
    Q(opportunity__isnull=False)
    | Q(opportunity=None, lead__do_not_contact=False)
    | Q(opportunity=None, lead=None, contact__do_not_contact=False)
)


@dataclass(frozen=True, slots=True)
class Subject:
    """One kind of record that an activity may be about, in the place of the outer activity of a subquery.

    ``is_same`` holds for rows that hang on the outer activity's record, and for none when that activity is
    about a record of a kind that comes before. The conditions stand for themselves, which lets the database
    choose between joining all and looking up a few.
    """

    kind: RecordKind
    comes_after: tuple[RecordKind, ...]

    @property
    def is_same(self) -> tuple[Q, ...]:
        """Conditions on an activity or a task."""
        column = f"{self.kind}_id"
        return (
            Q(**{column: OuterRef(column)}),
            *(Q(IsNull(OuterRef(f"{kind}_id"), True)) for kind in self.comes_after),
        )


def subjects() -> Iterator[Subject]:
    """What an activity may be about, the first one that it hangs on before the others."""
    for place, kind in enumerate(SUBJECTS):
        yield Subject(kind, SUBJECTS[:place])


def later_contact(subject: Subject, since: datetime) -> QuerySet[Activity]:
    """What happened, or is to happen, with the subject after the outer activity; a note is no contact.

    Of two at one moment the one entered last is the later. The tie is written so that one index range
    holds it. No outer activity lies before ``since``: said again, the database knows how few rows these are.
    """
    return (
        Activity.objects.filter(
            *subject.is_same, occurred_at__gte=OuterRef("occurred_at"), occurred_at__gt=since
        )
        .filter(Q(occurred_at__gt=OuterRef("occurred_at")) | Q(pk__gt=OuterRef("pk")))
        .exclude(activity_kind=ActivityKind.NOTE)
    )


def later_note_of_step(subject: Subject, since: datetime) -> QuerySet[Activity]:
    """Notes on the subject, later than the outer activity, that tell of a step: called, met, settled."""
    return Activity.objects.filter(
        *subject.is_same,
        says(tells_of_step=True),
        activity_kind=ActivityKind.NOTE,
        occurred_at__gt=OuterRef("occurred_at"),
    ).filter(occurred_at__gt=since)


def later_word_to_the_person(since: datetime) -> QuerySet[Activity]:
    """What our side did later with the outer activity's contact, about no deal and no lead.

    A colleague may have taken the next step so: what is about nothing in particular may be about this.
    """
    return Activity.objects.filter(
        IS_REACTION,
        contact=OuterRef("contact_id"),
        opportunity=None,
        lead=None,
        occurred_at__gt=OuterRef("occurred_at"),
    ).filter(occurred_at__gt=since)


def planned_or_done(subject: Subject) -> QuerySet[Task]:
    """Open tasks on the subject of the outer activity, and those that were made and done after it.

    One that stood there before may have been this very activity, ticked off later.
    """
    since = OuterRef("occurred_at")
    return Task.objects.filter(
        Q(status=TaskStatus.OPEN) | Q(completed_at__gte=since, created_at__gte=since),
        *subject.is_same,
    )


def says(**what: object) -> Exists:
    """Whether the outer activity was read to say so (``Reading``)."""
    return Exists(Reading.objects.filter(activity_id=OuterRef("pk"), **what))


def asked_to_wait(since: datetime) -> Exists:
    """Whether a mail since then asked to let the deal of the outer query rest."""
    waiting = Reading.objects.filter(asks_to_wait=True).values("activity_id")
    return Exists(
        Activity.objects.filter(
            pk__in=waiting,
            opportunity=OuterRef("pk"),
            direction=Direction.INBOUND,
            occurred_at__gt=since,
        )
    )


def earlier_contact(subject: Subject) -> QuerySet[Activity]:
    """What happened with the subject before the outer activity, the latest first; a note is no contact."""
    return (
        Activity.objects.filter(*subject.is_same, occurred_at__lte=OuterRef("occurred_at"))
        .filter(Q(occurred_at__lt=OuterRef("occurred_at")) | Q(pk__lt=OuterRef("pk")))
        .exclude(activity_kind=ActivityKind.NOTE)
        .order_by("-occurred_at")
    )


def subject_facts() -> dict[str, str | Combinable]:
    """When it happened and what it is about, with both revisions: what is suggested rests on them."""
    return {
        "occurred_at": "occurred_at",
        "opportunity_id": "opportunity_id",
        "lead_id": "lead_id",
        "contact_id": "contact_id",
        "revision": "revision",
        "about_revision": Coalesce("opportunity__revision", "lead__revision", "contact__revision"),
    }


def subject_watches(only: Q) -> tuple[Watch, ...]:
    """Whatever happens to, or is planned for, the subject of the activities within ``only``."""
    return (
        Own(),
        *(
            Beside(
                subject.value,
                (
                    Related(RecordKind.ACTIVITY, subject.value),
                    Related(RecordKind.TASK, subject.value),
                    Related(subject),
                ),
                only,
            )
            for subject in SUBJECTS
        ),
    )
