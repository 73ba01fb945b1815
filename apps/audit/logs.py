"""Adds tenant, person and request id to every log line."""

from __future__ import annotations

import logging

from django.db import connection

from apps.tenants.context import current_person_id, current_request_id


class ContextFilter(logging.Filter):
    """Puts ``tenant``, ``person_id`` and ``request_id`` on the log record; it never drops one."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Annotate the record."""
        # What Django says about a request is said by another thread, whose connection knows no
        # tenant; the request is on the record.
        tenant = getattr(getattr(record, "request", None), "tenant", connection)
        record.tenant = getattr(tenant, "schema_name", None) or "public"
        record.person_id = current_person_id()
        record.request_id = current_request_id()
        return True
