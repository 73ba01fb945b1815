"""A worker killed in the middle of a batch: nothing is lost or doubled, and what was asked is paid for."""

from __future__ import annotations

from decimal import Decimal

from apps.audit.models import AuditEntry
from apps.brain import budget
from apps.brain.enums import Provider
from apps.brain.models import BrainCall, BrainSettings, BudgetMonth, BudgetReservation
from apps.conftest import Cast, make_cast
from apps.suggestions.models import Suggestion, SuggestionSignal
from apps.suggestions.pipeline.run import keep_true
from apps.suggestions.tests.cases import quiet_lead, scan
from apps.suggestions.tests.test_kills import LATER, NOW, Program, running
from apps.tenants.enums import Module
from apps.tenants.locks import holding
from apps.tenants.models import ModuleGate, Tenant
from apps.tenants.secrets import seal
from apps.triggers.locks import FOLLOW
from apps.triggers.models import Signal
from stubs.openai_server.testing import RunningStandIn

LEADS = 3
LONGEST_DYING_MS = 20_000


def signals_alone(tenant: Tenant, cast: Cast) -> None:
    """Leads whose signals fire and for which nothing has been suggested yet."""
    gate = ModuleGate.objects.filter(tenant=tenant, module=Module.SUGGESTIONS)
    gate.update(is_on=False)
    for _ in range(LEADS):
        quiet_lead(cast.rep)
    scan()
    gate.update(is_on=True)


def begin_anew() -> None:
    SuggestionSignal.objects.all().delete()
    Suggestion.objects.all().delete()


def outcome() -> tuple[int, int, int]:
    """Suggestions, leads that have one, and entries that say that one was made."""
    made = AuditEntry.objects.filter(
        event="suggestion.created", suggestion_id__in=Suggestion.objects.values("pk")
    )
    leads = set(Suggestion.objects.values_list("record_id", flat=True))
    return Suggestion.objects.count(), len(leads), made.count()


def kill_at_many_steps(tenant: Tenant, program: Program, cast: Cast, *, every: int) -> None:
    """Kill it at one step after the other, and go on in another process."""
    signals_alone(tenant, cast)
    signal = Signal.objects.first()
    assert signal is not None
    answer, _, steps = program("take_up", signal, cast.rep, step=0).partition(" ")
    assert (answer, outcome()) == ("done", (LEADS, LEADS, LEADS))
    # The first run has a few steps more than the others: it makes rows that they find.
    for step in range(1, int(steps) - 5, every):
        begin_anew()
        assert program("take_up", signal, cast.rep, step=step) == "killed"
        # The database ends what it was asked last before it notices the death, and frees the lock.
        with holding(FOLLOW, wait_ms=LONGEST_DYING_MS) as is_free:
            assert is_free
        assert outcome() in {(0, 0, 0), (LEADS, LEADS, LEADS)}
        keep_true(LATER)
        assert (step, outcome()) == (step, (LEADS, LEADS, LEADS))


def test_killed_with_the_rules(committed_tenant: Tenant) -> None:
    with running(committed_tenant) as program:
        kill_at_many_steps(committed_tenant, program, make_cast(), every=3)


def test_killed_with_a_model(committed_tenant: Tenant, stand_in: RunningStandIn) -> None:
    BrainSettings.objects.create(
        pk=1,
        provider=Provider.OPENAI,
        base_url=stand_in.base_url,
        model="stand-in",
        sealed_key=seal(stand_in.key),
        concurrency=LEADS,
    )
    with running(committed_tenant) as program:
        kill_at_many_steps(committed_tenant, program, make_cast(), every=2)
    assert set(Suggestion.objects.values_list("provider", flat=True)) == {"openai"}
    # What died between setting aside and settling is counted as spent, all of it, an hour later.
    open_ones = BudgetReservation.objects.filter(settled_at=None)
    count = open_ones.count()
    assert count > 0
    assert budget.settle_lost(NOW + budget.LOST_AFTER * 3) == count
    month = BudgetMonth.objects.get()
    lost = sum(BudgetReservation.objects.filter(is_lost=True).values_list("usd", flat=True))
    told = sum(BrainCall.objects.values_list("cost_usd", flat=True))
    assert (month.usd_reserved, month.tokens_reserved) == (Decimal(0), 0)
    assert month.usd_spent >= lost + told


def test_cut_off_from_the_database(committed_tenant: Tenant) -> None:
    cast = make_cast()
    signals_alone(committed_tenant, cast)
    signal = Signal.objects.first()
    assert signal is not None
    with running(committed_tenant) as program:
        answer, _, steps = program("take_up", signal, cast.rep, step=0).partition(" ")
        assert answer == "done"
        for step in range(1, int(steps) - 5, 5):
            begin_anew()
            program("take_up", signal, cast.rep, step=step, way="cut")
            keep_true(LATER)
            assert (step, outcome()) == (step, (LEADS, LEADS, LEADS))
