"""Admin pages of the digest, to look at; it is set on its own pages and on each person's."""

from __future__ import annotations

from apps.tenants.admin import ReadOnlyAdmin


class DigestPreferenceAdmin(ReadOnlyAdmin):
    """Who has chosen another hour, or none."""

    list_display = ("person", "is_on", "send_at")
    list_filter = ("is_on",)
    list_select_related = ("person",)
    search_fields = ("person__username", "person__first_name", "person__last_name")


class DigestSentAdmin(ReadOnlyAdmin):
    """What became of each person's digest of each day; what was in it is not kept."""

    list_display = (
        "local_day", "person", "status", "is_manual", "rows_count", "attempts", "error_code",
        "claimed_at", "finished_at", "next_try_at",
    )  # fmt: skip
    list_filter = ("status", "is_manual", "local_day", "error_code")
    list_select_related = ("person",)
    search_fields = ("person__username", "person__first_name", "person__last_name")
