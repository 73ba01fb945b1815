"""Admin page of what activities say, to look at."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.utils.safestring import SafeString

from apps.crm.enums import RecordKind
from apps.tenants.admin import ReadOnlyAdmin, link_to_record
from apps.triggers.models import Reading


class ReadingAdmin(ReadOnlyAdmin):
    """What was read out of mails, talks and notes: days and yes or no, never their words."""

    needs_sight_of_all = True
    list_display = (
        "__str__", "activity", "promised_on", "asks_to_buy", "means_to_leave", "asks_to_wait",
        "needs_no_answer",
    )  # fmt: skip
    list_filter = (
        "asks_to_buy", "means_to_leave", "asks_to_wait", "needs_no_answer",
        ("promised_on", admin.DateFieldListFilter),
    )  # fmt: skip
    search_fields = ("=activity_id",)
    search_help_text = "An activity's id"
    show_full_result_count = False
    fields: ClassVar[tuple[str, ...]] = (
        "activity", "promised_on", "asks_to_buy", "means_to_leave", "asks_to_wait", "needs_no_answer",
    )  # fmt: skip

    @admin.display(description="Record", ordering="activity_id")
    def activity(self, reading: Reading) -> SafeString | str:
        """The way to the activity."""
        return link_to_record(RecordKind.ACTIVITY, reading.activity_id)
