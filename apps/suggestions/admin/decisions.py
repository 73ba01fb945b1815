"""Admin pages of what people decided, one by one and together."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.suggestions.models import BulkItem, Decision
from apps.tenants.admin import (
    NOT_SET,
    ReadOnlyAdmin,
    ReadOnlyInline,
    link_to_list,
    link_to_page,
    link_to_record,
)


class DecisionAdmin(ReadOnlyAdmin):
    """What people decided."""

    list_display = (
        "decided_at", "verdict", "suggestion_link", "decided_by", "reason", "goal", "tool",
    )  # fmt: skip
    list_filter = (
        "verdict", "reason", "goal", "tool", "decided_by", ("decided_at", admin.DateFieldListFilter),
    )  # fmt: skip
    list_select_related = ("suggestion__execution", "decided_by")
    search_fields = ("suggestion__title", "note")
    fieldsets = (
        (None, {"fields": ("verdict", "reason", "note", "decided_by", "decided_at")}),
        ("Kind", {"fields": ("goal", "trigger", "tool", "segment")}),
        ("Story", {"fields": ("suggestion", "record", "execution_link", "audit_link")}),
    )
    needs_sight_of_all = True

    @admin.display(description="Suggestion")
    def suggestion_link(self, decision: Decision) -> SafeString | str:
        """What was decided on."""
        suggestion = decision.suggestion
        return link_to_page("suggestions_suggestion", suggestion.pk, suggestion.title)

    @admin.display(description="Record")
    def record(self, decision: Decision) -> SafeString | str:
        """The record that it is about."""
        suggestion = decision.suggestion
        return link_to_record(suggestion.record_kind, suggestion.record_id, suggestion.record_label)

    @admin.display(description="Execution")
    def execution_link(self, decision: Decision) -> SafeString | str:
        """The change that was applied, if there was one."""
        done = decision.suggestion.execution
        return NOT_SET if done is None else link_to_page("execution_execution", done.pk, str(done))

    @admin.display(description="On record")
    def audit_link(self, decision: Decision) -> SafeString | str:
        """The log's entries about the suggestion."""
        suggestion_id = decision.suggestion_id
        return link_to_list("audit_auditentry", "Audit log", suggestion_id__exact=suggestion_id)


class BulkItemInline(ReadOnlyInline):
    """What became of each suggestion."""

    model = BulkItem
    fields = ("suggestion", "outcome", "code", "message", "seen_at", "done_at")
    readonly_fields = fields
    per_page = 100

    def get_queryset(self, request: HttpRequest) -> QuerySet[BulkItem]:
        """With their titles; what was not applied first."""
        items: QuerySet[BulkItem] = super().get_queryset(request)
        return items.select_related("suggestion").order_by("-outcome", "id")


class BulkApprovalAdmin(ReadOnlyAdmin):
    """What people approved together."""

    list_display = ("requested_at", "requested_by", "tool", "origin", "finished_at")
    list_filter = ("tool", "origin", "requested_by", ("requested_at", admin.DateFieldListFilter))
    list_select_related = ("requested_by",)
    search_fields = ("tool", "requested_by__username", "requested_by__last_name")
    fields = ("tool", "requested_by", "requested_at", "finished_at", "origin")
    inlines = (BulkItemInline,)
    needs_sight_of_all = True
