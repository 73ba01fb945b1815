"""The page that shows how the engine does."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.audit.exporting import send_table
from apps.triggers.charts import lay_out_days, lay_out_spark
from apps.triggers.health import DAYS_SHOWN, GONE_WRONG_DAYS, NEVER_FIRED_DAYS, read_health
from apps.triggers.views.triggers import viewer_of

HEADER = (
    "Trigger", "State", "Firing now", "Fired", "Cleared", "Last fired", "Last full look (s)", "Average (s)",
    "Errors",
)  # fmt: skip


@require_safe
def show_health(request: HttpRequest) -> HttpResponse:
    """The last scans, what fired and was cleared by day, and each trigger's share in it."""
    viewer_of(request)
    health = read_health(timezone.now())
    context = {
        "nav_section": "triggers",
        "tab": "health",
        "health": health,
        "chart": lay_out_days(health.days, health.fired, health.cleared),
        "days": list(zip(health.days, health.fired, health.cleared, strict=True))[::-1],
        "rows": [
            (row, lay_out_spark(health.days, row.fired, row.cleared)) for row in health.triggers
        ],
        "days_shown": DAYS_SHOWN,
        "never_fired_days": NEVER_FIRED_DAYS,
        "gone_wrong_days": GONE_WRONG_DAYS,
    }
    return render(request, "triggers/health.html", context)


@require_safe
def export_health(request: HttpRequest) -> HttpResponseBase:
    """The triggers over the days shown as they are on screen, as a CSV file."""
    user = viewer_of(request)
    rows = [
        (
            row.setting.trigger.label,
            "On" if row.setting.choice.is_enabled else "Off",
            row.firing,
            row.fired_total,
            row.cleared_total,
            row.last_fired_at,
            row.last_s,
            row.average_s,
            row.errors,
        )
        for row in read_health(timezone.now()).triggers
    ]
    return send_table(request, user, what="trigger-health", header=HEADER, rows=rows)
