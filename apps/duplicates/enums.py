"""The vocabulary of duplicates."""

from __future__ import annotations

from django.db import models

from apps.crm.enums import RecordKind


class Subject(models.TextChoices):
    """What two records may be the same of; leads and contacts are compared with one another."""

    PERSON = "person", "People"
    COMPANY = "company", "Companies"

    @property
    def kinds(self) -> tuple[RecordKind, ...]:
        """The kinds of record that are about it."""
        if self is Subject.PERSON:
            return (RecordKind.LEAD, RecordKind.CONTACT)
        return (RecordKind.ACCOUNT,)


# The kinds of record that may be the same as others, as choices.
MATCHED_KINDS = [(kind.value, kind.label) for subject in Subject for kind in subject.kinds]


class PairState(models.TextChoices):
    """How a pair stands."""

    OPEN = "open", "To be looked at"
    NOT_DUPLICATE = "not_duplicate", "Not a duplicate"
    MERGED = "merged", "Merged"
    GONE = "gone", "No longer alike"


class FoundBy(models.TextChoices):
    """What compared the two records first."""

    BATCH = "batch", "A look at everything"
    CHANGE = "change", "A look at what changed"
    PERSON = "person", "A person"


class RunKind(models.TextChoices):
    """What a run does."""

    FULL = "full", "Everything, with weights estimated anew"
    CHANGES = "changes", "What changed"
