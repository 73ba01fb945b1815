"""account_at_risk: a renewal lies ahead, and they spoke of leaving, are silent, or two other signs meet."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from apps.crm.enums import ActivityKind, ContractOutcome, Direction, TaskStatus
from apps.crm.models import Contract
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    ContractFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.predictions.enums import Prediction
from apps.predictions.models import Score
from apps.predictions.services.writing import retire_scores
from apps.tenants.models import Tenant
from apps.triggers.exceptions import InvalidParametersError
from apps.triggers.models import Reading
from apps.triggers.rules import registry
from apps.triggers.tests.asking import NOW, ago, facts_of, matching
from apps.triggers.tests.at_risk import (
    BEFORE,
    KEY,
    LATELY,
    SECOND,
    TODAY,
    at_high_risk,
    call,
    renewing,
    score,
    silent,
    thinning,
    waiting,
    write,
)
from apps.triggers.tests.hanging import hanging_on
from apps.triggers.watches import Changes

# -- the renewal --


@pytest.mark.parametrize(
    ("on", "fires"),
    [
        (TODAY - timedelta(days=1), False),
        (TODAY, True),
        (TODAY + timedelta(days=90), True),
        (TODAY + timedelta(days=91), False),
        (None, False),
    ],
    ids=["passed", "today", "in ninety days", "later", "without a day"],
)
def test_only_with_a_renewal_ahead(acme: Tenant, on: date | None, fires: bool) -> None:
    account = thinning(renewing(on))
    assert matching(KEY) == ([account.pk] if fires else [])


def test_a_settled_contract_puts_nothing_at_risk(acme: Tenant) -> None:
    thinning(renewing(outcome=ContractOutcome.RENEWED))
    assert matching(KEY) == []


def test_a_renewal_alone_is_no_risk(acme: Tenant) -> None:
    renewing()
    assert matching(KEY) == []


# -- contact that thins out, and mails of ours that stay unanswered --


@pytest.mark.parametrize(
    ("former", "recent", "fires"),
    [
        (10, 0, True),
        (9, 0, False),
        # Ten in ninety days are more than three in thirty: a third of that is one.
        (10, 1, True),
        (18, 2, False),
        (19, 2, True),
    ],
    ids=["none", "too few before", "under a third", "a third", "a third of more"],
)
def test_a_third_of_the_former_rate(acme: Tenant, former: int, recent: int, fires: bool) -> None:
    account = thinning(renewing(), former=former, recent=recent)
    assert matching(KEY) == ([account.pk] if fires else [])


@pytest.mark.parametrize(
    ("at", "recent_count", "former_count"),
    [
        (NOW, 1, 12),
        (NOW + SECOND, 0, 12),
        (ago(days=30) + SECOND, 1, 12),
        (ago(days=30), 0, 13),
        (ago(days=120) + SECOND, 0, 13),
        (ago(days=120), 0, 12),
    ],
    ids=["now", "ahead", "recent just", "former just", "still counts", "too old"],
)
def test_the_ends_of_both_spans(
    acme: Tenant, at: datetime, recent_count: int, former_count: int
) -> None:
    account = thinning(renewing(), former=12)
    call(1, at, account=account)
    facts = facts_of(KEY, account.pk)
    assert (facts["recent_count"], facts["former_count"]) == (recent_count, former_count)


def test_less_contact_alone_is_no_risk(acme: Tenant) -> None:
    account = renewing()
    call(20, BEFORE, account=account)
    call(2, LATELY, account=account)
    assert matching(KEY) == []
    score(account, 0.6)
    assert facts_of(KEY, account.pk)["former_count"] == 20


@pytest.mark.parametrize(
    ("heard", "wrote", "attempts"),
    [
        (None, [20, 16], 2),
        (None, [20, 20], None),
        (None, [20], None),
        # Five working days before Monday at ten is the Monday before.
        (None, [20, 7], 2),
        (None, [20, 6.9], None),
        # What follows their word within a day is an answer to it.
        (36, [35, 20], None),
        (36, [34.9, 20], 2),
        (18, [20, 16, 14], 2),
        (18, [20, 16], None),
    ],
)
def test_two_mails_on_different_days_that_were_not_answered(
    acme: Tenant, heard: float | None, wrote: list[float], attempts: int | None
) -> None:
    account = at_high_risk()
    if heard is not None:
        ActivityFactory(account=account, direction=Direction.INBOUND, occurred_at=ago(days=heard))
    for days in wrote:
        write(ago(days=days), account=account)
    assert matching(KEY) == ([account.pk] if attempts else [])
    if attempts:
        assert facts_of(KEY, account.pk)["outbound_count"] == attempts


def test_calls_of_ours_are_not_mails_without_an_answer(acme: Tenant) -> None:
    account = at_high_risk()
    for days in (20, 16):
        call(1, ago(days=days), account=account)
    assert matching(KEY) == []


@pytest.mark.parametrize("way", ["account", "contact", "deal"])
def test_what_happens_with_contacts_and_deals_counts(acme: Tenant, way: str) -> None:
    account = renewing()
    about = hanging_on(way, account)
    call(11, BEFORE, **about)
    for days in (40, 36):
        write(ago(days=days), **about)
    assert matching(KEY) == [account.pk]
    call(2, LATELY, **about)
    assert matching(KEY) == []


def test_what_hangs_on_all_three_counts_once(acme: Tenant) -> None:
    account = thinning(renewing(), former=8)
    contact = ContactFactory(account=account)
    deal = OpportunityFactory(account=account, contact=contact)
    call(1, BEFORE, account=account, contact=contact, opportunity=deal)
    assert matching(KEY) == []
    call(1, BEFORE, account=account, contact=contact, opportunity=deal)
    assert facts_of(KEY, account.pk)["former_count"] == 10


def test_notes_are_no_contact(acme: Tenant) -> None:
    account = thinning(renewing())
    ActivityFactory(account=account, activity_kind=ActivityKind.NOTE, occurred_at=LATELY)
    assert matching(KEY) == [account.pk]


@pytest.mark.parametrize(
    ("kind", "direction", "fires"),
    [
        (ActivityKind.CALL, Direction.OUTBOUND, True),
        (ActivityKind.EMAIL, Direction.OUTBOUND, True),
        (ActivityKind.NOTE, Direction.INBOUND, True),
        (ActivityKind.EMAIL, Direction.INBOUND, False),
        (ActivityKind.CALL, Direction.INBOUND, False),
        (ActivityKind.MEETING, Direction.NONE, False),
    ],
)
def test_who_writes_calls_or_meets_us_is_in_touch(
    acme: Tenant, kind: ActivityKind, direction: Direction, fires: bool
) -> None:
    account = thinning(renewing(), former=30)
    ActivityFactory(account=account, activity_kind=kind, direction=direction, occurred_at=LATELY)
    assert matching(KEY) == ([account.pk] if fires else [])


# -- silence --


@pytest.mark.parametrize(
    ("last", "fires"),
    [
        (ago(days=45) + SECOND, False),
        (ago(days=45), True),
        (ago(days=120) + SECOND, True),
        (ago(days=120), False),
        (NOW + SECOND, False),
    ],
    ids=["not yet", "silent", "long silent", "of account_silent", "ahead"],
)
def test_silence_of_six_weeks_is_enough(acme: Tenant, last: datetime, fires: bool) -> None:
    account = renewing()
    call(1, last, account=account)
    assert matching(KEY) == ([account.pk] if fires else [])


def test_what_lies_ahead_ends_silence(acme: Tenant) -> None:
    account = silent(renewing())
    assert facts_of(KEY, account.pk)["last_activity_at"] == BEFORE.isoformat()
    ActivityFactory(
        account=account, activity_kind=ActivityKind.MEETING, occurred_at=NOW + timedelta(days=3)
    )
    assert matching(KEY) == []


def test_silence_comes_by_time(acme: Tenant) -> None:
    account = silent(renewing(TODAY + timedelta(days=60)))
    assert matching(KEY, now=BEFORE + timedelta(days=45) - SECOND) == []
    assert matching(KEY, now=BEFORE + timedelta(days=45)) == [account.pk]


# -- a high risk --


@pytest.mark.parametrize(("score_0_1", "fires"), [(0.9, True), (0.899, False), (1.0, True)])
def test_a_risk_of_nine_in_ten_is_enough(acme: Tenant, score_0_1: float, fires: bool) -> None:
    account = renewing()
    score(account, score_0_1)
    assert matching(KEY) == ([account.pk] if fires else [])


@pytest.mark.parametrize(("score_0_1", "fires"), [(0.6, True), (0.599, False)])
def test_a_high_risk_needs_another_sign(acme: Tenant, score_0_1: float, fires: bool) -> None:
    account = renewing()
    score(account, score_0_1)
    call(20, BEFORE, account=account)
    call(3, LATELY, account=account)
    assert matching(KEY) == []
    call(10, BEFORE, account=account)
    assert matching(KEY) == ([account.pk] if fires else [])


def test_a_high_risk_matters_before_a_renewal_that_nobody_has_planned(acme: Tenant) -> None:
    later, settled, planned = (
        renewing(TODAY + timedelta(days=91)), renewing(outcome=ContractOutcome.RENEWED), renewing()
    )  # fmt: skip
    for account in (later, settled, planned, AccountFactory()):
        score(account, 0.9)
    TaskFactory(account=planned)
    assert matching(KEY) == []


def test_a_risk_that_is_enough_holds_although_they_are_in_touch(acme: Tenant) -> None:
    account = renewing()
    score(account, 0.9)
    call(5, LATELY, account=account)
    assert matching(KEY) == [account.pk]


def test_only_the_latest_score_counts_and_only_of_this_prediction(acme: Tenant) -> None:
    account = renewing()
    score(account, 0.9, is_latest=False)
    score(account, 0.59)
    score(account, 0.9, prediction=Prediction.LEAD_CONVERSION, record_kind="lead")
    assert matching(KEY) == []


def test_a_lower_score_clears_it_and_so_does_a_withdrawal(acme: Tenant) -> None:
    account = renewing()
    score(account, 0.9)
    assert matching(KEY) == [account.pk]
    Score.objects.update(is_latest=False)
    score(account, 0.4)
    assert matching(KEY) == []
    Score.objects.update(score_0_1=0.95)
    assert matching(KEY) == [account.pk]
    retire_scores(Prediction.RENEWAL_RISK, now=NOW)
    assert matching(KEY) == []


def test_a_new_score_leads_to_its_account(acme: Tenant) -> None:
    trigger = registry.get(KEY)
    changes = Changes(
        scored={Prediction.RENEWAL_RISK: frozenset({7}), Prediction.DEAL_CLOSE: frozenset({8})}
    )
    found = [watch.touched(changes, trigger.record_kind) for watch in trigger.watches]
    assert set().union(*found) == {7}


# -- plans, parameters, facts --


def test_an_open_task_on_the_account_is_a_plan(acme: Tenant) -> None:
    account = thinning(renewing())
    task = TaskFactory(account=account)
    TaskFactory(account=account, opportunity=OpportunityFactory(account=account))
    assert matching(KEY) == []
    task.status = TaskStatus.DONE
    task.save()
    assert matching(KEY) == [account.pk]


@pytest.mark.parametrize(
    ("parameters", "fires"),
    [
        ({"ahead_days": 45}, True),
        ({"ahead_days": 44}, False),
        ({"past_count": 12}, True),
        ({"past_count": 13}, False),
        # One against twelve in three times as long: a quarter.
        ({"percent": 26}, True),
        ({"percent": 25}, False),
        ({"recent_days": 10}, True),
        ({"recent_days": 61}, False),
        ({"past_days": 30}, False),
        ({"reply_working_days": 25}, True),
        ({"reply_working_days": 26}, False),
        # With a quarter of the contact that it was it is no silence, unless that is so called.
        ({"percent": 1, "quiet_days": 10}, True),
        ({"percent": 1, "quiet_days": 11}, False),
    ],
)
def test_parameters_move_the_boundaries(
    acme: Tenant, parameters: dict[str, int], fires: bool
) -> None:
    account = thinning(renewing(), former=12, recent=1)
    assert matching(KEY, parameters) == ([account.pk] if fires else [])


def test_how_long_a_mail_may_wait_is_a_parameter(acme: Tenant) -> None:
    account = at_high_risk()
    waiting(account)
    assert matching(KEY, {"reply_working_days": 10}) == [account.pk]
    assert matching(KEY, {"reply_working_days": 11}) == []


@pytest.mark.parametrize(
    ("sure_percent", "score_percent", "fires"),
    [(30, 60, True), (31, 60, False), (31, 30, False), (31, 20, False)],
)
def test_which_risk_is_enough_is_a_parameter(
    acme: Tenant, sure_percent: int, score_percent: int, fires: bool
) -> None:
    account = renewing()
    score(account, 0.3)
    parameters = {"sure_percent": sure_percent, "score_percent": score_percent}
    assert matching(KEY, parameters) == ([account.pk] if fires else [])


def test_which_risk_is_high_is_a_parameter(acme: Tenant) -> None:
    account = renewing()
    score(account, 0.3)
    waiting(account)
    assert matching(KEY, {"score_percent": 30}) == [account.pk]
    assert matching(KEY, {"score_percent": 31}) == []


def test_a_span_that_can_hold_no_waiting_mail_is_refused() -> None:
    with pytest.raises(InvalidParametersError, match="recent_days must be greater than reply_"):
        registry.get(KEY).parse({"recent_days": 14, "reply_working_days": 14})


def test_facts_of_contact_that_thins_out(acme: Tenant) -> None:
    account = thinning(renewing(owner=None), former=12, recent=1)
    contract = Contract.objects.get()
    assert facts_of(KEY, account.pk) == {
        "contract_id": contract.pk,
        "renews_on": "2026-04-16",
        "recent_count": 1,
        "former_count": 12,
        "outbound_count": 2,
        "last_activity_at": None,
        "unanswered_id": None,
        "unanswered_at": None,
        "leaving_at": None,
        "score_0_1": None,
        "revision": 1,
    }


def test_facts_tell_a_score_that_is_a_reason_and_no_other(acme: Tenant) -> None:
    high, low, middling = renewing(), thinning(renewing()), thinning(renewing())
    score(high, 0.9449)
    score(low, 0.5)
    score(middling, 0.6449)
    facts = facts_of(KEY, high.pk)
    assert (facts["score_0_1"], facts["recent_count"], facts["unanswered_at"]) == (0.94, None, None)
    facts = facts_of(KEY, low.pk)
    assert (facts["score_0_1"], facts["recent_count"]) == (None, 0)
    facts = facts_of(KEY, middling.pk)
    assert (facts["score_0_1"], facts["recent_count"]) == (0.64, 0)


def test_facts_name_the_mail_that_waits_longest(acme: Tenant) -> None:
    account = at_high_risk(account=AccountFactory(owner=None))
    mail = waiting(account, occurred_at=ago(days=20))
    waiting(account)
    contract = Contract.objects.get()
    assert facts_of(KEY, account.pk) == {
        "contract_id": contract.pk,
        "renews_on": "2026-04-16",
        "recent_count": None,
        "former_count": None,
        "outbound_count": None,
        "last_activity_at": None,
        "unanswered_id": mail.pk,
        "unanswered_at": ago(days=20).isoformat(),
        "leaving_at": None,
        "score_0_1": 0.6,
        "revision": 1,
    }


def test_it_stands_for_the_weaker_triggers_of_the_account(acme: Tenant) -> None:
    account = thinning(renewing())
    assert matching(KEY) == matching("renewal_approaching") == [account.pk]
    assert registry.get(KEY).inhibits == ("account_silent", "renewal_approaching")


def test_a_mail_that_speaks_of_ending_a_contract(acme: Tenant) -> None:
    account = AccountFactory()
    ContractFactory(account=account, renews_on=NOW.date() + timedelta(days=30))
    mail = ActivityFactory(
        contact=ContactFactory(account=account),
        activity_kind=ActivityKind.EMAIL,
        direction=Direction.INBOUND,
        occurred_at=ago(days=2),
    )
    assert matching(KEY) == []
    Reading.objects.create(activity_id=mail.pk, means_to_leave=True)
    assert facts_of(KEY, account.pk)["leaving_at"] == ago(days=2).isoformat()
