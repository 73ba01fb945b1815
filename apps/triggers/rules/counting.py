"""What several ways to a record tell together, which ``annotate`` cannot gather in one go."""

from __future__ import annotations

from django.db.models import JSONField, Subquery


class SignsOf(Subquery):
    """Which signs the activities of a record give that it is being lost; NULL when they give none.

    The subquery, which may be a union, has ``occurred_at``, its ``day``, and the boolean columns
    ``is_ahead``, ``is_recent`` and ``is_former`` (one of these holds of each row), ``is_theirs`` (the other
    side took part), ``is_lately`` (too young for silence, or ahead) and ``is_our_mail`` (ours, and old enough
    to have been answered).

    - Contact has thinned out when there are ``least`` former rows or more, recent × ``recent_weight`` is
      below former × ``former_weight``, and none of the recent ones is theirs: ``recent_count``,
      ``former_count``.
    - They do not answer when our mails lie on ``attempts`` days or more, later by a day than the last row of
      theirs: ``outbound_count`` such days. What follows their word within a day is our answer to it.
    - They are silent when there are rows, and none is of lately: ``last_activity_at``.

    The answer has the keys of the signs that there are, and ``is_enough`` where they are silent, or both of
    the others hold.
    """

    template = """
        (SELECT jsonb_strip_nulls(jsonb_build_object(
            'recent_count', CASE WHEN has_thinned THEN recent END,
            'former_count', CASE WHEN has_thinned THEN former END,
            'outbound_count', CASE WHEN is_unheard THEN attempts END,
            'last_activity_at', CASE WHEN is_silent THEN last_at END,
            'is_enough', CASE WHEN is_silent OR has_thinned AND is_unheard THEN true END))
         FROM (
            SELECT *,
                former >= %(least)d AND recent * %(recent_weight)d < former * %(former_weight)d
                    AND theirs = 0 AS has_thinned,
                attempts >= %(attempts)d AS is_unheard,
                last_at IS NOT NULL AND lately = 0 AS is_silent
            FROM (
                SELECT count(*) FILTER (WHERE is_recent) AS recent,
                    count(*) FILTER (WHERE is_former) AS former,
                    count(*) FILTER (WHERE is_recent AND is_theirs) AS theirs,
                    count(*) FILTER (WHERE is_lately) AS lately,
                    max(occurred_at) FILTER (WHERE NOT is_ahead) AS last_at,
                    count(DISTINCT day) FILTER (
                        WHERE is_our_mail AND (heard_at IS NULL OR occurred_at > heard_at + interval '1 day')
                    ) AS attempts
                FROM (
                    SELECT *, max(occurred_at) FILTER (WHERE is_theirs AND NOT is_ahead) OVER () AS heard_at
                    FROM (%(subquery)s) AS gathered
                ) AS heard
            ) AS counted
         ) AS told
         WHERE has_thinned OR is_unheard OR is_silent)"""
    output_field = JSONField()
