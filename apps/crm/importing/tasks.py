"""The worker's side of imports. The tenant comes with the task's headers."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone
from django_tenants.utils import schema_context

from apps.crm.importing import services
from apps.crm.importing.removal import remove_old_files
from apps.tenants.context import begin_request
from apps.tenants.services import enabled_schemas


@shared_task(name="crm.run_import")
def run_import(*, run_id: int) -> None:
    """Run a queued import."""
    begin_request()
    services.run_import(run_id=run_id)


@shared_task(name="crm.remove_old_import_files")
def remove_old_import_files() -> None:
    """Remove the files of one tenant's imports that are long over."""
    begin_request()
    remove_old_files(timezone.now())


@shared_task(name="crm.remove_all_old_import_files")
def remove_all_old_import_files() -> None:
    """Queue the removal for every enabled tenant, one task each."""
    for schema in enabled_schemas():
        with schema_context(schema):
            remove_old_import_files.delay()
