"""The operations app's configuration."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class OperationsConfig(AppConfig):
    """Provisioning, demo, supervisor, embedded servers, health and metrics."""

    name = "apps.operations"
    label = "operations"
    verbose_name = "Operations"

    def ready(self) -> None:
        """Prepare each schema after its migrations: triggers, grants, roles' permissions."""
        # Of the apps in both public and tenant schemas, audit migrates last but for nothing that
        # matters here; the signal comes once per schema, after all migrations of the run.
        post_migrate.connect(
            prepare_after_migrate,
            sender=apps.get_app_config("suggestions"),
            dispatch_uid="operations.prepare_schema",
        )


def prepare_after_migrate(*, verbosity: int = 1, **_: Any) -> None:
    """Run the preparation for the schema that has just been migrated."""
    from apps.operations.provisioning import prepare_schema

    prepare_schema()
