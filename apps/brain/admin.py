"""Admin pages of the Brain: its call log, to look at."""

from __future__ import annotations

from apps.tenants.admin import ReadOnlyAdmin


class BrainCallAdmin(ReadOnlyAdmin):
    """Who answered, how long it took and what came of it; never prompt text."""

    list_display = (
        "called_at", "provider", "model", "mode", "tasks_count", "proposals_count", "tokens_in",
        "tokens_out", "cost_usd", "latency_ms", "outcome",
    )  # fmt: skip
    list_filter = ("provider", "mode", "outcome")
