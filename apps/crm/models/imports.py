"""Runs of the importer."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from apps.crm.enums import RecordKind


class ImportStatus(models.TextChoices):
    """How far an import has come. Nothing is written before RUNNING, and all or nothing in it."""

    UPLOADED = "uploaded", "Waiting for the mapping"
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    FINISHED = "finished", "Finished"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class ImportRun(models.Model):
    """One file being imported: its mapping, progress and outcome."""

    record_kind = models.CharField(max_length=20, choices=RecordKind.choices)
    source = models.CharField(max_length=60)
    file_name = models.CharField(max_length=200)
    stored_path = models.CharField(max_length=300, blank=True)
    encoding = models.CharField(max_length=30, blank=True)
    delimiter = models.CharField(max_length=3, blank=True)
    mapping = models.JSONField(default=dict, help_text="Column of the file → field of the record.")
    status = models.CharField(
        max_length=20, choices=ImportStatus.choices, default=ImportStatus.UPLOADED
    )
    rows_total = models.PositiveIntegerField(null=True)
    rows_done = models.PositiveIntegerField(default=0)
    rows_created = models.PositiveIntegerField(default=0)
    rows_changed = models.PositiveIntegerField(default=0)
    rows_unchanged = models.PositiveIntegerField(default=0)
    rows_refused = models.PositiveIntegerField(default=0)
    errors_path = models.CharField(max_length=300, blank=True)
    failure = models.TextField(blank=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.get_record_kind_display()})"
