"""Triggers about contacts."""

from __future__ import annotations

from typing import Annotated

from django.db.models import (
    Case,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, JSONObject
from django.db.models.lookups import Exact
from pydantic import Field

from apps.brain.enums import Goal
from apps.crm.enums import (
    ActivityKind,
    Delivery,
    Direction,
    EmailStatus,
    Operation,
    RecordKind,
)
from apps.crm.models import Activity, ChangeLog, Contact
from apps.triggers.edges import Edge, days_ago, now
from apps.triggers.enums import Severity
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.watches import Own, Related


class ContactDetailConflictParameters(Parameters):
    """How far back a signature or a bounce still counts."""

    window_days: Annotated[
        int,
        Field(
            ge=1, le=730, title="Look back", description="Older messages and bounces do not count."
        ),
    ] = 60


class Plain(Func):
    """A text without case and outer spaces: two spellings of one title or address compare equal."""

    template = "lower(btrim(%(expressions)s))"
    output_field = TextField()


class SubscriberNumber(Func):
    """The last nine digits of a phone number.

    Two spellings of one number compare equal, with the country code or without it, with a trunk
    zero or without it: E.164 leaves nine digits or more to area and subscriber in most countries.
    """

    template = "right(regexp_replace(%(expressions)s, '\\D', '', 'g'), 9)"
    output_field = TextField()


class ContactDetailConflict(Trigger[ContactDetailConflictParameters]):
    """A newer message disagrees with what is on file, or the address bounced.

    The newest inbound message that states details (its signature) is compared with phone, title and
    address; phones by their last digits, the rest without case. A detail that a person changed after the
    message was written is left alone: they knew better. A bounce counts when it hit the address that is on
    file and nothing came from there since.

    Sixty days: of 53 details that people of the demo's two companies corrected after a message that stated
    some, 51 were corrected within that time (as of 25 November 2026). The newest statement is compared, and
    is seldom older: of 4,747 that were followed by another of the same person 4,643 were within 60 days.
    """

    key = "contact_detail_conflict"
    label = "Contact details out of date"
    record_kind = RecordKind.CONTACT
    goal = Goal.CORRECT_CONTACT
    discovers = None
    tools = ("update_contact",)
    severity = Severity.LOW
    watches = (Own(), Related(RecordKind.ACTIVITY, "contact"))
    parameters_type = ContactDetailConflictParameters

    def matching(
        self, moment: ScanMoment, parameters: ContactDetailConflictParameters
    ) -> QuerySet[Contact]:
        """Contacts whose newest stated details or newest bounce disagree with the record."""
        since = moment.days_ago(parameters.window_days)
        recent = Activity.objects.filter(occurred_at__gt=since, occurred_at__lte=moment.now)
        stating = (
            recent.filter(contact=OuterRef("pk"), direction=Direction.INBOUND)
            .exclude(stated_details={})
            .order_by("-occurred_at", "-pk")
        )
        heard_since = Activity.objects.filter(
            contact=OuterRef("contact_id"),
            direction=Direction.INBOUND,
            counterpart_address__iexact=OuterRef("counterpart_address"),
            occurred_at__gt=OuterRef("occurred_at"),
        )
        bounce = (
            recent.filter(
                ~Exists(heard_since),
                contact=OuterRef("pk"),
                activity_kind=ActivityKind.EMAIL,
                delivery=Delivery.BOUNCED,
                counterpart_address__iexact=OuterRef("email"),
            )
            .exclude(counterpart_address="")
            .order_by("-occurred_at", "-pk")
        )
        candidates = recent.filter(
            ~Q(stated_details={}) | Q(delivery=Delivery.BOUNCED), contact__isnull=False
        )
        return (
            Contact.objects.filter(pk__in=candidates.values("contact_id"))
            .alias(
                stated=Subquery(stating.values("stated_details")[:1]),
                stated_at=Subquery(stating.values("occurred_at")[:1]),
                stating_id=Subquery(stating.values("pk")[:1]),
            )
            .alias(
                new_phone=_newer("phone", SubscriberNumber),
                new_title=_newer("title", Plain),
                new_email=_newer("email", Plain),
                bounce_id=Case(
                    When(
                        ~Q(email_status=EmailStatus.BOUNCED),
                        then=Subquery(bounce.values("pk")[:1]),
                    )
                ),
            )
            .filter(
                Q(new_phone__isnull=False)
                | Q(new_title__isnull=False)
                | Q(new_email__isnull=False)
                | Q(bounce_id__isnull=False)
            )
            .annotate(
                facts=JSONObject(
                    phone="new_phone",
                    title="new_title",
                    email="new_email",
                    stating_id="stating_id",
                    bounce_id="bounce_id",
                    revision="revision",
                )
            )
        )

    def edges(
        self, moment: ScanMoment, parameters: ContactDetailConflictParameters
    ) -> tuple[Edge, ...]:
        """A message dated ahead taking place, and one growing too old to count."""
        return tuple(
            Edge(Activity, "occurred_at", threshold, record="contact_id")
            for threshold in (now, days_ago(parameters.window_days))
        )


def _newer(detail: str, normalised: type[Func]) -> Case:
    """The stated detail when it differs from the record and nobody changed the field since, else NULL."""
    stated = Coalesce(KeyTextTransform(detail, "stated"), Value(""), output_field=TextField())
    changed_since = ChangeLog.objects.filter(
        record_kind=RecordKind.CONTACT,
        record_id=OuterRef("pk"),
        operation=Operation.CHANGED,
        changed_at__gt=OuterRef("stated_at"),
        changes__has_key=detail,
    )
    is_newer = (
        ~Q(Exact(normalised(stated), normalised(F(detail))))
        & ~Q(Exact(normalised(stated), Value("")))
        & ~Exists(changed_since)
    )
    return Case(When(is_newer, then=stated), output_field=TextField())
