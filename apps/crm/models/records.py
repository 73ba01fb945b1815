"""What every record has, and the tenant's custom fields."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse

from apps.crm.enums import FieldType, RecordKind


class Record(models.Model):
    """The base of all records.

    ``revision`` and ``updated_at`` are raised by the database when a field in ``tracked_fields`` changes,
    and each such change is a row of the change log (``apps.crm.changelog``).
    """

    kind: ClassVar[RecordKind]
    # The person-owned columns: they raise the revision and are kept in the change log.
    tracked_fields: ClassVar[tuple[str, ...]]
    # Where the lists search, as ORM lookups.
    search_fields: ClassVar[tuple[str, ...]]

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    source = models.CharField(
        max_length=60,
        blank=True,
        help_text="The system that the row came from; empty when typed here.",
    )
    external_id = models.CharField(
        max_length=120, blank=True, help_text="The row's id in that system."
    )
    attributes = models.JSONField(default=dict, blank=True, help_text="Custom fields, by key.")
    revision = models.PositiveIntegerField(default=1, db_default=1, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id"],
                condition=~Q(external_id=""),
                name="one_%(class)s_per_external_id",
            ),
        ]

    def get_absolute_url(self) -> str:
        """The record's page."""
        return reverse(f"crm:{self.kind.value}_detail", args=[self.pk])


def is_merged_into_one(*targets: str) -> models.CheckConstraint:
    """That a record has a moment of its merge just when one of the ``targets`` names another record."""
    condition = Q(merged_at=None, **dict.fromkeys(targets))
    for target in targets:
        only = {f"{name}__isnull": name != target for name in targets}
        condition |= Q(merged_at__isnull=False, **only)
    return models.CheckConstraint(
        condition=condition & ~Q(merged_into=F("id")), name="%(class)s_is_merged_into_one_other"
    )


class MergeableRecord(Record):
    """A record that may turn out to be the same as another, and be merged into it.

    Nothing is deleted: a merged record stays where it is, hung with nothing, and names the one that survives
    it. That one may be merged in turn. ``objects`` leaves merged records out, ``everything`` holds them all.
    """

    merged_into = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.CASCADE,
        related_name="merged_records",
    )
    merged_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(Record.Meta):
        abstract = True
        constraints = [*Record.Meta.constraints, is_merged_into_one("merged_into")]

    @property
    def merge_target(self) -> MergeableRecord | None:
        """The record that it was merged into, which may have been merged since."""
        return self.merged_into

    @property
    def survivor(self) -> MergeableRecord:
        """The record in which it lives on after all merges: itself where there was none.

        One query for each merge. The database lets nothing be merged into what is merged itself
        (``apps.crm.changelog``), so that there is an end.
        """
        record = self
        while (target := record.merge_target) is not None:
            record = target
        return record


class CustomField(models.Model):
    """A field that a tenant has defined for one kind of record; values stand in ``attributes``."""

    record_kind = models.CharField(max_length=20, choices=RecordKind.choices)
    key = models.CharField(
        max_length=60,
        validators=[
            RegexValidator(r"^[a-z][a-z0-9_]*$", "Lower-case letters, digits and underscores.")
        ],
    )
    label = models.CharField(max_length=100)
    field_type = models.CharField(max_length=20, choices=FieldType.choices, default=FieldType.TEXT)
    choices = models.JSONField(default=list, blank=True, help_text="The texts of a choice field.")
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["record_kind", "position", "label"]
        constraints = [
            models.UniqueConstraint(fields=["record_kind", "key"], name="one_custom_field_per_key"),
        ]

    def __str__(self) -> str:
        return self.label


def last_activity_index(name: str) -> models.Index:
    """The index behind "longest silent first"."""
    return models.Index(F("last_activity_at").asc(nulls_first=True), name=name)
