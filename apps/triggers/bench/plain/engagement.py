"""Triggers about how people respond, by hand: all activities of the window are counted at once."""

from __future__ import annotations

from apps.triggers.bench.plain.writing import statement

CONTACT_UNRESPONSIVE = statement(
    """
    WITH tried AS (
        SELECT contact_id,
               count(*) FILTER (WHERE direction = 'outbound' AND activity_kind <> 'meeting') AS attempts,
               max(occurred_at) FILTER (WHERE direction = 'outbound' AND activity_kind <> 'meeting')
                   AS last_at
        FROM crm_activity
        WHERE contact_id IS NOT NULL AND activity_kind <> 'note'
          AND occurred_at > %(now)s - interval '45 days'
        GROUP BY contact_id
        HAVING count(*) FILTER (WHERE direction = 'outbound' AND activity_kind <> 'meeting') >= 4
           AND count(*) FILTER (WHERE direction = 'inbound' OR activity_kind = 'meeting') = 0
           AND max(occurred_at) FILTER (WHERE direction = 'outbound' AND activity_kind <> 'meeting')
               <= %(now)s - interval '3 days'
    )
    SELECT c.id, jsonb_build_object(
        'outbound_count', t.attempts, 'last_outbound_at', t.last_at,
        'last_inbound_at', (SELECT max(a.occurred_at) FROM crm_activity a
                            WHERE a.contact_id = c.id AND a.direction = 'inbound'
                              AND a.activity_kind <> 'note'),
        'revision', c.revision) AS facts
    FROM tried t JOIN crm_contact c ON c.id = t.contact_id AND NOT c.do_not_contact
    WHERE NOT EXISTS (SELECT 1 FROM crm_task k WHERE k.contact_id = c.id AND k.status = 'open')
      AND (EXISTS (SELECT 1 FROM crm_opportunity d WHERE d.contact_id = c.id AND d.outcome = 'open')
           OR EXISTS (SELECT 1 FROM crm_opportunity d
                      WHERE d.account_id = c.account_id AND d.outcome = 'open'))
    """,
    trigger="contact_unresponsive",
    goal="reach_contact",
    kind="contact",
    severity=2,
    parameters='{"outbound_count": 4, "window_days": 45, "wait_days": 3}',
)

# One series of weeks for each record, and the likeliest change in each.
_SHIFT = """
    WITH touched AS (
        SELECT record_id, (%(today)s::date - day - 1) / 7 + 1 AS week, count(*) AS days
        FROM ({touches}) AS every
        GROUP BY 1, 2
    ), worths AS (
        SELECT w AS week, greatest(0.25, 5) AS worth FROM generate_series(1, 26) w
    ), summed AS (
        SELECT r.record_id, w.week, sum(coalesce(t.days, 0)) OVER newest AS after,
               sum(w.worth) OVER newest AS worth_after,
               sum(coalesce(t.days, 0)) OVER every AS days, sum(w.worth) OVER every AS worth, first_week,
               count(t.days) OVER every - count(t.days) OVER newest AS weeks_before
        FROM (SELECT record_id, max(week) AS first_week FROM touched WHERE week <= 26 GROUP BY 1) r
        JOIN worths w ON w.week <= r.first_week
        LEFT JOIN touched t ON t.record_id = r.record_id AND t.week = w.week
        WINDOW newest AS (PARTITION BY r.record_id ORDER BY w.week), every AS (PARTITION BY r.record_id)
    ), weighed AS (
        SELECT *, CASE WHEN after > 0 THEN after * ln(after / (days * worth_after / worth)) ELSE 0 END
                  + CASE WHEN days > after
                         THEN (days - after)
                              * ln((days - after) / (days * (worth - worth_after) / worth)) ELSE 0 END
                  AS evidence
        FROM summed WHERE week < first_week AND days > 0
    ), likeliest AS (
        SELECT DISTINCT ON (record_id) *, days - after AS before, worth - worth_after AS worth_before
        FROM (SELECT *, max(evidence) OVER (PARTITION BY record_id) AS most FROM weighed) AS compared
        WHERE week BETWEEN 2 AND 9 AND evidence >= most - 2
        ORDER BY record_id, evidence DESC, week
    )
    SELECT r.id, jsonb_build_object(
        'direction', CASE WHEN after * worth_before > before * worth_after THEN 'rise' ELSE 'fall' END,
        'recent_count', after, 'recent_days', 7 * week, 'former_count', before,
        'past_days', 7 * (first_week - week), 'changed_on', %(today)s::date - (7 * week)::int,
        'revision', r.revision) AS facts
    FROM likeliest s JOIN {table} r ON r.id = s.record_id AND {only}
                                    AND r.last_activity_at >= %(today)s::date - 182
    WHERE evidence >= 8.5
      AND (after * worth_before >= before * worth_after * 2 AND first_week >= week + 4 AND before >= 3
           OR after * worth_before * 2 <= before * worth_after AND weeks_before >= 6
              AND NOT EXISTS (
                  SELECT FROM (SELECT coalesce(sum(t.days) FILTER (WHERE t.week - 52 <= s.week), 0) AS after,
                                      coalesce(sum(t.days) FILTER (WHERE t.week - 52 > s.week), 0) AS before
                               FROM touched t
                               WHERE t.record_id = s.record_id AND t.week BETWEEN 53 AND 78) y
                  WHERE y.before >= 4 AND y.after * (26 - s.week) * 2 <= y.before * s.week))
"""
_TOUCHES = """
        SELECT {record} AS record_id, coalesce(a.contact_id, 0) AS who,
               coalesce(a.opportunity_id, 0) AS matter, (a.occurred_at AT TIME ZONE 'UTC')::date AS day
        FROM crm_activity a {joined}
        WHERE {record} IS NOT NULL AND a.activity_kind <> 'note'
          AND a.occurred_at >= %(today)s::date - 546 AND a.occurred_at < %(today)s::date
          AND a.created_at <= a.occurred_at + interval '3 days'
"""
_PARAMETERS = (
    '{"youngest_weeks": 2, "oldest_weeks": 9, "evidence_tenths": 85, "rise_percent": 200,'
    ' "fall_percent": 50}'
)

ENGAGEMENT_SHIFT = statement(
    _SHIFT.format(
        touches=_TOUCHES.format(record="a.contact_id", joined="") + " GROUP BY 1, 2, 3, 4",
        table="crm_contact",
        only="NOT r.do_not_contact",
    ),
    trigger="engagement_shift",
    goal="look_into_change",
    kind="contact",
    severity=1,
    parameters=_PARAMETERS,
)

ACCOUNT_ENGAGEMENT_SHIFT = statement(
    _SHIFT.format(
        touches=" UNION ".join(
            (
                _TOUCHES.format(record="a.account_id", joined=""),
                _TOUCHES.format(
                    record="c.account_id", joined="JOIN crm_contact c ON c.id = a.contact_id"
                ),
                _TOUCHES.format(
                    record="d.account_id",
                    joined="JOIN crm_opportunity d ON d.id = a.opportunity_id",
                ),
            )
        ),
        table="crm_account",
        only="true",
    ),
    trigger="account_engagement_shift",
    goal="look_into_change",
    kind="account",
    severity=1,
    parameters=_PARAMETERS,
)
