"""The reading vocabulary of suggestions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import (
    BooleanField,
    Case,
    Exists,
    ExpressionWrapper,
    F,
    Func,
    OrderBy,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Now
from django.db.models.lookups import IsNull

from apps.audit.enums import Origin
from apps.crm.changelog import record_models
from apps.crm.services import all_records
from apps.suggestions.enums import HeldBack, State
from apps.suggestions.rules import sources_of
from apps.triggers.enums import Severity
from apps.triggers.models import Signal
from apps.users.rules import Reader, visible_rows

if TYPE_CHECKING:
    # Ruff does not see a use inside the quotes of a base class.
    from apps.suggestions.models import BulkApproval, Suggestion  # noqa: F401


# A day and a half: what runs out over the next night and morning.
DUE_WITHIN = timedelta(hours=36)
ORDERS: dict[str, tuple[str | OrderBy, ...]] = {
    "newest": ("-created_at", "-id"),
    "oldest": ("created_at", "id"),
    "value": (F("value_at_stake").desc(nulls_last=True), "-id"),
    "expiry": ("expires_at", "id"),
}


class SuggestionQuerySet(models.QuerySet["Suggestion"]):
    """Suggestions."""

    def visible_to(self, user: Reader) -> Self:
        """Suggestions that this person may see: their own, their team's, unassigned; a manager's: all.

        They were written for the assignee and those around; who may not see the record as it stands now,
        because it has been given to others since, does not see them either.
        """
        if user.sees_all:
            return self
        return self.filter(visible_rows(user, "assignee")).of_seen_records(user)

    def of_seen_records(self, user: Reader) -> Self:
        """Suggestions about records that this person may see as they stand now."""
        return self if user.sees_all else self.exclude(_is_of_hidden_record(user))

    def in_queue(self) -> Self:
        """Waiting for a decision and not held back."""
        return self.filter(state=State.PENDING, held_back=HeldBack.NO)

    def needing_decision(self) -> Self:
        """In the queue, or approved and not written while the reason holds: both wait for a person."""
        firing = Signal.objects.firing().filter(suggestions=OuterRef("pk"))
        has_reason = ~Q(origin=Origin.TRIGGER) | Q(Exists(firing))
        # The first condition is that of the queue's indexes: without it the database sorts them all.
        return self.filter(state__in=[State.PENDING, State.FAILED]).filter(
            Q(state=State.PENDING, held_back=HeldBack.NO) | Q(has_reason, state=State.FAILED)
        )

    def held_back(self) -> Self:
        """Waiting behind the queue."""
        return self.filter(state=State.PENDING).exclude(held_back=HeldBack.NO)

    def due(self) -> Self:
        """Those that cannot wait: pressing today, or about to run out."""
        soon = Now() + DUE_WITHIN
        return self.filter(Q(urgency=Severity.HIGH) | Q(expires_at__lte=soon))

    def folded(self) -> Self:
        """One for each record and person: the best of those that wait, with what else was found below it."""
        is_above = Q(rank__gt=OuterRef("rank")) | Q(rank=OuterRef("rank"), pk__gt=OuterRef("pk"))
        # Looked up by record, row by row: the database would rather hash the whole table for an EXISTS.
        above = self._beside().filter(is_above)
        found = Coalesce(Subquery(above.values_list(Value(True))[:1]), False)
        return self.exclude(Q(state=State.PENDING) & Q(found))

    def with_folded(self) -> Self:
        """With ``folded_count``: how many others wait for the same person about the same record."""
        others = self._beside().exclude(pk=OuterRef("pk"))
        counted = others.annotate(n=Func(F("pk"), function="count")).values("n")
        return self.annotate(folded_count=Coalesce(Subquery(counted), 0))

    def _beside(self) -> SuggestionQuerySet:
        """What is in the queue of the outer row's person about its record, in no order."""
        about = self.model._default_manager.in_queue().filter(
            record_kind=OuterRef("record_kind"), record_id=OuterRef("record_id")
        )
        return about.filter(_same_assignee()).order_by()

    def sorted_by(self, order: str) -> Self:
        """In one of the orders that the queue offers (``ORDERS``)."""
        return self.order_by(*ORDERS[order])

    def past_expiry(self, now: datetime) -> Self:
        """Undecided ones whose time has run out."""
        return self.filter(state__in=sources_of(State.EXPIRED), expires_at__lte=now)

    def search(self, text: str) -> Self:
        """Suggestions in whose title or record every word of ``text`` occurs."""
        found = self
        for word in text.split():
            found = found.filter(Q(title__icontains=word) | Q(record_label__icontains=word))
        return found

    def for_queue_page(self) -> Self:
        """With what a card shows, in one query."""
        return self.select_related("assignee").with_fall_back().with_folded()

    def with_fall_back(self) -> Self:
        """With ``fell_back_because``: why the rules wrote it in the language model's place, if they did."""
        return self.annotate(fell_back_because=F("brain_call__fell_back_because"))


class BulkApprovalQuerySet(models.QuerySet["BulkApproval"]):
    """Bulk approvals."""

    def visible_to(self, user: Reader) -> Self:
        """A person's own; a manager's: all."""
        return self if user.sees_all else self.filter(requested_by_id=user.pk)

    def unfinished(self) -> Self:
        """Those of which something waits."""
        return self.filter(finished_at=None)


def _same_assignee() -> Q:
    """Of the same person as the outer row; of nobody, as that one."""
    return Q(assignee=OuterRef("assignee")) | Q(
        Q(assignee=None) & Q(ExpressionWrapper(IsNull(OuterRef("assignee"), True), BooleanField()))
    )


def _is_of_hidden_record(user: Reader) -> Coalesce:
    """Whether the record is there and this person may not see it.

    Scalar look-ups by primary key: the database would rather hash whole tables of records for an EXISTS.
    """
    of_kind = []
    for model in record_models():
        hidden = all_records(model).hidden_from(user).filter(pk=OuterRef("record_id")).order_by()
        found = Subquery(hidden.values_list(Value(True)))
        of_kind.append(When(record_kind=model.kind, then=found))
    return Coalesce(Case(*of_kind, output_field=BooleanField()), False)
