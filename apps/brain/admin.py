"""Admin pages of the Brain, to look at: its log of calls and what the months have cost."""

from __future__ import annotations

from django.contrib import admin

from apps.tenants.admin import ReadOnlyAdmin


class BrainCallAdmin(ReadOnlyAdmin):
    """Who answered, how long it took and what came of it; never prompt text."""

    list_display = (
        "called_at", "provider", "model", "mode", "tasks_count", "proposals_count", "tokens_in",
        "tokens_cached", "tokens_out", "cost_usd", "latency_ms", "retries", "outcome", "error_code",
        "fell_back_because", "dropped_code",
    )  # fmt: skip
    list_filter = ("provider", "mode", "outcome", "fell_back_because", "model", "prompt_version")
    search_fields = ("error_code", "dropped_code")


class BudgetMonthAdmin(ReadOnlyAdmin):
    """What a month has cost and what is set aside for calls under way."""

    list_display = (
        "begins_on", "usd_spent", "usd_reserved", "tokens_spent", "tokens_reserved", "soft_limit_told_at",
    )  # fmt: skip
    list_filter = (
        ("begins_on", admin.DateFieldListFilter), ("soft_limit_told_at", admin.EmptyFieldListFilter),
    )  # fmt: skip
