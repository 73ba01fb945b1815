"""Pages of lists that may be very long: counted only as far as it is worth telling."""

from __future__ import annotations

from typing import Any

from django.core.paginator import EmptyPage, Page, PageNotAnInteger, Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

# "1,000+" says enough; counting on would read the whole table for each page.
COUNT_LIMIT = 1000


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """A paginator that counts no further than ``COUNT_LIMIT`` rows beyond the asked page.

    Pages past the limit can still be reached one after the other.
    """

    def __init__(self, rows: QuerySet[Any], per_page: int, asked: str | None) -> None:
        super().__init__(rows, per_page)
        try:
            self._asked = max(1, int(asked or 1))
        except ValueError:
            self._asked = 1

    @cached_property
    def count(self) -> int:
        """The number of rows, as far as it was counted."""
        furthest = max(COUNT_LIMIT, self._asked * self.per_page) + 1
        counted: int = self.object_list[:furthest].count()  # type: ignore[union-attr]
        return counted

    @property
    def is_capped(self) -> bool:
        """Whether there are more rows than were counted."""
        return self.count > max(COUNT_LIMIT, self._asked * self.per_page)

    @property
    def count_text(self) -> str:
        """The number of rows in words: ``37`` or ``1,000+``."""
        return f"{self.count - 1:,}+" if self.is_capped else f"{self.count:,}"

    def asked_page(self) -> Page:  # type: ignore[type-arg]
        """The page that was asked for, or the nearest one there is."""
        try:
            return self.page(self._asked)
        except PageNotAnInteger:
            return self.page(1)
        except EmptyPage:
            return self.page(self.num_pages)
