"""Pairs of records in the measured company: one of ten looks like another one, one of fifty very much.

One of seven of those was decided already.
"""

from __future__ import annotations

PAIRS = tuple(
    f"""
    INSERT INTO duplicates_pair (subject, survivor_kind, survivor_id, duplicate_kind, duplicate_id, key,
                                 probability, is_likely, has_conflict, weights, state, found_by, found_at,
                                 compared_at)
    SELECT '{subject}', '{kind}', id, '{other}', other_id, format('{kind}:%%s|{other}:%%s', id, other_id),
           (60 + id * 7919::bigint %% 40) / 100.0, id %% 50 = 0, false, '{{}}',
           CASE WHEN id %% 350 = 0 THEN 'not_duplicate' ELSE 'open' END, 'batch', %(now)s, %(now)s
    FROM (SELECT id, 1 + (id * 31 + {step}) %% {others} AS other_id FROM crm_{kind} WHERE id %% 10 = 0) r
    WHERE '{kind}' <> '{other}' OR id <> other_id
    """  # noqa: S608 - words of our own
    for subject, kind, other, others, step in (
        ("person", "lead", "lead", "%(leads)s", 1),
        ("person", "contact", "contact", "%(contacts)s", 1),
        ("person", "contact", "lead", "%(leads)s", 2),
        ("company", "account", "account", "%(accounts)s", 1),
    )
)
