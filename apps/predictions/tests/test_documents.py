"""A model as a document: what one record scores, and which documents are refused."""

from __future__ import annotations

import json
import math
import zlib

import pytest
from pydantic import ValidationError

from apps.predictions import documents
from apps.predictions.columns import Row
from apps.predictions.documents import (
    AdditivePart,
    Calibration,
    ModelDocument,
    Tree,
    TreesPart,
    digest_of,
    log_odds_of,
    probability_of,
)
from apps.predictions.exceptions import DocumentRefusedError
from apps.predictions.tests.tables import small_document

KNOWN: Row = {"amount": math.expm1(5.0), "age": math.expm1(1.0), "source": "referral"}


def log_odds(row: Row) -> float:
    return log_odds_of(small_document().probability(row))


def test_a_record_is_scored_by_the_weighted_sum_of_the_parts() -> None:
    additive = -1.0 + 0.5 * (5.0 - 4.0) / 2.0 + 0.1 + 1.0
    trees = 0.5 + 2.0
    assert log_odds(KNOWN) == pytest.approx(0.25 + 0.5 * additive + 0.25 * trees)


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"amount": None, "age": None, "source": None},
        {"amount": float("inf"), "age": float("nan"), "source": ""},
        {"amount": "100", "age": 10**400, "source": 7},
    ],
)
def test_what_is_no_value_of_the_column_is_not_known(row: Row) -> None:
    additive, trees = -1.0 - 0.25 + 0.4 + 0.0, 0.5 - 3.0
    assert log_odds(row) == pytest.approx(0.25 + 0.5 * additive + 0.25 * trees)


def test_an_unseen_category_counts_as_a_rare_one() -> None:
    """Its code is in the left set of the tree, too: bit 2 of 0b101."""
    additive, trees = -1.0 - 0.25 + 0.4 + 0.5, 0.5 + 1.0
    assert log_odds({"source": "billboard"}) == pytest.approx(0.25 + 0.5 * additive + 0.25 * trees)


def test_without_rare_ones_in_training_an_unseen_category_is_not_known() -> None:
    document = small_document()
    (amount, age, source) = document.columns
    strict = source.model_copy(update={"has_other": False})
    assert strict.encode("billboard") is None
    assert strict.encode("web") == 1
    assert (amount.encode(3), age.encode(None)) == (3.0, None)


def test_a_number_far_out_counts_as_one_at_the_rim() -> None:
    assert log_odds({**KNOWN, "amount": 1e300}) == log_odds({**KNOWN, "amount": 1e30})


@pytest.mark.parametrize(("intercept", "score"), [(60.0, 0.999), (-60.0, 0.001), (0.0, 0.5)])
def test_fault_25_nothing_is_certain(intercept: float, score: float) -> None:
    document = small_document().model_copy(
        update={
            "parts": (AdditivePart(intercept=intercept, terms=()),),
            "calibration": Calibration(intercept=0.0, weights=(1.0,)),
        }
    )
    assert document.probability({}) == score


@pytest.mark.parametrize("log_odds", [-1e6, -800.0, -3.0, 0.0, 3.0, 800.0, 1e6])
def test_log_odds_of_any_size_are_a_probability(log_odds: float) -> None:
    assert 0.0 <= probability_of(log_odds) <= 1.0
    assert probability_of(log_odds) + probability_of(-log_odds) == pytest.approx(1.0)


def test_a_document_is_read_back_as_it_was() -> None:
    document = small_document()
    content = document.to_bytes()
    again = ModelDocument.from_bytes(content, digest_of(content))
    assert again == document
    assert again.to_bytes() == content
    assert again.probability(KNOWN) == document.probability(KNOWN)


def test_the_codes_of_two_hundred_categories_survive_the_way() -> None:
    """They are bits of one number that is larger than any machine word."""
    document = small_document()
    trees = document.parts[1]
    assert isinstance(trees, TreesPart)
    tree = trees.trees[0].model_copy(update={"left_codes": (1 << 200 | 1, 0, 0, 0, 0)})
    wide = trees.model_copy(update={"trees": (tree,)})
    changed = document.model_copy(update={"parts": (document.parts[0], wide)})
    content = changed.to_bytes()
    assert ModelDocument.from_bytes(content, digest_of(content)) == changed


def packed(change: dict[str, object]) -> tuple[bytes, str]:
    content = json.loads(small_document().model_dump_json()) | change
    packed = zlib.compress(json.dumps(content).encode())
    return packed, digest_of(packed)


def fault_of(content: bytes, digest: str) -> str:
    with pytest.raises(DocumentRefusedError) as caught:
        ModelDocument.from_bytes(content, digest)
    return caught.value.fault


def test_a_document_with_another_digest_is_refused() -> None:
    content = small_document().to_bytes()
    assert fault_of(content, digest_of(content + b" ")) == "digest"


@pytest.mark.parametrize(
    "change",
    [
        {"format_version": 2},
        {"surprise": 1},
        {"rung": "oracle"},
        {"outcomes": "600"},
        {"columns": []},
        {"calibration": {"intercept": 0.0, "weights": [1.0]}},
        {"base_rate_0_1": float("nan")},
    ],
)
def test_a_document_of_another_format_is_refused(change: dict[str, object]) -> None:
    assert fault_of(*packed(change)) == "format"


def test_what_cannot_be_unpacked_is_refused() -> None:
    content = small_document().to_bytes()
    assert fault_of(b"no zlib", digest_of(b"no zlib")) == "unpacked"
    assert fault_of(content[:-8], digest_of(content[:-8])) == "unpacked"


def test_what_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content, digest = packed({})
    with monkeypatch.context() as patched:
        patched.setattr(documents, "MAX_PACKED_BYTES", len(content) - 1)
        assert fault_of(content, digest) == "too_large"
    monkeypatch.setattr(documents, "MAX_UNPACKED_BYTES", 100)
    assert fault_of(content, digest) == "too_large"


def test_a_tree_that_leads_back_is_refused() -> None:
    tree = small_document().parts[1].model_dump()["trees"][0]
    with pytest.raises(ValidationError):
        Tree.model_validate({**tree, "left": (0, 2, 0, 0, 0)})
