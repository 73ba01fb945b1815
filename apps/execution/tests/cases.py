"""Arguments that each tool accepts: what the tests spoil in one point at a time."""

from __future__ import annotations

from typing import Any

from apps.crm.enums import RecordKind
from apps.execution.tools.merging import MergeDuplicates

VALID: dict[str, dict[str, Any]] = {
    "create_followup": {
        "subject_kind": "lead",
        "subject_id": 1,
        "about_kind": "lead",
        "about_id": 1,
        "title": "Call Ana",
        "due_on": "2026-03-03",
    },
    "create_lead": {"activity_id": 1, "email": "ana@isdom.com"},
    "create_task": {"subject_kind": "account", "subject_id": 1, "title": "Send the price list"},
    "draft_email": {
        "subject_kind": "lead",
        "subject_id": 1,
        "to_address": "ana@isdom.com",
        "subject": "The roof",
        "body": "Good morning,\n\nshall we talk on Monday?",
        "owner_id": 1,
    },
    "log_activity": {
        "subject_kind": "lead",
        "subject_id": 1,
        "activity_kind": "call",
        "direction": "outbound",
        "occurred_at": "2026-03-02T09:00:00+00:00",
        "subject": "Asked about the roof",
    },
    "merge_duplicates": {
        "record_kind": "contact",
        "survivor_id": 1,
        "duplicate_kind": "lead",
        "duplicate_id": 1,
        "title": "Buyer",
    },
    "update_account": {"account_id": 1, "sector": "Retail"},
    "update_contact": {"contact_id": 1, "phone": "+1 555 0123"},
    "update_lead": {"lead_id": 1, "status": "working"},
    "update_opportunity": {"opportunity_id": 1, "next_step": "Send the offer"},
    "update_task": {"task_id": 1, "due_on": "2026-03-03"},
}


def valid_with(tool: str, name: str) -> dict[str, Any]:
    """Arguments with which this one fits, too: a merge has those of its kind of record alone."""
    if tool != MergeDuplicates.key or name in MergeDuplicates.writes[RecordKind.CONTACT]:
        return VALID[tool]
    kinds = [kind for kind, fields in MergeDuplicates.writes.items() if name in fields]
    if not kinds:
        return VALID[tool]
    return {
        "record_kind": kinds[0].value, "survivor_id": 1, "duplicate_kind": kinds[0].value, "duplicate_id": 2,
    }  # fmt: skip
