"""Runs of the importer."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse

from apps.crm.enums import RecordKind


class ImportStatus(models.TextChoices):
    """How far an import has come. Nothing is written before the end of RUNNING, and then all or nothing."""

    UPLOADED = "uploaded", "Waiting for the mapping"
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    FINISHED = "finished", "Finished"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"

    @classmethod
    def active_values(cls) -> list[str]:
        """The statuses in which a process has the run, or is about to take it."""
        return [cls.QUEUED.value, cls.RUNNING.value]

    @classmethod
    def ended_values(cls) -> list[str]:
        """The statuses in which nothing more happens unless a person starts it again."""
        return [cls.FINISHED.value, cls.FAILED.value, cls.CANCELLED.value]


class ImportRun(models.Model):
    """One file being imported: its mapping, progress and outcome.

    ``stored_path`` names the upload until it is removed; it is empty for files imported from the command
    line. ``notes`` are the decisions taken for the file, in words. A row counts as warned when it was
    imported without one of its values. ``files_removed_at`` is when the upload or the list of problems was
    removed because of its age.
    """

    record_kind = models.CharField(max_length=20, choices=RecordKind.choices)
    source = models.CharField(max_length=60)
    file_name = models.CharField(max_length=200)
    stored_path = models.CharField(max_length=300, blank=True)
    encoding = models.CharField(max_length=30, blank=True)
    delimiter = models.CharField(max_length=3, blank=True)
    mapping = models.JSONField(default=dict, help_text="Column of the file → field of the record.")
    notes = models.JSONField(default=list)
    status = models.CharField(
        max_length=20, choices=ImportStatus.choices, default=ImportStatus.UPLOADED
    )
    is_dry_run = models.BooleanField(default=False)
    is_cancel_requested = models.BooleanField(default=False)
    rows_total = models.PositiveIntegerField(null=True)
    rows_done = models.PositiveIntegerField(default=0)
    rows_created = models.PositiveIntegerField(default=0)
    rows_changed = models.PositiveIntegerField(default=0)
    rows_unchanged = models.PositiveIntegerField(default=0)
    rows_refused = models.PositiveIntegerField(default=0)
    rows_warned = models.PositiveIntegerField(default=0)
    errors_path = models.CharField(max_length=300, blank=True)
    failure = models.TextField(blank=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    files_removed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.get_record_kind_display()})"

    def get_absolute_url(self) -> str:
        """The run's page."""
        return reverse("crm:import_progress", args=[self.pk])

    @property
    def is_active(self) -> bool:
        """Whether the run is waiting for a process or has one."""
        return self.status in ImportStatus.active_values()

    @property
    def is_writing(self) -> bool:
        """Whether all rows are checked and the one transaction is under way."""
        return self.status == ImportStatus.RUNNING and self.rows_done == self.rows_total

    @property
    def can_reopen(self) -> bool:
        """Whether the file is still there and may be imported (again)."""
        return bool(self.stored_path) and self._is_not_imported

    @property
    def is_upload_gone(self) -> bool:
        """Whether the file could be imported (again), had it not been removed because of its age."""
        return self.files_removed_at is not None and not self.stored_path and self._is_not_imported

    @property
    def has_problems(self) -> bool:
        """Whether rows or values were left out, be their list still there or not."""
        is_finished = self.status == ImportStatus.FINISHED
        return is_finished and self.rows_refused + self.rows_warned > 0

    @property
    def _is_not_imported(self) -> bool:
        is_over = self.status in {ImportStatus.FAILED, ImportStatus.CANCELLED}
        is_tried = self.status == ImportStatus.FINISHED and self.is_dry_run
        return is_over or is_tried

    @property
    def rows_imported(self) -> int:
        """Rows that are in the CRM now, whether they changed anything or not."""
        return self.rows_created + self.rows_changed + self.rows_unchanged
