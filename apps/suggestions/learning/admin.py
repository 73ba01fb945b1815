"""Admin pages of learning: what was reset, and what came of decisions."""

from __future__ import annotations

from apps.tenants.admin import ReadOnlyAdmin


class LearningResetAdmin(ReadOnlyAdmin):
    """From when on scopes are learned anew."""

    list_display = ("reset_at", "scope", "key", "person", "reset_by")
    list_filter = ("scope", "reset_by")
    list_select_related = ("person", "reset_by")
    needs_sight_of_all = True


class FollowedOutcomeAdmin(ReadOnlyAdmin):
    """What was to be seen some days after a decision."""

    list_display = ("decided_at", "suggestion", "days", "is_applied", "answered", "moved", "done")
    list_filter = ("days", "is_applied", "answered", "moved", "done")
    list_select_related = ("suggestion",)
    needs_sight_of_all = True
