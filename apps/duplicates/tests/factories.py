"""Factories of pairs, runs and what was learned."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import factory
from factory.django import DjangoModelFactory

from apps.crm.models import Record
from apps.duplicates.enums import FoundBy, RunKind, Subject
from apps.duplicates.matching.documents import Estimate, default_document
from apps.duplicates.models import Matcher, MatchRun, Pair
from apps.duplicates.models.pairs import key_of
from apps.duplicates.services.records import subject_of
from apps.execution.schemas import RecordRef
from apps.tenants.work.enums import WorkStatus

FOUND_AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def pair_of(survivor: Record, duplicate: Record, **fields: Any) -> Pair:
    """A likely pair of two records."""
    one, other = (RecordRef(record.kind, record.pk) for record in (survivor, duplicate))
    given = {
        "subject": subject_of(survivor.kind),
        "survivor_kind": one.kind,
        "survivor_id": one.id,
        "duplicate_kind": other.kind,
        "duplicate_id": other.id,
        "key": key_of(one, other),
        "probability": 0.95,
        "is_likely": True,
        "found_by": FoundBy.BATCH,
        "found_at": FOUND_AT,
        "compared_at": FOUND_AT,
    }
    return Pair.objects.create(**{**given, **fields})


class MatcherFactory(DjangoModelFactory[Matcher]):
    """What is usual, with a few estimates."""

    class Meta:
        model = Matcher

    subject = Subject.PERSON
    number = 1
    most_per_key = 50
    estimated_at = FOUND_AT

    @factory.lazy_attribute
    def document(self) -> dict[str, Any]:
        """A document that was estimated."""
        steps = ((0.5, 0.8, 0.9), (0.9, 0.96, 0.7), (0.99, 0.995, 0.5))
        estimates = tuple(
            Estimate(probability=at, precision=precision, recall=recall)
            for at, precision, recall in steps
        )
        learned = {"is_estimated": True, "threshold": 0.7, "estimates": estimates}
        return default_document(1_000, "DE").model_copy(update=learned).model_dump(mode="json")


class MatchRunFactory(DjangoModelFactory[MatchRun]):
    """A look at everything that has come to its end."""

    class Meta:
        model = MatchRun

    kind = RunKind.FULL
    subject = Subject.PERSON
    status = WorkStatus.SUCCEEDED
    queued_at = FOUND_AT
    finished_at = FOUND_AT
    message = "12 records were compared."
