"""Factories of suggestions: a packet as the pipeline would have made it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from apps.audit.enums import Origin
from apps.brain.enums import Goal, Provider
from apps.crm.enums import RecordKind
from apps.crm.models import Lead
from apps.crm.tests.factories import LeadFactory
from apps.execution.enums import Risk
from apps.execution.exceptions import InvalidArgumentsError, UnknownToolError
from apps.execution.reading import read_seen_many, unseen_fields
from apps.execution.schemas import JsonValue, Seen
from apps.execution.tools import registry
from apps.suggestions.enums import HeldBack
from apps.suggestions.models import Suggestion
from apps.triggers.enums import Severity


class SuggestionFactory(DjangoModelFactory[Suggestion]):
    """A waiting suggestion to follow up with a lead, made by a person's wish rather than a signal."""

    class Meta:
        model = Suggestion
        exclude = ("lead",)

    @classmethod
    def _adjust_kwargs(cls, **kwargs: Any) -> dict[str, Any]:
        """What the change replaces or rests on, and a test leaves unsaid, was seen as it stands."""
        try:
            tool = registry.get(kwargs["tool"])
            arguments = tool.parse(kwargs["arguments"])
        except (UnknownToolError, InvalidArgumentsError):
            return kwargs
        said = Seen(kwargs.get("before_values", {}), kwargs["guard_values"])
        if not unseen_fields(tool, arguments, said):
            return kwargs
        (now,) = read_seen_many([(tool, arguments)])
        if now is None:
            return kwargs
        return kwargs | {
            "before_values": _completed(said.before, now.before),
            "guard_values": _completed(said.guards, now.guards),
        }

    lead = factory.SubFactory(LeadFactory)
    goal = Goal.REVIVE_LEAD
    record_kind = RecordKind.LEAD
    record_id = factory.SelfAttribute("lead.pk")
    record_label = factory.LazyAttribute(lambda packet: str(packet.lead))
    tool = "create_followup"
    arguments = factory.LazyAttribute(lambda packet: followup_arguments(packet.lead))
    guard_values = factory.LazyAttribute(
        lambda packet: {
            f"lead:{packet.lead.pk}": {
                "status": packet.lead.status,
                "owner_id": packet.lead.owner_id,
                "do_not_contact": False,
            }
        }
    )
    risk = Risk.LOW
    title = factory.Sequence(lambda n: f"Write to lead {n}")
    reason = "Nobody has been in touch for weeks."
    facts = factory.LazyFunction(
        lambda: [
            {"number": 1, "label": "Status", "text": "Working", "occurred_at": None, "record": None}
        ]
    )
    evidence = factory.LazyFunction(lambda: [{"text": "The lead is open", "facts": [1]}])
    value_at_stake = Decimal("1000.00")
    currency = "USD"
    urgency = Severity.NORMAL
    rank = 1.0
    held_back = HeldBack.NO
    origin = Origin.PERSON
    provider = Provider.RULES
    created_at = factory.LazyFunction(timezone.now)
    refreshed_at = factory.SelfAttribute("created_at")
    queued_at = factory.SelfAttribute("created_at")
    expires_at = factory.LazyAttribute(lambda packet: packet.created_at + timedelta(days=14))


Values = Mapping[str, Mapping[str, JsonValue]]


def _completed(said: Values, now: Values) -> dict[str, dict[str, JsonValue]]:
    return {key: {**now.get(key, {}), **said.get(key, {})} for key in {**now, **said}}


def followup_arguments(lead: Lead) -> dict[str, object]:
    """The arguments of a follow-up with one lead."""
    return {
        "subject_kind": "lead",
        "subject_id": lead.pk,
        "about_kind": "lead",
        "about_id": lead.pk,
        "title": "Write to the lead",
        "due_on": (timezone.localdate() + timedelta(days=1)).isoformat(),
        "priority": 2,
        "owner_id": lead.owner_id,
    }
