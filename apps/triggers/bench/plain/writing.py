"""One hand-written statement that reads, fires, refreshes and clears."""

from __future__ import annotations

# Where each activity is ``f``: our side has not been in touch with its contact since, about no deal and lead.
NO_LATER_WORD = """NOT EXISTS (
        SELECT 1 FROM crm_activity b
        WHERE b.contact_id = f.contact_id AND b.opportunity_id IS NULL AND b.lead_id IS NULL
          AND b.occurred_at > f.occurred_at AND b.activity_kind <> 'note'
          AND (b.activity_kind IN ('meeting', 'call') OR b.direction = 'outbound'))
"""

_WRITE = """,
written AS (
    INSERT INTO triggers_signal AS s
        (trigger, goal, record_kind, record_id, severity, facts, parameters, fired_at, refreshed_at)
    SELECT {signal}, m.id, {severity}, m.facts, '{parameters}', %(now)s, %(now)s FROM m
    ON CONFLICT (trigger, record_id) WHERE cleared_at IS NULL
    DO UPDATE SET facts = excluded.facts, refreshed_at = excluded.refreshed_at
        WHERE s.facts <> excluded.facts
    RETURNING 1
), cleared AS (
    UPDATE triggers_signal s SET cleared_at = %(now)s
    WHERE s.trigger = '{trigger}' AND s.cleared_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM m WHERE m.id = s.record_id)
    RETURNING 1
)
SELECT (SELECT count(*) FROM m), (SELECT count(*) FROM written), (SELECT count(*) FROM cleared)
"""


def statement(
    matching: str, *, trigger: str, goal: str, kind: str, severity: int, parameters: str
) -> str:
    """Return the statement around a query of record ids and facts."""
    signal = f"'{trigger}', '{goal}', '{kind}'"
    write = _WRITE.format(signal=signal, severity=severity, parameters=parameters, trigger=trigger)
    return f"WITH m AS MATERIALIZED ({matching}){write}"


def note_of_step(later: str, activity: str) -> str:
    """Whether a later activity is a note that tells of a step."""
    return (
        f"({later}.activity_kind = 'note' AND {later}.occurred_at > {activity}.occurred_at AND EXISTS ("  # noqa: S608 - names of our own
        f"SELECT 1 FROM triggers_reading s WHERE s.activity_id = {later}.id AND s.tells_of_step))"
    )


def note_or_thanks(later: str) -> str:
    """Whether a later activity is a note, or a mail that calls for nothing."""
    return (
        f"({later}.activity_kind = 'note' OR EXISTS ("  # noqa: S608 - names of our own
        f"SELECT 1 FROM triggers_reading s WHERE s.activity_id = {later}.id AND s.needs_no_answer))"
    )
