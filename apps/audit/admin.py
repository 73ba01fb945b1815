"""The audit log on admin pages: to look at."""

from __future__ import annotations

import json

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.audit.models import AuditEntry
from apps.tenants.admin import NOT_SET, ReadOnlyAdmin, link_to_list, link_to_page, link_to_record


class AuditEntryAdmin(ReadOnlyAdmin):
    """Who did what, when and why."""

    list_display = ("occurred_at", "event", "actor_name", "origin", "record", "details_text")
    list_filter = ("event", "origin", ("occurred_at", admin.DateFieldListFilter))
    search_fields = ("actor_name", "request_id", "=record_id", "=suggestion_id", "=execution_id")
    search_help_text = (
        "A person's name, a request id, or the id of a record, suggestion or execution"
    )
    fields = (
        "occurred_at", "event", "actor_name", "actor_id", "origin", "record", "suggestion",
        "execution", "changes", "request_id", "details_whole",
    )  # fmt: skip

    @admin.display(description="Record")
    def record(self, entry: AuditEntry) -> SafeString | str:
        """The way to the record."""
        if not entry.record_kind:
            return NOT_SET
        return link_to_record(entry.record_kind, entry.record_id)

    @admin.display(description="Suggestion")
    def suggestion(self, entry: AuditEntry) -> SafeString | str:
        """The way to the suggestion."""
        label = f"Suggestion {entry.suggestion_id}"
        return link_to_page("suggestions_suggestion", entry.suggestion_id, label)

    @admin.display(description="Execution")
    def execution(self, entry: AuditEntry) -> SafeString | str:
        """The way to the execution."""
        label = f"Execution {entry.execution_id}"
        return link_to_page("execution_execution", entry.execution_id, label)

    @admin.display(description="Changes")
    def changes(self, entry: AuditEntry) -> SafeString | str:
        """What the change log has of the record."""
        if entry.record_id is None:
            return NOT_SET
        return link_to_list(
            "crm_changelog",
            "Change log of the record",
            record_kind__exact=entry.record_kind,
            record_id__exact=entry.record_id,
        )

    @admin.display(description="Details")
    def details_text(self, entry: AuditEntry) -> str:
        """The details in one line."""
        pairs = (f"{name}: {_plain(value)}" for name, value in entry.details.items())
        return ", ".join(pairs) or NOT_SET

    @admin.display(description="Details")
    def details_whole(self, entry: AuditEntry) -> SafeString:
        """The details as they were written."""
        written = json.dumps(entry.details, indent=2, ensure_ascii=False)
        return format_html('<pre class="admin-json">{}</pre>', written)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
