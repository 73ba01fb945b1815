"""The duplicates app's configuration."""

from __future__ import annotations

from django.apps import AppConfig


class DuplicatesConfig(AppConfig):
    """Which records are the same person or company."""

    name = "apps.duplicates"
    label = "duplicates"
    verbose_name = "Duplicates"

    def ready(self) -> None:
        """Let creating a record tell of those like it, and have our database triggers looked for."""
        from apps.crm.look_alikes import register_file_probe, register_probe
        from apps.duplicates import stamping
        from apps.duplicates.services.file_probe import probe_rows
        from apps.duplicates.services.probe import probe_values
        from apps.tenants.database_triggers import register_database_triggers

        register_probe(probe_values)
        register_file_probe(probe_rows)
        register_database_triggers(stamping.database_triggers)
