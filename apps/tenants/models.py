"""The customer companies, their host names and module gates. All of it lives in the public schema."""

from __future__ import annotations

from zoneinfo import ZoneInfo, available_timezones

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django_tenants.models import DomainMixin, TenantMixin

from apps.tenants.calendar import WorkingCalendar
from apps.tenants.enums import Module

# Some ten years of public holidays.
MOST_HOLIDAYS = 200


def validate_time_zone(name: str) -> None:
    """Refuse a name that is not in the IANA time zone database."""
    if name not in available_timezones():
        raise ValidationError(f"{name!r} is not a known time zone.")


class Tenant(TenantMixin):  # type: ignore[misc]  # django-tenants has no types
    """A customer company: one PostgreSQL schema, one or more host names, its own settings."""

    # What is on, where it was read with the tenant: for showing a way to it alone. A use case asks again.
    modules_on: frozenset[str] = frozenset()

    # The schema is made by services.create_tenant, in one transaction with this row.
    auto_create_schema = False
    auto_drop_schema = False

    name = models.CharField(max_length=120)
    is_enabled = models.BooleanField(
        default=True, help_text="Off: nobody signs in and no scan runs; nothing is deleted."
    )
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    currency = models.CharField(
        max_length=3,
        default="USD",
        validators=[RegexValidator(r"^[A-Z]{3}$", "Three capital letters.")],
    )
    suggestions_per_day = models.PositiveSmallIntegerField(
        default=15,
        validators=[MinValueValidator(1), MaxValueValidator(200)],
        help_text="How many suggestions one person gets in a day; the rest are held back.",
    )
    silence_days = models.PositiveSmallIntegerField(
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        help_text="For how long a decided suggestion is not made again for the same record and goal.",
    )
    undo_days = models.PositiveSmallIntegerField(
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        help_text="For how long an applied suggestion can be undone.",
    )
    working_week = models.CharField(
        max_length=7,
        default="12345",
        validators=[
            RegexValidator(
                r"^(?=.)1?2?3?4?5?6?7?$", "Digits from 1 (Monday) to 7 (Sunday), in order."
            )
        ],
        help_text="The days of the week on which the company works: 1 is Monday, 12345 Monday to Friday.",
    )
    holidays = ArrayField(
        models.DateField(),
        default=list,
        blank=True,
        size=MOST_HOLIDAYS,
        help_text="Days off besides, such as 2026-12-25, with commas between them.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        """The tenant's own time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def calendar(self) -> WorkingCalendar:
        """The tenant's working days."""
        return WorkingCalendar.of(self.working_week, self.holidays)


class Domain(DomainMixin):  # type: ignore[misc]  # django-tenants has no types
    """A host name that leads to one tenant."""

    class Meta:
        ordering = ["domain"]


class ModuleGate(models.Model):
    """Whether a module is on for a tenant. A missing row means off: gates fail closed."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="module_gates")
    module = models.CharField(max_length=30, choices=Module.choices)
    is_on = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "module"], name="one_gate_per_tenant_and_module"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.module}: {'on' if self.is_on else 'off'}"
