"""The measures of how an approved change is written, beside the same SQL by hand in one transaction.

Of the road from a person's yes on, this is the execution's part; the room of suggestions measures it whole.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from statistics import median

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from apps.audit.enums import Origin
from apps.audit.schemas import Actor
from apps.audit.services import acting
from apps.crm.enums import LeadStatus, RecordKind
from apps.crm.models import Lead
from apps.execution.schemas import ApprovedChange, JsonValue, RecordRef, Seen
from apps.execution.services import apply_change
from apps.users.enums import PersonRole
from apps.users.models import Team, User
from apps.users.services import ensure_person_roles, give_role

_TIMES_BY_HAND = 2.5
ROUNDS = 300
WARM_UP = 20

# What somebody would write who knows all of the engine's promises and nothing of tools.
ACTOR = """
    SELECT set_config('aisha.actor_id', %s, true), set_config('aisha.actor_name', %s, true),
           set_config('aisha.origin', 'person', true), set_config('aisha.request_id', %s, true)
"""
_VISIBLE = """
    SELECT 1 FROM crm_lead l LEFT JOIN users_user o ON o.id = l.owner_id
    WHERE l.id = %s AND (l.owner_id = %s OR l.owner_id IS NULL OR o.team_id = %s)
"""
_TAKE_ROLE = "SET LOCAL ROLE aisha_apply"
_LEAVE_ROLE = "SET LOCAL ROLE NONE"
_LOCK = "SELECT status, owner_id, do_not_contact, phone FROM crm_lead WHERE id = %s FOR UPDATE"
_UPDATE = "UPDATE crm_lead SET phone = %s WHERE id = %s"
_INSERT_TASK = """
    INSERT INTO crm_task (source, external_id, attributes, title, description, due_on, priority, status,
                          lead_id, owner_id)
    VALUES ('', '', '{}', %s, '', %s, 2, 'open', %s, %s) RETURNING id
"""
_IS_HERE = """
    SELECT 1 FROM users_user WHERE id = %s AND is_active AND (id = %s OR team_id = %s)
"""
_POLICY = """
    INSERT INTO execution_policydecision (decided_at, tool, verdict, policy_version)
    VALUES (%s, %s, 'person_must_decide', 1) RETURNING id
"""
_EXECUTION = """
    INSERT INTO execution_execution
        (tool, arguments, record_kind, record_id, before_values, after_values, status, error_code,
         error_message, policy_decision_id, approved_by_id, approved_at, started_at, finished_at,
         idempotency_key, left_alone)
    VALUES (%s, %s, %s, %s, %s, %s, 'succeeded', '', '', %s, %s, %s, %s, %s, %s, '[]') RETURNING id
"""
_AUDIT = """
    INSERT INTO audit_auditentry (event, actor_id, actor_name, origin, request_id, record_kind, record_id,
                                  suggestion_id, execution_id, details)
    VALUES ('execution.succeeded', %s, %s, 'person', '', %s, %s, NULL, %s, %s)
