"""The keys under which a record is looked up when another like it comes in."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from apps.crm.enums import RecordKind


class RecordKeys(models.Model):
    """The keys of one record, as ``matching.keys`` makes them: two records that share one are compared."""

    record_kind = models.CharField(max_length=20, choices=RecordKind.choices)
    record_id = models.BigIntegerField()
    keys = ArrayField(models.BigIntegerField(), default=list)

    class Meta:
        ordering = ["record_kind", "record_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["record_kind", "record_id"], name="one_row_of_keys_per_record"
            ),
        ]
        # Whoever types a record in waits for a look-up: none may find a list of entries yet to be sorted in.
        indexes = [GinIndex(fields=["keys"], name="record_by_key", fastupdate=False)]

    def __str__(self) -> str:
        return f"keys of {self.record_kind} {self.record_id}"
