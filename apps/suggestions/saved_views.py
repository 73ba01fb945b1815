"""What a person has the queue show, kept under names of their own."""

from __future__ import annotations

from urllib.parse import urlencode

from django.db import transaction
from django.http import QueryDict

from apps.suggestions.exceptions import TooManyViewsError
from apps.suggestions.facets import FACETS
from apps.suggestions.models import SavedView
from apps.users.models import User

# More than fit into a menu help nobody.
MOST_VIEWS = 20
_KEPT = ("view", "q", "sort", *(facet.key for facet in FACETS))


def saved_views(user: User) -> list[SavedView]:
    """The person's own, by name."""
    return list(user.saved_views.all())


def save_view(user: User, name: str, query: str) -> SavedView:
    """Keep what a query string of the queue shows; a name that is there already is given to this one.

    Raises:
        TooManyViewsError: as many as are allowed are kept already.
    """
    asked = QueryDict(query)
    kept = urlencode([(key, asked[key]) for key in _KEPT if asked.get(key)])
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        others = user.saved_views.exclude(name=name)
        if others.count() >= MOST_VIEWS:
            raise TooManyViewsError(MOST_VIEWS)
        view, _ = SavedView.objects.update_or_create(user=user, name=name, defaults={"query": kept})
    return view


def forget_view(user: User, pk: int) -> str | None:
    """Drop one of the person's own and return its name; None when there is none."""
    view = user.saved_views.filter(pk=pk).first()
    if view is None:
        return None
    view.delete()
    return view.name
