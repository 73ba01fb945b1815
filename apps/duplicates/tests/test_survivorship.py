"""Which of two records survives, whichever is named first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.crm.enums import RecordKind
from apps.duplicates.learning import Decided, with_decisions
from apps.duplicates.matching.documents import Estimate, MatcherDocument, default_document
from apps.duplicates.survivorship import Reason, Standing, are_in_conflict, survivor_of
from apps.execution.schemas import RecordRef

MADE = datetime(2026, 1, 5, tzinfo=UTC)
LATER = MADE + timedelta(days=9)


def standing(record_id: int, kind: RecordKind = RecordKind.LEAD, **known: Any) -> Standing:
    return Standing(RecordRef(kind, record_id), **{"created_at": MADE, **known})


@pytest.mark.parametrize(
    ("kept", "other", "reason"),
    [
        (
            standing(2, RecordKind.CONTACT, created_at=LATER),
            standing(1, hanging=9, is_converted=True),
            Reason.CONTACT,
        ),
        (standing(2, is_converted=True), standing(1, hanging=9), Reason.CONVERTED),
        (standing(2, hanging=3), standing(1, hanging=2, answered_at=MADE), Reason.HANGING),
        (standing(2, answered_at=MADE), standing(1, email_works=True), Reason.ANSWERED),
        (standing(2, email_works=True), standing(1), Reason.WORKS),
        (standing(2), standing(1, email_works=False), Reason.WORKS),
        (standing(2), standing(1, created_at=LATER), Reason.OLDER),
        (standing(1), standing(2), Reason.OLDER),
    ],
)
def test_who_survives(kept: Standing, other: Standing, reason: Reason) -> None:
    assert survivor_of(kept, other) == (kept, reason)
    assert survivor_of(other, kept) == (kept, reason)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (
            {"email": "a@x.ch", "answered_at": LATER},
            {"email": "b@x.ch", "answered_at": LATER},
            True,
        ),
        (
            {"email": "a@x.ch", "answered_at": LATER},
            {"email": "a@x.ch", "answered_at": LATER},
            False,
        ),
        (
            {"email": "a@x.ch", "answered_at": MADE},
            {"email": "b@x.ch", "answered_at": LATER},
            False,
        ),
        ({"email": "a@x.ch", "answered_at": LATER}, {"email": "b@x.ch"}, False),
        ({"email": "", "answered_at": LATER}, {"email": "b@x.ch", "answered_at": LATER}, False),
    ],
)
def test_what_is_hard_evidence(one: dict[str, Any], other: dict[str, Any], expected: bool) -> None:
    since = LATER - timedelta(days=1)
    assert are_in_conflict(standing(1, **one), standing(2, **other), since) is expected


def estimates(*steps: tuple[float, int, int]) -> tuple[Estimate, ...]:
    """Steps with how many pairs, and duplicates, are expected from there on."""
    return tuple(
        Estimate(probability=probability, precision=duplicates / pairs, recall=duplicates / 300)
        for probability, pairs, duplicates in steps
    )


DOCUMENT = default_document(1_000).model_copy(
    update={
        "threshold": 0.5,
        "estimates": estimates((0.3, 400, 278), (0.5, 300, 238), (0.7, 200, 178), (0.9, 100, 98)),
    }
)
# Nothing is expected between .3 and .5: what is said from either on is as precise.
APART = DOCUMENT.model_copy(
    update={"estimates": estimates((0.3, 300, 238), (0.5, 300, 238), (0.9, 100, 98))}
)


def decided(merged: int, refused: int, probability: float = 0.6) -> list[Decided]:
    return [Decided(probability, True)] * merged + [Decided(probability, False)] * refused


def test_few_decisions_move_nothing() -> None:
    assert with_decisions(DOCUMENT, decided(0, 19)) == DOCUMENT


def test_refused_pairs_raise_the_threshold() -> None:
    learned = with_decisions(DOCUMENT, decided(10, 20))
    assert learned.threshold == 0.7
    assert [round(item.precision, 3) for item in learned.estimates] == [0.655, 0.74, 0.89, 0.98]


def test_merged_pairs_lower_it() -> None:
    learned = with_decisions(DOCUMENT, decided(60, 0, probability=0.35))
    assert learned.threshold == 0.3
    assert [round(item.precision, 3) for item in learned.estimates] == [0.807, 0.793, 0.89, 0.98]


@pytest.mark.parametrize("document", [DOCUMENT, APART])
def test_merges_of_the_surest_pairs_say_nothing_of_the_others(document: MatcherDocument) -> None:
    assert with_decisions(document, decided(100, 0, probability=0.97)).threshold == 0.5
