"""Admin pages of duplicates: what there is, to look at."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.duplicates.models import Pair
from apps.tenants.admin import ReadOnlyAdmin, link_to_record
from apps.tenants.templatetags.aisha_ui import percent


class PairAdmin(ReadOnlyAdmin):
    """Pairs; what is said of one is said on its own page."""

    list_display = (
        "found_at", "survivor", "duplicate", "how_probable", "is_likely", "has_conflict", "state",
        "decided_by",
    )  # fmt: skip
    list_filter = ("subject", "state", "is_likely", ("found_at", admin.DateFieldListFilter))
    list_select_related = ("decided_by",)
    search_fields = ("=survivor_id", "=duplicate_id", "key")
    search_help_text = "A record's id, or both as in contact:12|lead:7"
    show_full_result_count = False

    @admin.display(description="Keep")
    def survivor(self, pair: Pair) -> SafeString | str:
        """The way to the record to keep."""
        return link_to_record(pair.survivor_kind, pair.survivor_id)

    @admin.display(description="Duplicate")
    def duplicate(self, pair: Pair) -> SafeString | str:
        """The way to the other record."""
        return link_to_record(pair.duplicate_kind, pair.duplicate_id)

    @admin.display(description="Probability", ordering="probability")
    def how_probable(self, pair: Pair) -> str:
        """The probability as a share."""
        return percent(pair.probability)


class MatcherAdmin(ReadOnlyAdmin):
    """What was learned about telling duplicates; the weights hold frequent values and are not shown."""

    list_display = ("__str__", "is_current", "record_count", "most_per_key", "estimated_at")
    list_filter = ("subject", "is_current", ("estimated_at", admin.DateFieldListFilter))
    fields: ClassVar[tuple[str, ...]] = (
        "subject", "number", "is_current", "record_count", "most_per_key", "estimated_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Without the weights, which are large."""
        return super().get_queryset(request).defer("document")


class MatchRunAdmin(ReadOnlyAdmin):
    """Looks for duplicates."""

    list_display = (
        "queued_at", "kind", "subject", "status", "records_compared", "pairs_found", "pairs_gone",
        "finished_at", "requested_by",
    )  # fmt: skip
    list_filter = ("kind", "subject", "status", ("queued_at", admin.DateFieldListFilter))
    list_select_related = ("requested_by",)
    search_fields = ("=id", "message", "requested_by__username", "requested_by__last_name")
    search_help_text = "A look's number, a word of what came of it, or who asked for it"


class RecordKeysAdmin(ReadOnlyAdmin):
    """Under which keys a record is looked up; hashes, from which nothing can be read."""

    list_display = ("record", "key_count")
    list_filter = ("record_kind",)
    search_fields = ("=record_id",)
    search_help_text = "A record's id"
    show_full_result_count = False

    @admin.display(description="Record")
    def record(self, keys: Any) -> SafeString | str:
        """The way to the record."""
        return link_to_record(keys.record_kind, keys.record_id)

    @admin.display(description="Keys")
    def key_count(self, keys: Any) -> int:
        """How many there are."""
        return len(keys.keys)


class MatchCursorAdmin(ReadOnlyAdmin):
    """Up to where the change log has been read."""

    list_display = ("subject", "transaction_id", "keys_edition")
