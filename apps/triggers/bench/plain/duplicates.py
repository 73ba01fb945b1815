"""Triggers about records that are on file twice, by hand."""

from __future__ import annotations

from apps.triggers.bench.plain.writing import statement

_MATCHING = """
    WITH likely AS (
        SELECT p.*, {revision} AS duplicate_revision
        FROM duplicates_pair p {joins}
        WHERE p.subject = '{subject}' AND p.survivor_kind = '{kind}' AND p.state = 'open' AND p.is_likely
          AND p.probability >= 0.795
    )
    SELECT DISTINCT ON (l.survivor_id) l.survivor_id AS id,
           jsonb_build_object(
               'pair_id', l.id, 'duplicate_kind', l.duplicate_kind, 'duplicate_id', l.duplicate_id,
               'probability_0_1', l.probability::numeric(3, 2),
               'more_count', nullif(count(*) OVER (PARTITION BY l.survivor_id) - 1, 0),
               'duplicate_revision', l.duplicate_revision, 'revision', r.revision) AS facts
    FROM likely l JOIN crm_{kind} r ON r.id = l.survivor_id
    WHERE l.duplicate_revision IS NOT NULL{is_compared}
    ORDER BY l.survivor_id, l.probability::numeric(3, 2) DESC, l.id
"""

_IS_COMPARED = " AND {row}.status <> 'converted'"


def _duplicate(kind: str, subject: str, *others: str) -> str:
    joins = " ".join(
        f"LEFT JOIN crm_{other} o_{other} ON p.duplicate_kind = '{other}' AND o_{other}.id = p.duplicate_id"
        f" AND o_{other}.merged_at IS NULL{_IS_COMPARED.format(row=f'o_{other}') if other == 'lead' else ''}"
        for other in others
    )
    revision = f"coalesce({', '.join(f'o_{other}.revision' for other in others)})"
    is_compared = _IS_COMPARED.format(row="r") if kind == "lead" else ""
    return statement(
        _MATCHING.format(
            kind=kind, subject=subject, joins=joins, revision=revision, is_compared=is_compared
        ),
        trigger=f"{kind}_duplicate",
        goal="merge_duplicates",
        kind=kind,
        severity=2,
        parameters='{"probability_percent": 80}',
    )


LEAD_DUPLICATE = _duplicate("lead", "person", "lead", "contact")
CONTACT_DUPLICATE = _duplicate("contact", "person", "lead", "contact")
ACCOUNT_DUPLICATE = _duplicate("account", "company", "account")
