"""The triggers that let the audit log be added to and nothing else (migration 0002 makes them)."""

from __future__ import annotations

from apps.audit.models import AuditEntry, AuditSeal
from apps.tenants.database_triggers import DatabaseTrigger


def append_only_triggers() -> list[DatabaseTrigger]:
    """One on each table; their function stands in the same schema."""
    return [
        DatabaseTrigger(
            table=model._meta.db_table,
            name="audit_append_only",
            moment="BEFORE DELETE OR TRUNCATE OR UPDATE",
            function="audit_refuse_change",
            is_function_public=False,
        )
        for model in (AuditEntry, AuditSeal)
    ]
