"""The audit app's configuration."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The append-only log of decisions."""

    name = "apps.audit"
    label = "audit"
    verbose_name = "Audit"
