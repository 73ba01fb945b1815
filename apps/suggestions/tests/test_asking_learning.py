"""What is asked for is nothing to learn from, and takes no place from what AiSHA suggests by itself."""

from __future__ import annotations

from datetime import timedelta

from apps.conftest import Cast
from apps.crm.tests.factories import LeadFactory
from apps.suggestions.enums import HeldBack, RejectReason, State, StopScope
from apps.suggestions.learning.acceptance import AcceptanceTable
from apps.suggestions.learning.learned import read_learned, rerank
from apps.suggestions.models import Decision, Suggestion
from apps.suggestions.pipeline.run import keep_true
from apps.suggestions.presentation import explain_confidence, explain_rank
from apps.suggestions.services import Stop, approve, reject
from apps.suggestions.tests.asking import about, ask
from apps.suggestions.tests.cases import NOW, scan, suggested
from apps.tenants.models import Tenant
from apps.triggers.models import Silence


def test_decisions_on_it_are_kept_and_teach_nothing(cast: Cast) -> None:
    for number in range(4):
        lead = LeadFactory(owner=cast.rep)
        suggestion = ask(cast.rep, "create_task", about(lead), now=NOW)
        if number % 2:
            approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
        else:
            why = RejectReason.NOT_NEEDED
            reject(suggestion_id=suggestion.pk, user=cast.rep, reason=why, now=NOW)
    assert Decision.objects.count() == 4
    assert AcceptanceTable.read(NOW).tallies == ()
    learned = read_learned(NOW)
    assert (learned.quieting.quiet, learned.quieting.proven) == ((), frozenset())


def test_no_confidence_is_claimed_and_its_rank_stays(cast: Cast) -> None:
    ask(cast.rep, "create_task", about(LeadFactory(owner=cast.rep)))
    before = Suggestion.objects.get()
    rerank(AcceptanceTable.read(NOW))
    after = Suggestion.objects.get()
    assert (after.rank, after.confidence, after.confidence_n) == (before.rank, None, 0)
    assert explain_confidence(after) == "Not measured: it was asked for"
    assert explain_rank(after) == (
        "Ranked by an unknown value at stake, urgency: this week; it was asked for"
    )


def test_it_does_not_count_against_the_days_number(cast: Cast, acme: Tenant) -> None:
    Tenant.objects.filter(pk=acme.pk).update(suggestions_per_day=1)
    for _ in range(3):
        ask(cast.rep, "create_task", about(LeadFactory(owner=cast.rep)), now=NOW)
    found = suggested(cast.rep)
    assert (found.state, found.held_back) == (State.PENDING, HeldBack.NO)


def test_nobody_is_silenced_when_it_runs_out(cast: Cast) -> None:
    ask(cast.rep, "create_task", about(LeadFactory(owner=cast.rep)), now=NOW)
    keep_true(NOW + timedelta(days=15))
    assert Suggestion.objects.get().state == State.EXPIRED
    assert not Silence.objects.exists()


def test_a_scan_leaves_it_alone_and_a_stop_does_too(cast: Cast) -> None:
    found = suggested(cast.rep)
    lead = found.record_id
    wanted = {"lead_id": lead, "status": "qualified"}
    asked = ask(cast.rep, "update_lead", wanted, now=NOW)
    scan(timedelta(minutes=1))
    stop = Stop(StopScope.RECORD, 30)
    found.refresh_from_db()
    reject(
        suggestion_id=found.pk, user=cast.rep, reason=RejectReason.NOT_NEEDED, stop=stop, now=NOW
    )
    asked.refresh_from_db()
    assert asked.state == State.PENDING
    approve(suggestion_id=asked.pk, user=cast.rep, now=NOW)
