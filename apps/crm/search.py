"""Finding records of a kind by the words that they mention."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.db.models.expressions import OrderBy
from django.db.models.functions import Greatest

from apps.crm.layouts import Layout
from apps.crm.querysets import RecordQuerySet

# A single letter occurs nearly everywhere, and no index knows it.
SHORTEST_TEXT = 2
LONGEST_TEXT = 200
# The trigram indexes know words from this length on.
SHORTEST_INDEXED_WORD = 3


def find_matches(rows: RecordQuerySet[Any], layout: Layout, text: str) -> QuerySet[Any]:
    """Those of the rows that mention each word: the newest first, or by name where there is no such order."""
    sorts = {column.name: column.sort for column in layout.columns}
    is_newest_first = "created_at" in sorts
    names = ("created_at",) if is_newest_first else sorts[layout.default_sort]
    if max(map(len, text.split())) < SHORTEST_INDEXED_WORD:
        # Such words are in many rows: read in the wanted order until there are enough.
        order = [f"-{name}" if is_newest_first else name for name in (*names, "id")]
        return rows.search(text, own_fields_only=True).order_by(*order)
    # Find all by the trigram index, then sort. Given an order that has an index of its own, PostgreSQL
    # would count on meeting a few early there, and for a rare word read the whole table.
    unindexed = [
        OrderBy(Greatest(name, name), descending=is_newest_first) for name in (*names, "id")
    ]
    return rows.search(text).order_by(*unindexed)
