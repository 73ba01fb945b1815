"""Admin page of who has looked at what was discovered, to look at."""

from __future__ import annotations

from django.contrib import admin

from apps.tenants.admin import ReadOnlyAdmin


class DiscoveryLookAdmin(ReadOnlyAdmin):
    """Up to when each person has seen what was found; who never looked has no row."""

    needs_sight_of_all = True
    list_display = ("person", "seen_until")
    list_filter = (("seen_until", admin.DateFieldListFilter),)
    list_select_related = ("person",)
    search_fields = ("person__username", "person__first_name", "person__last_name")
