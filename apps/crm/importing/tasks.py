"""The worker's side of an import."""

from __future__ import annotations

from celery import shared_task

from apps.crm.importing import services
from apps.tenants.context import begin_request


@shared_task(name="crm.run_import")
def run_import(*, run_id: int) -> None:
    """Run a queued import. The tenant comes with the task's headers."""
    begin_request()
    services.run_import(run_id=run_id)
