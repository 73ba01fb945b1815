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
