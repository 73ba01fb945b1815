"""The reading vocabulary of records."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Self, TypeVar

from django.db import models
from django.db.models import Q

from apps.crm import lookups  # noqa: F401 - registers "mentions"
from apps.crm.enums import DealOutcome, DraftStatus, LeadStatus, RecordKind, TaskStatus
from apps.users.rules import Reader, visible_rows

if TYPE_CHECKING:
    # Ruff does not see a use inside the quotes of a base class.
    from apps.crm.models import (
        Account,  # noqa: F401
        Activity,  # noqa: F401
        ChangeLog,  # noqa: F401
        Contact,  # noqa: F401
        Contract,  # noqa: F401
        Draft,  # noqa: F401
        Lead,  # noqa: F401
        Opportunity,  # noqa: F401
        Product,  # noqa: F401
        Stage,  # noqa: F401
        Task,  # noqa: F401
    )
    from apps.users.models import User

# What a person types; each word is a condition of its own.
MOST_SEARCH_WORDS = 8

ModelT = TypeVar("ModelT", bound=models.Model)


class RecordQuerySet(models.QuerySet[ModelT]):
    """What can be asked of every kind of record."""

    def visible_to(self, user: User) -> Self:
        """The records that this person may see."""
        return self.filter(visible_rows(user))

    def hidden_from(self, user: Reader) -> Self:
        """The others: those that this person may not see."""
        return self.none() if user.sees_all else self.exclude(visible_rows(user))

    def search(self, text: str, *, own_fields_only: bool = False) -> Self:
        """Records in which every word of ``text`` occurs in some search field.

        Fields of other records are looked up on their own: a condition with OR across a join could
        not be served by the indexes of either side.
        """
        fields: tuple[str, ...] = self.model.search_fields  # type: ignore[attr-defined]
        if own_fields_only:
            fields = tuple(field for field in fields if "__" not in field)
        every = self.model._default_manager.order_by().values("pk")
        found = self
        for word in text.split()[:MOST_SEARCH_WORDS]:
            own = Q()
            for field in fields:
                if "__" not in field:
                    own |= Q(**{f"{field}__mentions": word})
            others = [
                every.filter(**{f"{field}__mentions": word}) for field in fields if "__" in field
            ]
            found = (
                found.filter(pk__in=every.filter(own).union(*others))
                if others
                else found.filter(own)
            )
        return found

    def for_list_page(self) -> Self:
        """With what a row of the list shows, in one query."""
        return self.select_related("owner")


class SurvivingManager(models.Manager[ModelT]):
    """The records that were not merged into others: what lists, searches, counts and triggers mean."""

    def get_queryset(self) -> models.QuerySet[ModelT]:
        """Without merged records."""
        return super().get_queryset().filter(merged_at=None)


class LeadQuerySet(RecordQuerySet["Lead"]):
    """Leads."""

    def open(self) -> Self:
        """Leads that somebody should still be working on."""
        return self.filter(status__in=LeadStatus.open_values())


class ContactQuerySet(RecordQuerySet["Contact"]):
    """Contacts."""

    def for_list_page(self) -> Self:
        """With owner and account."""
        return self.select_related("owner", "account")


class AccountQuerySet(RecordQuerySet["Account"]):
    """Accounts."""


class ProductQuerySet(RecordQuerySet["Product"]):
    """Products: a price list that everybody may see."""

    def visible_to(self, user: User) -> Self:
        """All of them."""
        return self

    def hidden_from(self, user: Reader) -> Self:
        """None of them."""
        return self.none()


class ContractQuerySet(RecordQuerySet["Contract"]):
    """Contracts."""

    def for_list_page(self) -> Self:
        """With owner and account."""
        return self.select_related("owner", "account")


class StageQuerySet(models.QuerySet["Stage"]):
    """Stages of the pipeline."""

    def open(self) -> StageQuerySet:
        """Stages in which a deal is still alive."""
        return self.filter(outcome=DealOutcome.OPEN)


class OpportunityQuerySet(RecordQuerySet["Opportunity"]):
    """Deals."""

    def open(self) -> Self:
        """Deals that are neither won nor lost."""
        return self.filter(outcome=DealOutcome.OPEN)

    def for_list_page(self) -> Self:
        """With owner, account and stage."""
        return self.select_related("owner", "account", "stage")


class AboutQuerySet(RecordQuerySet[ModelT]):
    """Records that hang on other records: activities and tasks."""

    def about(self, kind: RecordKind, record_id: int) -> Self:
        """Those of one record; an account's include those of its contacts and deals."""
        if kind != RecordKind.ACCOUNT:
            return self.filter(**{f"{kind.value}_id": record_id})
        # Three look-ups by index; a condition with OR over the joins would read the whole table.
        every = self.model._default_manager.order_by().values("pk")
        own = every.filter(account_id=record_id)
        of_contacts = every.filter(contact__account_id=record_id)
        of_deals = every.filter(opportunity__account_id=record_id)
        return self.filter(pk__in=own.union(of_contacts, of_deals))


class ActivityQuerySet(AboutQuerySet["Activity"]):
    """Calls, mails, meetings and notes."""

    def for_list_page(self) -> Self:
        """With owner and the records it hangs on."""
        return self.select_related("owner", "lead", "contact", "account", "opportunity")

    def matched_to_nothing(self) -> Self:
        """Activities that hang on no record yet."""
        return self.filter(lead=None, contact=None, account=None, opportunity=None)

    def before(self, moment: datetime) -> Self:
        """Activities up to a moment."""
        return self.filter(occurred_at__lte=moment)


class TaskQuerySet(AboutQuerySet["Task"]):
    """Tasks."""

    def open(self) -> Self:
        """Tasks that still wait."""
        return self.filter(status=TaskStatus.OPEN)

    def due_by(self, day: date) -> Self:
        """Open tasks due on or before a day."""
        return self.open().filter(due_on__lte=day)

    def for_list_page(self) -> Self:
        """With owner and the records it is about."""
        return self.select_related("owner", "lead", "contact", "account", "opportunity")


class DraftQuerySet(AboutQuerySet["Draft"]):
    """E-mail drafts."""

    def waiting(self) -> Self:
        """Drafts that nobody has sent or discarded yet."""
        return self.filter(status=DraftStatus.DRAFT)

    def for_list_page(self) -> Self:
        """With owner and the records it is about."""
        return self.select_related("owner", "lead", "contact", "account", "opportunity")


class ChangeLogQuerySet(models.QuerySet["ChangeLog"]):
    """Rows of the change log."""

    def of_record(self, kind: RecordKind | str, record_id: int) -> ChangeLogQuerySet:
        """The history of one record, newest first."""
        return self.filter(record_kind=str(kind), record_id=record_id).order_by(
            "-changed_at", "-id"
        )
