"""The reading vocabulary of the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from apps.users.models import User

if TYPE_CHECKING:
    # Ruff does not see a use inside the quotes of a base class.
    from apps.audit.models import AuditEntry, AuditSeal  # noqa: F401


class AuditEntryQuerySet(models.QuerySet["AuditEntry"]):
    """Audit entries, newest first by default."""

    def visible_to(self, user: User) -> AuditEntryQuerySet:
        """All entries for who may read the whole log; for everybody else what they did themselves."""
        return self if sees_whole_log(user) else self.filter(actor_id=user.pk)

    def of_suggestion(self, suggestion_id: int) -> AuditEntryQuerySet:
        """The story of one suggestion, oldest first."""
        return self.filter(suggestion_id=suggestion_id).order_by("id")

    def of_record(self, kind: str, record_id: int) -> AuditEntryQuerySet:
        """What happened to one record, newest first."""
        return self.filter(record_kind=kind, record_id=record_id)


class AuditSealQuerySet(models.QuerySet["AuditSeal"]):
    """Seals, from the first to the last."""

    def last_seal(self) -> AuditSeal | None:
        """The head of the chain, without what it covers; None before the first seal."""
        return self.defer("entry_ids", "entry_digests").order_by("-number").first()


def sees_whole_log(user: User) -> bool:
    """Whether this person may read what others did."""
    return user.has_perm("audit.view_auditentry")
