"""People of a tenant (and, in the public schema, the operators), their teams and API tokens."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from apps.tenants.models import validate_time_zone
from apps.users.enums import Scope
from apps.users.querysets import ApiTokenQuerySet


class Team(models.Model):
    """People who see each other's records; ``region`` is only a label."""

    name = models.CharField(max_length=100, unique=True)
    region = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    """A person who signs in. Groups give the role, the team gives whom they see."""

    team = models.ForeignKey(
        Team, null=True, blank=True, on_delete=models.SET_NULL, related_name="members"
    )
    time_zone = models.CharField(
        max_length=64,
        blank=True,
        validators=[validate_time_zone],
        help_text="Empty: the company's.",
    )

    class Meta:
        ordering = ["first_name", "last_name", "username"]
        permissions = [
            ("see_all_records", "Can see the records and suggestions of everyone"),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    @property
    def display_name(self) -> str:
        """The name as others see it."""
        return str(self)

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """As Django's, which looks for its backends anew each time; what the person may is kept by then."""
        kept: set[str] | None = self.__dict__.get("_perm_cache")
        if kept is None or obj is not None or self.is_superuser:
            return super().has_perm(perm, obj)
        return self.is_active and perm in kept

    @property
    def sees_all(self) -> bool:
        """Whether this person sees every record of the tenant, not only their team's."""
        return self.has_perm("users.see_all_records")

    def zone(self, default: ZoneInfo) -> ZoneInfo:
        """The person's own time zone, or ``default`` (the tenant's)."""
        return ZoneInfo(self.time_zone) if self.time_zone else default

    def day_at(self, now: datetime, default: ZoneInfo) -> date:
        """The day that it is for the person, in their own time zone or in ``default`` (the tenant's)."""
        return now.astimezone(self.zone(default)).date()


class ApiToken(models.Model):
    """A key for the API. Only its SHA-256 is kept: the key itself is shown once, when it is made.

    ``scopes`` are what it may be used for, never more than its person's role includes.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    key_prefix = models.CharField(max_length=8)
    key_hash = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=40, choices=Scope.choices))
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.key_prefix}…)"

    @staticmethod
    def hash_key(key: str) -> str:
        """Return the stored form of a key: 256 random bits need no slow hash."""
        return hashlib.sha256(key.encode()).hexdigest()

    @classmethod
    def issue(
        cls,
        *,
        user: User,
        name: str,
        expires_at: datetime | None,
        scopes: Collection[Scope] = tuple(Scope),
    ) -> tuple[ApiToken, str]:
        """Make a token and return it with its key, which cannot be read again."""
        key = "aisha_" + secrets.token_urlsafe(32)
        token = cls.objects.create(
            user=user,
            name=name,
            key_prefix=key[6:14],
            key_hash=cls.hash_key(key),
            scopes=[scope.value for scope in Scope if scope in scopes],
            expires_at=expires_at,
        )
        return token, key

    def scope_labels(self) -> list[str]:
        """What it may be used for, in words."""
        return [Scope(scope).label for scope in self.scopes]

    def note_use(self) -> None:
        """Remember the last use, to the minute, so that a busy client does not write on each request."""
        now = timezone.now()
        if self.last_used_at is None or (now - self.last_used_at).total_seconds() >= 60:
            type(self).objects.filter(pk=self.pk).update(last_used_at=now)


class KeptAnswer(models.Model):
    """What a write was answered, for whoever sends it again under its ``Idempotency-Key``.

    ``key_hash`` and ``fingerprint`` are keyed hashes of the key, and of what was sent where. ``body`` is
    null where it held a secret, or a person was erased since. Purely technical and gone after a day, so it
    has no page in the admin.
    """

    # The constraint's index serves the foreign key too.
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="kept_answers", db_index=False
    )
    key_hash = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.TextField(null=True)
    answered_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "key_hash"], name="one_answer_per_person_and_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.status} to {self.key_hash[:8]}"
