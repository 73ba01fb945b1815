"""What a model has read in a person's free words adds no record, nobody else and no amount to them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.brain.models import BrainCall
from apps.conftest import Cast
from apps.crm.models import Record
from apps.crm.tests.factories import AccountFactory, LeadFactory, OpportunityFactory
from apps.execution.schemas import RecordRef
from apps.suggestions.exceptions import ProposalRefusedError
from apps.suggestions.models import Suggestion
from apps.suggestions.pipeline.amounts import amounts_in
from apps.suggestions.tests.asking import about, answered_call, ask
from apps.users.models import User


def wish(
    user: User, tool: str, arguments: dict[str, Any], words: str, *told_of: Record
) -> Suggestion:
    refs = [RecordRef(record.kind, record.pk) for record in told_of]
    return ask(user, tool, arguments, words=words, brain_call=answered_call(), told_of=refs)


def refused(user: User, tool: str, arguments: dict[str, Any], words: str, *told_of: Record) -> str:
    """The code with which it was refused; it is on record, and at the call."""
    with pytest.raises(ProposalRefusedError) as caught:
        wish(user, tool, arguments, words, *told_of)
    code: str = caught.value.code
    assert not Suggestion.objects.exists()
    assert AuditEntry.objects.get(event=Event.PROPOSAL_DROPPED).details["code"] == code
    assert BrainCall.objects.get().dropped_code == code
    return code


def test_a_record_that_was_not_found_for_it_is_not_changed(cast: Cast) -> None:
    told, other = LeadFactory(owner=cast.rep), LeadFactory(owner=cast.rep)
    assert refused(cast.rep, "create_task", about(other), "Call them", told) == "unknown_record"


def test_it_is_given_to_nobody_else(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep)
    for_other = about(lead, owner_id=cast.teammate.pk)
    assert refused(cast.rep, "create_task", for_other, "Call them", lead) == "unknown_person"


@pytest.mark.parametrize(
    ("amount", "words", "is_said"),
    [
        ("12000", "put the value to 12k", True),
        (12000, "setz den Wert auf 12.000 €", True),
        ("12500.50", "it is worth $12,500.50 now", True),
        ("120000", "put the value to 12k", False),
        ("12000", "put the value up", False),
    ],
)
def test_an_amount_is_one_that_was_said(
    cast: Cast, amount: str | int, words: str, is_said: bool
) -> None:
    deal = OpportunityFactory(owner=cast.rep, amount=500, currency="EUR")
    arguments = {"opportunity_id": deal.pk, "amount": amount, "currency": "EUR"}
    if is_said:
        suggestion = wish(cast.rep, "update_opportunity", arguments, words, deal)
        assert Decimal(str(suggestion.arguments["amount"])) == Decimal(str(amount))
    else:
        code = refused(cast.rep, "update_opportunity", arguments, words, deal)
        assert code == "amount_not_said"


def test_a_number_of_people_is_one_that_was_said(cast: Cast) -> None:
    account = AccountFactory(owner=cast.rep, employees=None)
    arguments = {"account_id": account.pk, "employees": 600}
    code = refused(cast.rep, "update_account", arguments, "They have 60 people now", account)
    assert code == "amount_not_said"


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("12k", {12_000}),
        ("1.5 million", {1_500_000}),
        ("2,5 Mio", {2_500_000}),
        ("1'250'000", {1_250_000}),
        ("12.000", {12_000, 12}),
        ("1.234.567,89", {Decimal("1234567.89")}),
        ("on 3 May for 400 EUR", {3, 400}),
        ("since 2026 12k", {2026, 12_000}),
        ("12 000,50", {Decimal("12000.50")}),
        ("twelve", set()),
        ("GTX4", set()),
    ],
)
def test_amounts_as_people_write_them(text: str, amounts: set[Decimal]) -> None:
    assert amounts_in(text) == amounts
