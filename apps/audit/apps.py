"""The audit app's configuration."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The append-only log of decisions."""

    name = "apps.audit"
    label = "audit"
    verbose_name = "Audit"

    def ready(self) -> None:
        """Have people's events recorded, and the log's triggers looked for at the start."""
        from apps.audit.append_only import append_only_triggers
        from apps.audit.people import record_person_event
        from apps.tenants.database_triggers import register_database_triggers
        from apps.users.recorders import register_recorder

        register_recorder(record_person_event)
        register_database_triggers(append_only_triggers)
