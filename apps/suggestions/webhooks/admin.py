"""Admin pages of webhooks, to look at; what can be done with them is on their own pages."""

from __future__ import annotations

from apps.tenants.admin import ReadOnlyAdmin


class WebhookEndpointAdmin(ReadOnlyAdmin):
    """Who is told of what; never the secret."""

    list_display = (
        "name", "url", "is_enabled", "off_because", "off_at", "failing_since", "delivered_at",
        "created_by", "created_at",
    )  # fmt: skip
    list_filter = ("is_enabled", "off_because")
    list_select_related = ("created_by",)
    search_fields = ("name", "url")


class WebhookDeliveryAdmin(ReadOnlyAdmin):
    """What became of each message."""

    list_display = (
        "message_id", "endpoint", "kind", "occurred_at", "state", "attempts", "last_attempt_at",
        "next_attempt_at", "last_status", "error_code", "finished_at",
    )  # fmt: skip
    list_filter = ("state", "kind", "endpoint", "error_code")
    list_select_related = ("endpoint",)
