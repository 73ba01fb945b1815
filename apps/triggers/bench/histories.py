"""What lies behind records in the measured company: changes of stage and date, and scores."""

from __future__ import annotations

HISTORIES = (
    # Each deal came to its stage from another, one of thirty from a later one.
    """
    INSERT INTO crm_changelog (transaction_id, changed_at, record_kind, record_id, operation, changes,
                               actor_name, origin, request_id, backfilled)
    SELECT pg_current_xact_id()::text::bigint, d.stage_entered_at, 'opportunity', d.id, 'changed',
           jsonb_build_object('stage_id', jsonb_build_array(s.id, d.stage_id)), '', '', '', true
    FROM crm_opportunity d
    JOIN crm_stage s ON s.key = CASE WHEN d.id %% 30 = 0 THEN 'negotiation' ELSE 'prospecting' END
    """,
    # One of eight was put off twice in the last year, a month each time.
    """
    INSERT INTO crm_changelog (transaction_id, changed_at, record_kind, record_id, operation, changes,
                               actor_name, origin, request_id, backfilled)
    SELECT pg_current_xact_id()::text::bigint,
           %(now)s - (d.id * 7919::bigint %% 300 + 30 * (2 - n)) * interval '1 day',
           'opportunity', d.id, 'changed',
           jsonb_build_object('expected_close_on', jsonb_build_array(d.expected_close_on - 30 * (3 - n),
                                                                     d.expected_close_on - 30 * (2 - n))),
           '', '', '', true
    FROM crm_opportunity d CROSS JOIN generate_series(1, 2) n WHERE d.id %% 8 = 0
    """,
    # What is open has been scored five times, lastly ten days ago and yesterday. High scores are rare, one of
    # fifty has fallen and one has risen, half of those because another model sees them differently.
    *(
        f"""
        INSERT INTO predictions_score (prediction, record_kind, record_id, score_0_1, model_version,
                                       scored_at, is_latest)
        SELECT '{prediction}', '{kind}', id, least(1, score + CASE WHEN age = 10 AND id %% 50 = 1
                                                                     OR age = 1 AND id %% 50 = 2
                                                                   THEN 0.25 ELSE 0 END),
               CASE WHEN age >= 10 AND id %% 100 IN (1, 2) THEN 'bench-1' ELSE 'bench-2' END,
               %(now)s - age * interval '1 day', age = 1
        FROM (SELECT id, power((id * 7919::bigint %% 1000) / 1000.0, 6) AS score
              FROM crm_{kind} WHERE {is_open}) r
        CROSS JOIN unnest(ARRAY[130, 90, 50, 10, 1]) age
        ORDER BY age DESC
        """  # noqa: S608 - words of our own
        for prediction, kind, is_open in (
            ("lead_conversion", "lead", "status IN ('new', 'working', 'qualified')"),
            ("deal_close", "opportunity", "outcome = 'open'"),
            (
                "renewal_risk",
                "account",
                "id IN (SELECT account_id FROM crm_contract WHERE outcome = 'open')",
            ),
        )
    ),
)
