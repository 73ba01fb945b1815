"""Pages of long lists: never a full count, never a deep offset."""

from __future__ import annotations

from typing import TypeVar

from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.utils.functional import cached_property

ModelT = TypeVar("ModelT", bound=Model)

# As far as a person pages by hand. Counting stops here, and so does the offset of the last page.
COUNT_CAP = 10_000


class CappedPaginator(Paginator[ModelT]):
    """A paginator that counts up to ``COUNT_CAP`` rows and offers no page beyond them.

    ``is_capped`` says that there are more; the rest is reached by a filter or by the export. A full
    count of a table of 200,000 rows would cost more than the page itself.
    """

    object_list: QuerySet[ModelT]

    @cached_property
    def _found(self) -> int:
        return self.object_list.order_by()[: COUNT_CAP + 1].count()

    @cached_property
    def count(self) -> int:
        """How many rows there are, at most ``COUNT_CAP``."""
        return min(self._found, COUNT_CAP)

    @property
    def is_capped(self) -> bool:
        """Whether there are more rows than are counted."""
        return self._found > COUNT_CAP
