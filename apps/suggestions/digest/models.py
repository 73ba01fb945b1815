"""When the digest is sent, who wants it, and what was sent."""

from __future__ import annotations

from datetime import time

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.suggestions.digest.enums import DigestStatus

# The schedule's table has one row, or none: then all is as declared here.
ONLY_ROW = 1
DEFAULT_TIME = time(7, 30)


class DigestSchedule(models.Model):
    """When a company's people get their digests. Off until somebody switches it on."""

    is_on = models.BooleanField(default=False, verbose_name="Send digests")
    send_at = models.TimeField(default=DEFAULT_TIME, verbose_name="At")
    working_days_only = models.BooleanField(default=True)
    revision = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ("view", "change")
        constraints = [
            models.CheckConstraint(condition=Q(id=ONLY_ROW), name="one_digest_schedule"),
        ]

    def __str__(self) -> str:
        return f"digests {'on' if self.is_on else 'off'}, {self.send_at:%H:%M}"

    @classmethod
    def current(cls) -> DigestSchedule:
        """The schedule that is in force."""
        return cls.objects.filter(pk=ONLY_ROW).first() or cls(pk=ONLY_ROW)


class DigestPreference(models.Model):
    """Whether a person wants scheduled digests, and when; without a row they do, at the company's time."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="digest_preference"
    )
    is_on = models.BooleanField(default=True)
    send_at = models.TimeField(null=True, blank=True)

    class Meta:
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"digest of {self.person_id}: {'on' if self.is_on else 'off'}"

    @classmethod
    def of(cls, person_id: int) -> DigestPreference:
        """A person's wishes."""
        return cls.objects.filter(person_id=person_id).first() or cls(person_id=person_id)


class DigestSent(models.Model):
    """One person's digest of one day: at most one, whoever sends it and however often it is tried.

    ``local_day`` is the day on the person's own calendar. What was in it is not kept.
    """

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="digests"
    )
    local_day = models.DateField(verbose_name="Day")
    status = models.CharField(max_length=10, choices=DigestStatus.choices)
    is_manual = models.BooleanField(default=False, help_text="By the person's own button.")
    rows_count = models.PositiveIntegerField(default=0, help_text="How many rows it tells of.")
    attempts = models.PositiveSmallIntegerField(default=1)
    error_code = models.CharField(max_length=40, blank=True)
    claimed_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["person", "local_day"], name="one_digest_per_person_and_day"
            ),
            models.CheckConstraint(
                condition=Q(status__in=DigestStatus.values), name="digest_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(status="sending", finished_at=None)
                | (~Q(status="sending") & Q(finished_at__isnull=False)),
                name="digest_is_finished_or_being_sent",
            ),
        ]
        indexes = [
            models.Index(fields=["local_day"], name="digest_by_day"),
            models.Index(
                fields=["claimed_at"], condition=Q(status="sending"), name="digest_being_sent"
            ),
        ]

    def __str__(self) -> str:
        return f"digest of {self.person_id}, {self.local_day}"
