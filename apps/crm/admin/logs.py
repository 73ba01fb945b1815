"""Admin pages of the change log and of import runs: to look at."""

from __future__ import annotations

import json

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from apps.crm.changelog import record_models
from apps.crm.enums import Operation
from apps.crm.models import ChangeLog, ImportRun
from apps.crm.presentation import label_of
from apps.tenants.admin import NOT_SET, ReadOnlyAdmin, link_to_list, link_to_record


class ChangeLogAdmin(ReadOnlyAdmin):
    """What changed in records, when and by whom. The database writes it."""

    needs_sight_of_all = True
    list_display = ("changed_at", "record", "operation", "fields_text", "actor_name", "origin")
    list_filter = (
        "record_kind", "operation", "origin", "backfilled", ("changed_at", admin.DateFieldListFilter),
    )  # fmt: skip
    search_fields = ("=record_id", "actor_name", "=request_id")
    search_help_text = "A record's id, a person's name or a request id"
    fields = (
        "changed_at", "record", "operation", "changes_text", "actor_name", "origin", "audit_link",
        "request_id", "backfilled", "transaction_id",
    )  # fmt: skip

    @admin.display(description="Record")
    def record(self, row: ChangeLog) -> SafeString | str:
        """The way to the record."""
        return link_to_record(row.record_kind, row.record_id)

    @admin.display(description="On record")
    def audit_link(self, row: ChangeLog) -> SafeString | str:
        """What the audit log has of the record."""
        return link_to_list(
            "audit_auditentry",
            "Audit log of the record",
            record_kind__exact=row.record_kind,
            record_id__exact=row.record_id,
        )

    @admin.display(description="Fields")
    def fields_text(self, row: ChangeLog) -> str:
        """Which fields changed."""
        return ", ".join(_label_of(row, name) for name in row.changes) or NOT_SET

    @admin.display(description="Changes")
    def changes_text(self, row: ChangeLog) -> SafeString | str:
        """Each field before and after, as stored; a deleted record with its last values."""
        lines = [
            (_label_of(row, name), _plain(sides[0]), _plain(sides[1]))
            if row.operation == Operation.CHANGED
            else (_label_of(row, name), _plain(sides), NOT_SET)
            for name, sides in row.changes.items()
        ]
        return format_html_join("", "<p><b>{}</b>: {} → {}</p>", lines) or NOT_SET


class ImportRunAdmin(ReadOnlyAdmin):
    """Files that were imported and what came of them."""

    list_display = (
        "created_at", "file_name", "record_kind", "status", "rows_created", "rows_changed",
        "rows_unchanged", "rows_refused", "started_by",
    )  # fmt: skip
    list_filter = ("status", "record_kind", "source")
    list_select_related = ("started_by",)
    search_fields = ("file_name",)

    def get_fields(self, request: object, obj: ImportRun | None = None) -> list[str]:
        """Everything but where files lie on disk."""
        hidden = {"id", "stored_path", "errors_path"}
        return [field.name for field in ImportRun._meta.fields if field.name not in hidden]


def _label_of(row: ChangeLog, column: str) -> str:
    """The word for a column; one that is no longer there stands for itself."""
    models = {model.kind.value: model for model in record_models()}
    try:
        return label_of(models[row.record_kind], column)
    except LookupError:
        return column


def _plain(value: object) -> str:
    if value is None or value == "":
        return NOT_SET
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
