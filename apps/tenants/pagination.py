"""Pages of lists that may be very long: counted only as far as it is worth telling."""

from __future__ import annotations

from typing import Any

from django.core.paginator import EmptyPage, Page, Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

# "1,000+" says enough; counting on would read the whole table for each page.
COUNT_LIMIT = 1000
# As far as a person pages by hand; the database skips all rows before a page. A filter or the export
# leads to the rest.
FURTHEST_ROW = 10_000


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """A paginator that counts no further than ``count_limit`` rows or the asked page.

    Pages past the limit can still be reached one after the other, up to ``FURTHEST_ROW``.
    """

    def __init__(
        self, rows: Any, per_page: int, asked: str | None, *, count_limit: int = COUNT_LIMIT
    ) -> None:
        super().__init__(rows, per_page)
        try:
            page = int(asked or 1)
        except ValueError:
            page = 1
        self._asked = min(max(1, page), FURTHEST_ROW // per_page)
        #: How many rows are told exactly; where there are more, "1,000+" is.
        self.limit = max(count_limit, self._asked * per_page)

    @cached_property
    def _counted(self) -> int:
        counted: int = self.rows_to_count().count()
        return counted

    def rows_to_count(self) -> QuerySet[Any]:
        """The rows that are to be counted: as many as it takes to know whether there are more."""
        rows: Any = self.object_list
        counted: QuerySet[Any] = rows.order_by()[: self.limit + 1]
        return counted

    def take_count(self, counted: int) -> None:
        """Use the number of ``rows_to_count`` that was asked for together with something else."""
        self.__dict__["_counted"] = counted

    @cached_property
    def count(self) -> int:
        """The number of rows, as far as it was counted and can be reached."""
        return min(self._counted, FURTHEST_ROW)

    @property
    def is_capped(self) -> bool:
        """Whether there are more rows than were counted."""
        return self._counted > self.limit

    @property
    def count_text(self) -> str:
        """The number of rows in words: ``37`` or ``1,000+``."""
        return f"{self.limit:,}+" if self.is_capped else f"{self._counted:,}"

    def asked_rows(self) -> list[Any]:
        """The rows of the page that was asked for, without counting any."""
        first = (self._asked - 1) * self.per_page
        return list(self.object_list[first : first + self.per_page])

    def asked_page(self) -> Page:  # type: ignore[type-arg]
        """The page that was asked for, or the nearest one there is."""
        try:
            return self.page(self._asked)
        except EmptyPage:
            return self.page(self.num_pages)