"""

Work = Callable[[int], object]
WriteByHand = Callable[[CursorWrapper, int, User, int], int]


def measure_apply() -> Iterator[dict[str, object]]:
    """An update of a lead and a new follow-up: validated, asked of policy, compared, written, on record."""
    rep, leads = _make_leads()
    actor = Actor.for_person(rep, Origin.PERSON)
    for name, tool, by_hand in (
        ("apply, the execution alone", "update_lead", update_by_hand),
        ("apply, the execution alone: new task", "create_followup", create_by_hand),
    ):
        ours_ms, by_hand_ms = time_in_turns(
            partial(_apply, tool, leads[::2], rep, actor),
            partial(_by_hand, by_hand, leads[1::2], rep),
        )
        yield figure_of(name, ours_ms, by_hand_ms)


def figure_of(name: str, ours_ms: float, by_hand_ms: float) -> dict[str, object]:
    """The row of a measure that is held against the same by hand."""
    return {
        "name": name,
        "value": round(ours_ms, 2),
        "unit": "ms",
        "target": round(by_hand_ms * _TIMES_BY_HAND, 2),
        "better": "lower",
        "baseline": round(by_hand_ms, 2),
        "remark": f"{ours_ms / by_hand_ms:.1f} times the same SQL by hand in one transaction;"
        f" medians of {ROUNDS}, commits included",
    }


def _apply(tool: str, leads: list[int], rep: User, actor: Actor, n: int) -> None:
    now, lead_id = timezone.now(), leads[n]
    guards: dict[str, JsonValue] = {
        "status": LeadStatus.WORKING.value, "owner_id": rep.pk, "do_not_contact": False,
        "currency": "",
    }  # fmt: skip
    before: dict[str, dict[str, JsonValue]] = {}
    if tool == "update_lead":
        before = {f"lead:{lead_id}": {"phone": ""}}
    change = ApprovedChange(
        tool=tool,
        arguments=arguments_of(tool, lead_id, rep, n),
        record=RecordRef(RecordKind.LEAD, lead_id),
        seen=Seen(before=before, guards={f"lead:{lead_id}": guards}),
        approved_by=rep,
        approved_at=now,
        actor=actor,
        idempotency_key=f"bench:{tool}:{lead_id}",
        suggestion_id=None,
    )
    with acting(actor):
        apply_change(change, now=now)


def arguments_of(tool: str, lead_id: int, rep: User, n: int) -> dict[str, JsonValue]:
    """What one of the two tools is asked for, the n-th time."""
    if tool == "update_lead":
        return {"lead_id": lead_id, "phone": _phone(n)}
    return {
        "subject_kind": "lead",
        "subject_id": lead_id,
        "about_kind": "lead",
        "about_id": lead_id,
        "title": "Write to the lead",
        "due_on": _due_on(timezone.now()),
        "owner_id": rep.pk,
    }


def _by_hand(write: WriteByHand, leads: list[int], rep: User, n: int) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ACTOR, [str(rep.pk), rep.display_name, ""])
        write(cursor, leads[n], rep, n)


def update_by_hand(cursor: CursorWrapper, lead_id: int, rep: User, n: int) -> int:
    """Write a lead's telephone number, and what is on record of it; return the execution's id."""
    now = timezone.now()
    _look_and_lock(cursor, lead_id, rep)
    cursor.execute(_UPDATE, [_phone(n), lead_id])
    cursor.execute(_LEAVE_ROLE)
    before = {f"lead:{lead_id}": {"phone": ""}}
    written = _Written("update_lead", "lead", lead_id, before, {"phone": _phone(n)})
    return _record_by_hand(cursor, written, rep, now, arguments_of("update_lead", lead_id, rep, n))


def create_by_hand(cursor: CursorWrapper, lead_id: int, rep: User, n: int) -> int:
    """Write a task about a lead, and what is on record of it; return the execution's id."""
    now = timezone.now()
    _look_and_lock(cursor, lead_id, rep)
    cursor.execute(_IS_HERE, [rep.pk, rep.pk, rep.team_id])
    cursor.fetchone()
    cursor.execute(_INSERT_TASK, ["Write to the lead", _due_on(now), lead_id, rep.pk])
    (task_id,) = cursor.fetchone()
    cursor.execute(_LEAVE_ROLE)
    after = {"title": "Write to the lead", "lead_id": lead_id, "owner_id": rep.pk}
    written = _Written("create_followup", "task", task_id, {}, after)
    arguments = arguments_of("create_followup", lead_id, rep, n)
    return _record_by_hand(cursor, written, rep, now, arguments)


def _look_and_lock(cursor: CursorWrapper, lead_id: int, rep: User) -> None:
    """See that the lead is theirs to see, take the role that writes, and lock it."""
    cursor.execute(_VISIBLE, [lead_id, rep.pk, rep.team_id])
    cursor.fetchone()
    cursor.execute(_TAKE_ROLE)
    cursor.execute(_LOCK, [lead_id])
    cursor.fetchone()


@dataclass(frozen=True, slots=True)
class _Written:
    """What was written by hand."""

    tool: str
    kind: str
    record_id: int
    before: Mapping[str, object]
    after: Mapping[str, object]


def _record_by_hand(
    cursor: CursorWrapper,
    written: _Written,
    rep: User,
    now: datetime,
    arguments: Mapping[str, JsonValue],
) -> int:
    """What policy said, the execution and the entry of the audit log."""
    cursor.execute(_POLICY, [now, written.tool])
    (policy_id,) = cursor.fetchone()
    cursor.execute(
        _EXECUTION,
        [
            written.tool,
            json.dumps(arguments),
            written.kind,
            written.record_id,
            json.dumps(written.before),
            json.dumps(written.after),
            policy_id,
            rep.pk,
            now,
            now,
            now,
            f"by-hand:{written.tool}:{written.record_id}",
        ],
    )
    (execution_id,) = cursor.fetchone()
    details = json.dumps({"tool": written.tool, "fields": sorted(written.after)})
    cursor.execute(
        _AUDIT,
        [rep.pk, rep.display_name, written.kind, written.record_id, execution_id, details],
    )
    return int(execution_id)


def _phone(n: int) -> str:
    return f"+1 555 {n:04}"


def _due_on(now: datetime) -> str:
    return (now + timedelta(days=1)).date().isoformat()


def _make_leads() -> tuple[User, list[int]]:
    """A rep with a team, and enough leads that each is changed once."""
    ensure_person_roles()
    team, _ = Team.objects.get_or_create(name="Bench team")
    rep, _ = User.objects.get_or_create(
        username="bench-apply", defaults={"password": make_password(None), "team": team}
    )
    give_role(rep, PersonRole.REP)
    leads = Lead.objects.bulk_create(
        Lead(last_name=f"Apply {n}", status=LeadStatus.WORKING, owner=rep)
        for n in range(2 * (WARM_UP + ROUNDS))
    )
    return rep, [lead.pk for lead in leads]


def time_in_turns(ours: Work, by_hand: Work) -> tuple[float, float]:
    """The medians in milliseconds, taken in turns so that both meet the same machine."""
    times: tuple[list[float], list[float]] = ([], [])
    for n in range(WARM_UP + ROUNDS):
        for spent, work in zip(times, (ours, by_hand), strict=True):
            began = time.perf_counter()
            work(n)
            spent.append((time.perf_counter() - began) * 1000)
    return median(times[0][WARM_UP:]), median(times[1][WARM_UP:])
