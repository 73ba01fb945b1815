"""Admin pages of applied changes and what policy said of them: to look at."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from apps.crm.enums import RecordKind
from apps.execution.diff import NOTHING, label_of, text_of
from apps.execution.models import Execution
from apps.tenants.admin import NOT_SET, ReadOnlyAdmin, link_to_record


class PolicyDecisionAdmin(ReadOnlyAdmin):
    """What policy answered."""

    list_display = ("decided_at", "tool", "verdict", "policy_version")
    list_filter = ("tool", "verdict")


class ExecutionAdmin(ReadOnlyAdmin):
    """Attempts to apply approved changes."""

    needs_sight_of_all = True
    list_display = ("finished_at", "tool", "record", "status", "approved_by", "error_code")
    list_filter = ("status", "tool", "record_kind", ("finished_at", admin.DateFieldListFilter))
    list_select_related = ("approved_by",)
    search_fields = ("idempotency_key", "error_code", "=record_id")
    search_help_text = "A record's id, an error code or an idempotency key"
    fieldsets = (
        (None, {"fields": ("status", "tool", "record", "written", "error_code", "error_message")}),
        ("Approval", {"fields": ("approved_by", "approved_at", "policy_decision")}),
        ("Run", {"fields": ("started_at", "finished_at", "idempotency_key")}),
    )

    @admin.display(description="Record")
    def record(self, execution: Execution) -> SafeString | str:
        """The way to the record that was changed or made."""
        return link_to_record(execution.record_kind, execution.record_id)

    @admin.display(description="What was written")
    def written(self, execution: Execution) -> SafeString | str:
        """Each field before and after, in words."""
        kind = RecordKind(execution.record_kind)
        before = execution.before_values.get(f"{kind.value}:{execution.record_id}", {})
        rows = [
            (
                label_of(kind, name),
                text_of(kind, name, before[name]) if name in before else NOTHING,
                text_of(kind, name, value),
            )
            for name, value in execution.after_values.items()
            if value not in (None, "") or before.get(name) not in (None, "")
        ]
        return format_html_join("", "<p><b>{}</b>: {} → {}</p>", rows) or NOT_SET
