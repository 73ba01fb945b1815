"""Who sees whose rows: one rule, used by every list, page, task and API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

if TYPE_CHECKING:
    from apps.users.models import User


def visible_rows(user: User, owner_field: str = "owner") -> Q:
    """Return the filter for rows whose ``owner_field`` this person may see.

    A rep sees their own rows, their team's, and those that nobody owns; a manager sees all.
    """
    if user.sees_all:
        return Q()
    visible = Q(**{f"{owner_field}_id": user.pk}) | Q(**{f"{owner_field}__isnull": True})
    if user.team_id is not None:
        visible |= Q(**{f"{owner_field}__team_id": user.team_id})
    return visible
