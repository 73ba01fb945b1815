"""What a person has the queue or a list of records show, kept under names of their own."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.http import QueryDict

from apps.crm.enums import RecordKind
from apps.crm.forms.filters import FILTER_SETS
from apps.suggestions.exceptions import TooManyViewsError
from apps.suggestions.facets import FACETS
from apps.suggestions.models import SavedView
from apps.users.models import User

# More than fit into a menu help nobody.
MOST_VIEWS = 20
_KEPT = ("view", "q", "sort", *(facet.key for facet in FACETS))


def saved_views(user: User, record_kind: RecordKind | None = None) -> list[SavedView]:
    """The person's own of the queue, or of a list of records, by name."""
    return list(user.saved_views.filter(record_kind=record_kind or ""))


def save_view(
    user: User, name: str, query: str, record_kind: RecordKind | None = None
) -> SavedView:
    """Keep what a query string shows; a name that is there already is given to this one.

    Raises:
        TooManyViewsError: as many as are allowed are kept already.
    """
    names = _KEPT if record_kind is None else (*FILTER_SETS[record_kind].base_filters, "sort")
    asked = QueryDict(query)
    # A filter of a list that is left empty takes away what the list begins with.
    kept = urlencode(
        [(key, asked[key]) for key in names if asked.get(key) or (record_kind and key in asked)]
    )
    of_list: dict[str, Any] = {"user": user, "record_kind": record_kind or ""}
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        others = SavedView.objects.filter(**of_list).exclude(name=name)
        if others.count() >= MOST_VIEWS:
            raise TooManyViewsError(MOST_VIEWS)
        view, _ = SavedView.objects.update_or_create(**of_list, name=name, defaults={"query": kept})
    return view


def forget_view(user: User, pk: int) -> SavedView | None:
    """Drop one of the person's own and return it as it was; None when there is none."""
    view: SavedView | None = user.saved_views.filter(pk=pk).first()
    if view is not None:
        view.delete()
    return view
