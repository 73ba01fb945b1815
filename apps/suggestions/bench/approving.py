"""The measure of an approval: the whole road from a person's yes to the commit, for an update and a new task.

Like the bulk approval it is told as a row of the execution's, which knows nothing of suggestions.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from apps.execution.bench import (
    ACTOR,
    ROUNDS,
    WARM_UP,
    WriteByHand,
    arguments_of,
    create_by_hand,
    figure_of,
    time_in_turns,
    update_by_hand,
)
from apps.suggestions.bench.bulk import make_follow_ups, make_rep
from apps.suggestions.models import Suggestion
from apps.suggestions.services import approve
from apps.tenants.connections import tenant_connection
from apps.tenants.services import current_tenant
from apps.triggers.questions import Question
from apps.triggers.rules import registry as triggers
from apps.triggers.services import moment_at
from apps.users.models import User

_TRIGGER = "lead_inactive"

# What the road asks and writes around the execution, as somebody would who knows all of its promises.
_GATE = """
    SELECT is_on FROM public.tenants_modulegate g JOIN public.tenants_tenant t ON t.id = g.tenant_id
    WHERE t.schema_name = %s AND g.module = 'suggestions'
"""
_READ = """
    SELECT s.* FROM suggestions_suggestion s JOIN crm_lead l ON l.id = s.record_id
    LEFT JOIN users_user o ON o.id = l.owner_id
    WHERE s.id = %s AND s.record_kind = 'lead' AND (l.owner_id = %s OR l.owner_id IS NULL OR o.team_id = %s)
"""
_TENANT = "SELECT * FROM public.tenants_tenant WHERE schema_name = %s"
_SETTING = "SELECT is_enabled, parameters FROM triggers_triggersetting WHERE trigger = %s"
_CLAIM = """
    UPDATE suggestions_suggestion SET state = 'approved', reviewed_by_id = %s, reviewed_at = %s
    WHERE id = %s AND state IN ('pending', 'failed') AND refreshed_at = %s
"""
_SIGNALS = """
    SELECT s.record_id FROM triggers_signal s JOIN suggestions_suggestionsignal l ON l.signal_id = s.id
    WHERE l.suggestion_id = %s AND s.cleared_at IS NULL
"""
_AUDIT = """
    INSERT INTO audit_auditentry (event, actor_id, actor_name, origin, request_id, record_kind, record_id,
                                  suggestion_id, execution_id, details)
    VALUES ('suggestion.approved', %s, %s, 'person', '', 'lead', %s, %s, NULL, '{}')
"""
_APPLIED = """
    UPDATE suggestions_suggestion SET state = 'applied', execution_id = %s, applied_at = %s,
                                      closed_because = ''
    WHERE id = %s
"""
_DECISION = """
    INSERT INTO suggestions_decision (suggestion_id, verdict, decided_by_id, decided_at, reason, note, goal,
                                      trigger, tool, segment, is_edited, confidence)
    VALUES (%s, 'approve', %s, %s, '', '', 'revive_lead', '', %s, 'unknown', false, NULL)
"""
_SILENCE = """
    INSERT INTO triggers_silence (record_kind, record_id, goal, trigger, tool, until, reason, created_by_id)
    VALUES ('lead', %s, 'revive_lead', '', '', %s, 'Applied', %s)
"""


def measure_approval() -> Iterator[dict[str, object]]:
    """The second answer of the trigger, claim, policy, permission, comparison, write, audit and status."""
    rep = make_rep()
    writes: dict[str, tuple[str, WriteByHand]] = {
        "apply, whole road": ("update_lead", update_by_hand),
        "apply, whole road: new task": ("create_followup", create_by_hand),
    }
    for name, (tool, write) in writes.items():
        suggestions = _make_suggestions(rep, tool)
        by_hand = partial(_by_hand, write, suggestions[1::2], rep, _question())
        ours_ms, by_hand_ms = time_in_turns(partial(_approve, suggestions[::2], rep), by_hand)
        yield {"app": "execution", **figure_of(name, ours_ms, by_hand_ms)}


def _make_suggestions(rep: User, tool: str) -> list[Suggestion]:
    suggestions = make_follow_ups(rep, 2 * (WARM_UP + ROUNDS), timezone.now())
    if tool == "update_lead":
        for n, suggestion in enumerate(suggestions):
            lead_id = suggestion.record_id
            suggestion.tool, suggestion.arguments = tool, arguments_of(tool, lead_id, rep, n)
            suggestion.before_values = {f"lead:{lead_id}": {"phone": ""}}
            suggestion.guard_values[f"lead:{lead_id}"]["currency"] = ""
        changed = ["tool", "arguments", "before_values", "guard_values"]
        Suggestion.objects.bulk_update(suggestions, changed)
    return suggestions


def _approve(suggestions: list[Suggestion], rep: User, n: int) -> None:
    approve(suggestion_id=suggestions[n].pk, user=rep, now=timezone.now())


def _question() -> Question:
    """The trigger's own statement, which is written once."""
    trigger = triggers.get(_TRIGGER)
    return Question.of(trigger, moment_at(current_tenant(), timezone.now()), trigger.parse({}))


def _by_hand(
    write: WriteByHand, suggestions: list[Suggestion], rep: User, question: Question, n: int
) -> None:
    now, suggestion_id = timezone.now(), suggestions[n].pk
    lead_id, tool = suggestions[n].record_id, suggestions[n].tool
    with transaction.atomic(), connection.cursor() as cursor:

        def ask(sql: str, *values: Any) -> Any:
            cursor.execute(sql, values)
            row = cursor.fetchone()
            if row is None and sql != _SETTING:
                raise RuntimeError("A step by hand found nothing.")
            return row

        schema = tenant_connection().schema_name
        ask(_GATE, schema)
        ask(_READ, suggestion_id, rep.pk, rep.team_id)
        ask(_TENANT, schema)
        ask(_SETTING, _TRIGGER)
        cursor.execute(ACTOR, [str(rep.pk), rep.display_name, ""])
        cursor.execute(_CLAIM, [rep.pk, now, suggestion_id, suggestions[n].refreshed_at])
        if cursor.rowcount != 1:
            raise RuntimeError("The claim by hand failed.")
        (record_id,) = ask(_SIGNALS, suggestion_id)
        if not question.holds_for(record_id):
            raise RuntimeError("The trigger does not hold.")
        cursor.execute(_AUDIT, [rep.pk, rep.display_name, lead_id, suggestion_id])
        execution_id = write(cursor, lead_id, rep, n)
        cursor.execute(_APPLIED, [execution_id, now, suggestion_id])
        cursor.execute(_DECISION, [suggestion_id, rep.pk, now, tool])
        cursor.execute(_SILENCE, [lead_id, now + timedelta(days=30), rep.pk])
