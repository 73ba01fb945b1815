"""Admin pages of applied changes and what policy said of them: to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from apps.execution.models import Execution, PolicyDecision
from apps.execution.written import written_by
from apps.tenants.admin import NOT_SET, ReadOnlyAdmin, link_to_page, link_to_record


@dataclass(frozen=True, slots=True)
class _Overseer:
    """Whoever opens the page of an execution: it asks for sight of everybody's rows."""

    pk: int = 0
    team_id: int | None = None
    sees_all: bool = True


class PolicyDecisionAdmin(ReadOnlyAdmin):
    """What policy answered."""

    list_display = ("decided_at", "tool", "verdict", "policy_version")
    list_filter = ("tool", "verdict", ("decided_at", admin.DateFieldListFilter))
    search_fields = ("tool",)
    fields = ("decided_at", "tool", "verdict", "policy_version", "execution_link")

    @admin.display(description="Execution")
    def execution_link(self, decision: PolicyDecision) -> SafeString | str:
        """The attempt that it was asked for."""
        found = Execution.objects.filter(policy_decision=decision).first()
        return (
            NOT_SET if found is None else link_to_page("execution_execution", found.pk, str(found))
        )


class ExecutionAdmin(ReadOnlyAdmin):
    """Attempts to apply approved changes."""

    needs_sight_of_all = True
    list_display = ("finished_at", "tool", "record", "status", "approved_by", "error_code")
    list_filter = ("status", "tool", "record_kind", ("finished_at", admin.DateFieldListFilter))
    list_select_related = ("approved_by",)
    search_fields = ("idempotency_key", "error_code", "=record_id")
    search_help_text = "A record's id, an error code or an idempotency key"
    fieldsets: ClassVar[tuple[Any, ...]] = (
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
        line = "<p><b>{}</b>: <bdi>{}</bdi> → <bdi>{}</bdi></p>"
        rows = [
            (value.label, value.before_text, value.after_text)
            for value in written_by(execution, _Overseer())
        ]
        return format_html_join("", line, rows) or NOT_SET
