"""The operations app's configuration."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate, pre_migrate


class OperationsConfig(AppConfig):
    """Provisioning, demo, supervisor, embedded servers, health and metrics."""

    name = "apps.operations"
    label = "operations"
    verbose_name = "Operations"

    def ready(self) -> None:
        """Look at each schema before its migrations, and prepare it after them."""
        # Of the apps in both public and tenant schemas, audit migrates last but for nothing that
        # matters here; the signal comes once per schema, after all migrations of the run.
        suggestions = apps.get_app_config("suggestions")
        pre_migrate.connect(
            look_before_migrate, sender=suggestions, dispatch_uid="operations.known_migrations"
        )
        post_migrate.connect(
            prepare_after_migrate,
            sender=suggestions,
            dispatch_uid="operations.prepare_schema",
        )


def look_before_migrate(**_: Any) -> None:
    """Stop at a schema that another version has migrated further, or in another way."""
    from apps.operations.provisioning import refuse_unknown_migrations

    refuse_unknown_migrations()


def prepare_after_migrate(*, verbosity: int = 1, **_: Any) -> None:
    """Install triggers, grants and the roles' permissions in the schema that has just been migrated."""
    from apps.operations.provisioning import prepare_schema

    prepare_schema()
