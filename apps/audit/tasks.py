"""Sealing in the background."""

from __future__ import annotations

import logging

from celery import shared_task
from django.db import DatabaseError
from django.utils import timezone
from django_tenants.utils import schema_context

from apps.audit.heads import logs
from apps.audit.sealing import seal_log
from apps.tenants.context import begin_request

log = logging.getLogger(__name__)


@shared_task(name="audit.seal_all_logs")
def seal_all_logs() -> None:
    """Seal every log, a few statements each; one that cannot be sealed stops no other."""
    begin_request()
    for schema in logs():
        try:
            with schema_context(schema):
                seal_log(now=timezone.now())
        except DatabaseError:
            log.exception("an audit log could not be sealed", extra={"schema": schema})
