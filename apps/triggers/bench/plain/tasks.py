"""Triggers about tasks, by hand."""

from __future__ import annotations

from apps.triggers.bench.plain.writing import statement

TASK_OVERDUE = statement(
    """
    SELECT id, jsonb_build_object('due_on', due_on, 'revision', revision) AS facts
    FROM crm_task WHERE status = 'open' AND due_on <= %(today)s::date - 3
    """,
    trigger="task_overdue",
    goal="clear_task",
    kind="task",
    severity=2,
    parameters='{"grace_days": 2}',
)

TASKS_PILING_UP = statement(
    """
    WITH pile AS (
        SELECT owner_id, count(*) AS tasks FROM crm_task
        WHERE status = 'open' AND due_on <= %(today)s::date - 3 AND owner_id IS NOT NULL
        GROUP BY owner_id HAVING count(*) >= 8
    )
    SELECT t.id, jsonb_build_object('owner_id', p.owner_id, 'overdue_count', p.tasks, 'due_on', t.due_on,
                                    'revision', t.revision) AS facts
    FROM pile p CROSS JOIN LATERAL (
        SELECT id, due_on, revision FROM crm_task
        WHERE owner_id = p.owner_id AND status = 'open' AND due_on <= %(today)s::date - 3
        ORDER BY due_on, id LIMIT 1
    ) t
    """,
    trigger="tasks_piling_up",
    goal="clear_task",
    kind="task",
    severity=3,
    parameters='{"overdue_count": 8, "grace_days": 2}',
)
