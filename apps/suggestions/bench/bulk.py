"""The measure of a bulk approval: a thousand follow-ups that a trigger called for, each applied by itself.

It stands here because the room of execution knows nothing of suggestions, and is told as a row of it.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime, timedelta
from statistics import median

from django.contrib.auth.hashers import make_password
from django.db import connection, reset_queries
from django.test import override_settings
from django.utils import timezone

from apps.audit.enums import Origin
from apps.brain.enums import Goal, Provider
from apps.crm.enums import LeadStatus, RecordKind
from apps.crm.models import Lead
from apps.execution.enums import Risk
from apps.suggestions.enums import HeldBack
from apps.suggestions.models import BulkApproval, Suggestion, SuggestionSignal
from apps.suggestions.services import request_bulk, run_bulk
from apps.triggers.enums import Severity
from apps.triggers.models import Signal
from apps.users.enums import PersonRole
from apps.users.models import Team, User
from apps.users.services import ensure_person_roles, give_role

_ITEMS = 1000
_ROUNDS = 3
_MOST_MS_EACH = 10.0
_SILENT = timedelta(days=30)


def measure_bulk() -> dict[str, object]:
    """1,000 suggestions of one rep: the trigger's second answer, permission, audit and commit of each."""
    rep = make_rep()
    times_ms = []
    for _ in range(_ROUNDS):
        bulk = _request(rep, _ITEMS)
        times_ms.append(_timed_ms(bulk) / _ITEMS)
    statements = _count_statements(_request(rep, _ITEMS // 10)) / (_ITEMS // 10)
    each_ms = median(times_ms)
    return {
        "app": "execution",
        "name": "bulk 1,000, each",
        "value": round(each_ms, 2),
        "unit": "ms",
        "target": _MOST_MS_EACH,
        "better": "lower",
        "remark": f"{statements:.0f} statements each, the outcome written down included;"
        f" median of {_ROUNDS} rounds: {', '.join(f'{value:.1f}' for value in times_ms)}",
    }


def _timed_ms(bulk: BulkApproval) -> float:
    began = time.perf_counter()
    run_bulk(bulk_id=bulk.pk, now=timezone.now())
    spent_ms = (time.perf_counter() - began) * 1000
    outcomes = Counter(bulk.items.values_list("outcome", "code"))
    if set(outcomes) != {("applied", "")}:
        raise RuntimeError(f"Not all were applied: {dict(outcomes)}.")
    return spent_ms


def _count_statements(bulk: BulkApproval) -> int:
    """All statements of a run, those that begin and end transactions included."""
    with override_settings(DEBUG=True):
        reset_queries()
        connection.force_debug_cursor = True
        try:
            _timed_ms(bulk)
            return len(connection.queries)
        finally:
            connection.force_debug_cursor = False


def make_rep() -> User:
    """A rep with a team: what they may see takes a look at the owner of each record."""
    ensure_person_roles()
    team, _ = Team.objects.get_or_create(name="Bench team")
    rep, _ = User.objects.get_or_create(
        username="bench-bulk", defaults={"password": make_password(None), "team": team}
    )
    give_role(rep, PersonRole.REP)
    return rep


def _request(rep: User, count: int) -> BulkApproval:
    suggestions = make_follow_ups(rep, count, timezone.now())
    items = [(suggestion.pk, suggestion.refreshed_at) for suggestion in suggestions]
    return request_bulk(user=rep, items=items, now=timezone.now())


def make_follow_ups(rep: User, count: int, now: datetime, *, rank: float = 0) -> list[Suggestion]:
    """Leads that have been silent for a month, with signal and suggestion as a scan would leave them."""
    leads = Lead.objects.bulk_create(
        Lead(
            last_name=f"Bulk {n}",
            company="Bench",
            status=LeadStatus.WORKING,
            owner=rep,
            created_at=now - _SILENT,
        )
        for n in range(count)
    )
    signals = Signal.objects.bulk_create(
        Signal(
            trigger="lead_inactive",
            goal=Goal.REVIVE_LEAD,
            record_kind=RecordKind.LEAD,
            record_id=lead.pk,
            severity=Severity.NORMAL,
        )
        for lead in leads
    )
    suggestions = Suggestion.objects.bulk_create(_packet(lead, rep, now, rank) for lead in leads)
    SuggestionSignal.objects.bulk_create(
        SuggestionSignal(suggestion=suggestion, signal=signal)
        for suggestion, signal in zip(suggestions, signals, strict=True)
    )
    return suggestions


def _packet(lead: Lead, rep: User, now: datetime, rank: float) -> Suggestion:
    return Suggestion(
        goal=Goal.REVIVE_LEAD,
        record_kind=RecordKind.LEAD,
        record_id=lead.pk,
        record_label=str(lead),
        assignee=rep,
        tool="create_followup",
        arguments={
            "subject_kind": "lead",
            "subject_id": lead.pk,
            "about_kind": "lead",
            "about_id": lead.pk,
            "title": f"Write to {lead}",
            "due_on": (now + timedelta(days=1)).date().isoformat(),
            "priority": 2,
            "owner_id": rep.pk,
        },
        guard_values={
            f"lead:{lead.pk}": {
                "status": LeadStatus.WORKING.value,
                "owner_id": rep.pk,
                "do_not_contact": False,
            }
        },
        risk=Risk.LOW,
        title=f"Write to {lead}",
        reason="Nobody has been in touch for a month.",
        urgency=Severity.NORMAL,
        rank=rank,
        held_back=HeldBack.NO,
        origin=Origin.TRIGGER,
        provider=Provider.RULES,
        created_at=now,
        refreshed_at=now,
        queued_at=now,
        expires_at=now + timedelta(days=14),
    )
