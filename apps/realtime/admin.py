"""Admin pages of realtime voice, to look at: who asked, what became of calls, what happened on them."""

from __future__ import annotations

from django.contrib import admin

from apps.tenants.admin import ReadOnlyAdmin


class SessionAdmin(ReadOnlyAdmin):
    """One call: how it stands, what it took."""

    list_display = (
        "issued_at", "person", "state", "end_reason", "origin", "model", "is_stand_in", "began_at",
        "ended_at", "cost_usd", "tool_calls_count", "drops_count", "reconnects_count", "events_count",
        "events_left_out",
    )  # fmt: skip
    list_filter = ("state", "end_reason", "origin", "model", "is_stand_in", "issued_at")
    search_fields = ("person__username", "person__first_name", "person__last_name")
    list_select_related = ("person",)
    # A conversation is its person's alone, its title too.
    exclude = ("conversation",)


class TokenRequestAdmin(ReadOnlyAdmin):
    """One request for a token, granted or refused."""

    list_display = (
        "asked_at", "person", "outcome", "status", "gate", "latency_ms", "provider_ms", "session",
    )  # fmt: skip
    list_filter = ("outcome", "gate", "asked_at")
    search_fields = ("person__username", "person__first_name", "person__last_name")
    list_select_related = ("person", "session")


class ToolCallAdmin(ReadOnlyAdmin):
    """One call of a tool over the bridge; what was answered is for the person who asked."""

    list_display = (
        "called_at", "tool", "status", "code", "suggestion", "latency_ms", "session", "call_id",
    )  # fmt: skip
    list_filter = ("status", "tool", "code", "called_at")
    search_fields = ("call_id", "tool")
    list_select_related = ("session", "suggestion")
    exclude = ("answer",)


class TelemetryEventAdmin(ReadOnlyAdmin):
    """One event of a connection; the panel shows them in order."""

    list_display = (
        "received_at", "session", "at_ms", "direction", "type", "origin", "turn", "size_bytes",
    )  # fmt: skip
    list_filter = ("direction", "origin", ("received_at", admin.DateFieldListFilter))
    search_fields = ("type",)
    ordering = ("-id",)
    list_select_related = ("session",)
