"""Counts in subqueries over several ways to a record, which ``annotate`` cannot count in one go."""

from __future__ import annotations

from django.db.models import JSONField, Subquery


class DeclineOf(Subquery):
    """How many rows are recent and how many are not, when the recent ones fall short; else NULL.

    The subquery, which may be a union, has the boolean columns ``is_recent``, ``is_theirs`` (the other side
    took part) and ``is_just_now`` (younger than a pause that is usual between few rows). Its rows fall short
    when there are ``least`` others or more, recent × ``recent_weight`` is below others × ``former_weight``,
    none of the recent ones is theirs, and there are ``firm`` others or none of the rows is of just now. The
    answer is ``{"recent_count": …, "former_count": …}``.
    """

    template = (
        "(SELECT jsonb_build_object('recent_count', count(*) FILTER (WHERE is_recent),"
        " 'former_count', count(*) FILTER (WHERE NOT is_recent))"
        " FROM (%(subquery)s) AS counted"
        " HAVING count(*) FILTER (WHERE NOT is_recent) >= %(least)d"
        " AND count(*) FILTER (WHERE is_recent) * %(recent_weight)d"
        " < count(*) FILTER (WHERE NOT is_recent) * %(former_weight)d"
        " AND count(*) FILTER (WHERE is_recent AND is_theirs) = 0"
        " AND (count(*) FILTER (WHERE NOT is_recent) >= %(firm)d"
        " OR count(*) FILTER (WHERE is_just_now) = 0))"
    )
    output_field = JSONField()
