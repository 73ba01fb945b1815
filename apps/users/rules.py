"""Who sees whose rows: one rule, used by every list, page, task and API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

if TYPE_CHECKING:
    from apps.users.models import User


class Reader(Protocol):
    """What about a person decides whose rows they see."""

    @property
    def pk(self) -> int:
        """The person's id."""

    @property
    def team_id(self) -> int | None:
        """The id of the person's team."""

    @property
    def sees_all(self) -> bool:
        """Whether the rows of everyone."""


def visible_rows(user: Reader, owner_field: str = "owner") -> Q:
    """Return the filter for rows whose ``owner_field`` this person may see.

    A rep sees their own rows, their team's, and those that nobody owns; a manager sees all.
    """
    if user.sees_all:
        return Q()
    visible = Q(**{f"{owner_field}_id": user.pk}) | Q(**{f"{owner_field}__isnull": True})
    if user.team_id is not None:
        # Not by a join: of whom a row is has to be known before anything dearer is asked about it.
        visible |= Q(**{f"{owner_field}_id__in": _team_of(user.team_id)})
    return visible


def _team_of(team_id: int) -> QuerySet[Any]:
    """The ids of the people of a team."""
    return get_user_model()._default_manager.filter(team_id=team_id).order_by().values("pk")


def sees_rows_of(user: User, owner: User | None) -> bool:
    """Return whether this person may see what ``owner`` owns: ``visible_rows`` for a loaded row."""
    if user.sees_all or owner is None or owner.pk == user.pk:
        return True
    return user.team_id is not None and owner.team_id == user.team_id


def assignable_people(user: Reader) -> Q:
    """Return the filter for people to whom this person may give a record.

    Those who work at present; for a rep only themselves and their team, because a rep would lose
    sight of a record given further away.
    """
    active = Q(is_active=True)
    if user.sees_all:
        return active
    own = Q(pk=user.pk)
    if user.team_id is not None:
        own |= Q(team_id=user.team_id)
    return active & own
