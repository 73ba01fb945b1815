"""Addresses of pages that are written many times on one page."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.urls import NoReverseMatch, get_urlconf, reverse

# An id that stands in an address once, whatever else is in it, while its parts are found.
_PLACE = 9_007_199_254_740_993


def address_of(route: str, row_id: int) -> str:
    """``reverse(route, args=[row_id])`` for a route with one id: the way to it is looked up once.

    Raises:
        NoReverseMatch: there is no such route.
    """
    before, after = _around_id(_urlconf(), route)
    return f"{before}{row_id}{after}"


def address_if_any(route: str) -> str | None:
    """``reverse(route)``; None where this installation has no such page."""
    return _address(_urlconf(), route)


def _urlconf() -> str:
    return get_urlconf() or str(settings.ROOT_URLCONF)


@lru_cache(maxsize=256)
def _around_id(urlconf: str, route: str) -> tuple[str, str]:
    before, after = reverse(route, urlconf, args=[_PLACE]).split(str(_PLACE))
    return before, after


@lru_cache(maxsize=256)
def _address(urlconf: str, route: str) -> str | None:
    try:
        return reverse(route, urlconf)
    except NoReverseMatch:
        return None
