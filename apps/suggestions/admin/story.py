"""Signals and executions with the suggestions between them: the apps below know nothing of these."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from apps.execution.admin import ExecutionAdmin
from apps.execution.models import Execution
from apps.suggestions.models import Suggestion
from apps.tenants.admin import NOT_SET, link_to_list, link_to_page, listed
from apps.triggers.admin import SignalAdmin
from apps.triggers.models import Signal


class SignalStoryAdmin(SignalAdmin):
    """Signals, with the suggestions that rest on them."""

    fields = (*SignalAdmin.fields, "suggestion_links", "audit_link")

    @admin.display(description="Suggestions")
    def suggestion_links(self, signal: Signal) -> SafeString | str:
        """The suggestions that rest on it, the latest first."""
        rows = Suggestion.objects.filter(signals=signal).order_by("-created_at", "-pk")
        return listed(_link_to(suggestion) for suggestion in rows)

    @admin.display(description="On record")
    def audit_link(self, signal: Signal) -> SafeString | str:
        """The log's entries about the record."""
        return link_to_list(
            "audit_auditentry",
            "Audit log of the record",
            record_kind__exact=signal.record_kind,
            record_id__exact=signal.record_id,
        )


class ExecutionStoryAdmin(ExecutionAdmin):
    """Executions, with the suggestion that each is of and the undo that took it back."""

    fieldsets = (
        *ExecutionAdmin.fieldsets,
        ("Story", {"fields": ("suggestion_link", "undoes", "undo_links", "audit_link")}),
    )

    @admin.display(description="Suggestion")
    def suggestion_link(self, execution: Execution) -> SafeString | str:
        """The suggestion that was approved, of a failed attempt too."""
        suggestion = _suggestion_of(execution)
        return NOT_SET if suggestion is None else _link_to(suggestion)

    @admin.display(description="Undone by")
    def undo_links(self, execution: Execution) -> SafeString | str:
        """The attempts to take it back."""
        return listed(
            link_to_page("execution_execution", undo.pk, str(undo))
            for undo in execution.undo_attempts.all()
        )

    @admin.display(description="On record")
    def audit_link(self, execution: Execution) -> SafeString | str:
        """The log's entries about the suggestion."""
        suggestion = _suggestion_of(execution)
        if suggestion is None:
            return NOT_SET
        return link_to_list("audit_auditentry", "Audit log", suggestion_id__exact=suggestion.pk)


def _suggestion_of(execution: Execution) -> Suggestion | None:
    """The suggestion whose key an attempt carries; an undo's is that of what it took back."""
    tried = execution.undoes or execution
    kind, _, number = tried.idempotency_key.partition(":")
    if kind != "suggestion" or not number.isdigit():
        return None
    found: Suggestion | None = Suggestion.objects.filter(pk=int(number)).first()
    return found


def _link_to(suggestion: Suggestion) -> SafeString | str:
    text = f"{suggestion.title} ({suggestion.get_state_display().lower()})"
    return link_to_page("suggestions_suggestion", suggestion.pk, text)
