"""The audit app's configuration."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The append-only log of decisions."""

    name = "apps.audit"
    label = "audit"
    verbose_name = "Audit"

    def ready(self) -> None:
        """Have people's events recorded."""
        from apps.audit.people import record_person_event
        from apps.users.recorders import register_recorder

        register_recorder(record_person_event)
