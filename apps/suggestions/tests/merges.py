"""Suggestions to merge two records, as the pipeline would have made them."""

from __future__ import annotations

from typing import Any

from apps.brain.enums import Goal
from apps.crm.models import Record
from apps.execution.enums import Risk
from apps.execution.merge_choices import propose
from apps.execution.reading import read_seen
from apps.execution.schemas import RecordRef
from apps.execution.tools import registry
from apps.execution.tools.merge_arguments import naming
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.factories import SuggestionFactory
from apps.users.models import User

TOOL = registry.get("merge_duplicates")


def merge_suggestion(
    survivor: Record, duplicate: Record, assignee: User, **values: Any
) -> Suggestion:
    """A suggestion to merge the duplicate, with what the survivor lacks."""
    kept, other = (RecordRef(record.kind, record.pk) for record in (survivor, duplicate))
    rows = read_seen(TOOL, TOOL.parse(naming(kept, other))).by_record()
    arguments = propose(kept, other, kept=rows[kept], other=rows[other])
    seen = read_seen(TOOL, TOOL.parse(arguments))
    suggestion: Suggestion = SuggestionFactory(
        lead=None,
        assignee=assignee,
        goal=Goal.MERGE_DUPLICATES,
        record_kind=survivor.kind,
        record_id=survivor.pk,
        record_label=str(survivor),
        tool=TOOL.key,
        arguments=arguments,
        before_values=dict(seen.before),
        guard_values=dict(seen.guards),
        risk=Risk.HIGH,
        title="Merge two records of the same person",
        **values,
    )
    return suggestion
