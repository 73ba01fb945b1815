"""Counts in subqueries over several ways to a record, which ``annotate`` cannot count in one go."""

from __future__ import annotations

from django.db.models import JSONField, Subquery


class DeclineOf(Subquery):
    """How many rows are recent and how many are not, when the recent ones fall short; else NULL.

    The subquery, which may be a union, has a boolean column ``is_recent``. Its rows fall short when there
    are ``least`` others or more, and recent × ``recent_weight`` is below others × ``former_weight``. The
    answer is ``{"recent_count": …, "former_count": …}``.
    """

    template = (
        "(SELECT jsonb_build_object('recent_count', count(*) FILTER (WHERE is_recent),"
        " 'former_count', count(*) FILTER (WHERE NOT is_recent))"
        " FROM (%(subquery)s) AS counted"
        " HAVING count(*) FILTER (WHERE NOT is_recent) >= %(least)d"
        " AND count(*) FILTER (WHERE is_recent) * %(recent_weight)d"
        " < count(*) FILTER (WHERE NOT is_recent) * %(former_weight)d)"
    )
    output_field = JSONField()
