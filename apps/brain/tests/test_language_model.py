"""The language model over HTTP: what it writes, every way in which it fails, and what that costs."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from django.conf import LazySettings

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.brain import providers
from apps.brain.circuit import FAILURES_TO_OPEN, FIRST_REST
from apps.brain.config import read_config
from apps.brain.enums import CallOutcome, FallBack, Goal, Mode, Provider
from apps.brain.exceptions import ModeDoesNotFitError, UnknownModeError
from apps.brain.language_model import asking
from apps.brain.language_model.prompts import MOST_TOKENS_OUT, PROMPT_VERSION
from apps.brain.models import BrainCall, BudgetMonth, BudgetReservation, CapturedText
from apps.brain.prices import Usage, price_of
from apps.brain.schemas import ThinkTask
from apps.brain.services import Answer, think
from apps.brain.tests.conftest import Switch
from apps.brain.tests.factories import FRIDAY, NOW, PIPELINE
from apps.brain.tests.questions import QUESTIONS
from apps.crm.enums import RecordKind
from apps.tenants.models import Tenant
from apps.tenants.secrets import seal
from stubs.openai_server.testing import RunningStandIn
from stubs.openai_server.wording import IN_WORDS

LEAD = replace(QUESTIONS[Goal.REVIVE_LEAD, RecordKind.LEAD], tools=("create_followup",))


def ask(*tasks: ThinkTask, now: datetime = NOW) -> list[Answer]:
    return think(tasks or [LEAD], Mode.PROPOSE_ACTIONS, actor=PIPELINE, now=now)


def calls() -> list[tuple[str, str, str, str]]:
    """Provider, outcome, error and why the rules wrote, of each call in order."""
    rows = BrainCall.objects.order_by("pk")
    return list(rows.values_list("provider", "outcome", "error_code", "fell_back_because"))


def test_the_model_writes_a_proposal(switch_on: Switch, stand_in: RunningStandIn) -> None:
    switch_on()
    (answer,) = ask()
    proposal = answer.proposal
    assert proposal is not None
    assert (proposal.provider, proposal.tool) == (Provider.OPENAI, "create_followup")
    # The stand-in knows what the goal calls for, as it is told in words.
    assert proposal.title.startswith("Pick up the conversation with Ana Lopez")
    assert proposal.arguments["subject_id"] == LEAD.record.id
    assert proposal.arguments["owner_id"] == LEAD.doer_id
    assert all(
        set(claim.facts) <= {fact.number for fact in LEAD.facts} for claim in proposal.claims
    )
    call = BrainCall.objects.get()
    assert answer.call == call
    assert (call.provider, call.model, call.mode, call.prompt_version, call.tasks_count) == (
        "openai", "stand-in", "propose_actions", PROMPT_VERSION, 1,
    )  # fmt: skip
    assert (call.outcome, call.proposals_count, call.retries) == ("answered", 1, 0)
    (arrived,) = stand_in.requests()
    body = arrived["body"]
    assert (body["model"], body["store"], body["text"]["format"]["strict"]) == (
        "stand-in", False, True,
    )  # fmt: skip


def test_the_stand_in_has_words_for_every_goal() -> None:
    assert {IN_WORDS.get(goal.label.casefold()) for goal in Goal.of_signals()} == set(
        Goal.of_signals()
    )


def test_what_a_call_cost_is_on_record_and_in_the_budget(switch_on: Switch) -> None:
    switch_on()
    ask(LEAD)
    ask(LEAD)
    first, second = BrainCall.objects.order_by("pk")
    price = price_of("stand-in", FRIDAY)
    assert price is not None
    for call in (first, second):
        usage = Usage(call.tokens_in, call.tokens_out, call.tokens_cached)
        assert call.cost_usd == price.cost_usd(usage) > 0
    assert (first.tokens_cached, second.tokens_in) == (0, first.tokens_in)
    # The second question is the first one again: the provider has all of it at hand.
    assert second.tokens_cached == second.tokens_in
    month = BudgetMonth.objects.get()
    assert (month.usd_spent, month.usd_reserved, month.tokens_reserved) == (
        first.cost_usd + second.cost_usd, Decimal(0), 0,
    )  # fmt: skip
    assert month.tokens_spent == sum(call.tokens_in + call.tokens_out for call in (first, second))


def test_at_least_half_of_a_question_is_the_same_for_all(switch_on: Switch) -> None:
    switch_on(concurrency=1)
    tasks = [replace(task, tools=("create_followup",)) for task in QUESTIONS.values()]
    ask(*tasks)
    rows = list(BrainCall.objects.order_by("pk").values_list("tokens_in", "tokens_cached"))
    assert len(rows) == len(QUESTIONS)
    sent = sorted(tokens for tokens, _ in rows)
    assert sent[len(sent) // 2] <= 1_500
    assert all(cached >= tokens / 2 for tokens, cached in rows[1:])


@pytest.mark.parametrize(
    ("model", "code"),
    [
        ("stand-in:status-401", "key_refused"),
        ("stand-in:status-403", "not_permitted"),
        ("stand-in:status-429-1ms", "rate_limited"),
        ("stand-in:status-500", "server_error"),
        ("stand-in:slow-first-byte", "timeout"),
        ("stand-in:cut", "connection"),
    ],
)
def test_a_provider_that_fails_is_stood_in_for_by_the_rules(
    switch_on: Switch, model: str, code: str
) -> None:
    switch_on(model, read_timeout_s=1)
    (answer,) = ask()
    assert answer.proposal is not None
    assert answer.proposal.provider == Provider.RULES
    assert calls() == [
        ("openai", "failed", code, ""),
        ("rules", "answered", "", "call_failed"),
    ]
    state = providers.state()
    assert (state.failures, state.fell_back_because, state.fell_back_at) == (1, "call_failed", NOW)


@pytest.mark.parametrize(
    ("model", "outcome", "code", "because"),
    [
        ("stand-in:not-json", CallOutcome.UNUSABLE, "not_json", FallBack.UNUSABLE),
        ("stand-in:wrong-schema", CallOutcome.UNUSABLE, "wrong_schema", FallBack.UNUSABLE),
        ("stand-in:escape", CallOutcome.UNUSABLE, "too_long", FallBack.UNUSABLE),
        ("stand-in:incomplete", CallOutcome.UNUSABLE, "incomplete", FallBack.UNUSABLE),
        ("stand-in:refusal", CallOutcome.REFUSED, "refusal", FallBack.REFUSED),
    ],
)
def test_an_answer_that_is_no_proposal_is_paid_for_and_stood_in_for(
    switch_on: Switch, model: str, outcome: CallOutcome, code: str, because: FallBack
) -> None:
    switch_on(model)
    (answer,) = ask()
    assert answer.proposal is not None
    assert answer.proposal.provider == Provider.RULES
    assert calls() == [("openai", outcome, code, ""), ("rules", "answered", "", because)]
    assert BudgetMonth.objects.get().usd_spent > 0
    # The provider is well: only this answer was not.
    state = providers.state()
    assert (state.failures, state.fell_back_because) == (0, "")


def test_a_request_is_tried_again_where_that_may_help(
    switch_on: Switch, stand_in: RunningStandIn
) -> None:
    switch_on("stand-in:status-429-1ms:2", most_retries=2)
    (answer,) = ask()
    assert answer.proposal is not None
    assert answer.proposal.provider == Provider.OPENAI
    assert BrainCall.objects.get().retries == 2
    assert len(stand_in.requests()) == 3


def test_each_try_that_was_not_answered_is_set_aside_and_paid_for(switch_on: Switch) -> None:
    switch_on("stand-in:slow-first-byte", most_retries=1, read_timeout_s=1)
    ask()
    call = BrainCall.objects.get(provider="openai")
    assert (call.error_code, call.retries, call.tokens_in % 2) == ("timeout", 1, 0)
    reservation = BudgetReservation.objects.get()
    assert reservation.tokens == call.tokens_in + 2 * MOST_TOKENS_OUT
    assert BudgetMonth.objects.get().tokens_spent == call.tokens_in


def test_who_waits_for_an_answer_waits_for_one_try(
    switch_on: Switch, stand_in: RunningStandIn
) -> None:
    switch_on("stand-in:status-500:1", most_retries=2)
    (answer,) = think([LEAD], Mode.PROPOSE_ACTIONS, actor=PIPELINE, now=NOW, is_waited_for=True)
    assert answer.call.fell_back_because == "call_failed"
    assert len(stand_in.requests()) == 1
    assert read_config().hurried().read_timeout_s == 5


def test_a_request_with_a_bad_key_is_not_tried_again(
    switch_on: Switch, stand_in: RunningStandIn
) -> None:
    switch_on(most_retries=2, sealed_key=seal("sk-somebody-else"))
    ask()
    assert calls()[0] == ("openai", "failed", "key_refused", "")
    assert len(stand_in.requests()) == 1


def test_a_provider_that_keeps_failing_is_left_alone(
    switch_on: Switch, stand_in: RunningStandIn
) -> None:
    switch_on("stand-in:status-500", concurrency=1)
    answers = ask(*[LEAD] * (FAILURES_TO_OPEN + 3))
    assert [answer.proposal is not None for answer in answers] == [True] * (FAILURES_TO_OPEN + 3)
    assert len(stand_in.requests()) == FAILURES_TO_OPEN
    because = BrainCall.objects.filter(provider="rules").order_by("pk")
    assert list(because.values_list("fell_back_because", "tasks_count")) == [
        ("call_failed", FAILURES_TO_OPEN),
        ("resting", 3),
    ]
    assert providers.state().rests_until == NOW + FIRST_REST
    ask(LEAD, now=NOW + FIRST_REST - timedelta(seconds=1))
    assert len(stand_in.requests()) == FAILURES_TO_OPEN


def test_a_batch_that_takes_too_long_is_cut_off_and_paid_for(
    switch_on: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "BATCH_LASTS_S", 1)
    switch_on("stand-in:delay-3000ms", concurrency=2)
    answers = ask(*[LEAD] * 3)
    assert [answer.call.provider for answer in answers] == ["rules"] * 3
    assert calls() == [
        ("openai", "failed", "timeout", ""),
        ("openai", "failed", "timeout", ""),
        ("rules", "answered", "", "call_failed"),
        ("rules", "answered", "", "resting"),
    ]
    spent = BudgetMonth.objects.get().tokens_spent
    assert spent == sum(BrainCall.objects.values_list("tokens_in", flat=True)) > 0


def test_after_its_rest_one_trial_decides(switch_on: Switch, stand_in: RunningStandIn) -> None:
    switch_on("stand-in:status-500", concurrency=4)
    ask(*[LEAD] * FAILURES_TO_OPEN)
    stand_in.reset()
    later = NOW + FIRST_REST
    ask(*[LEAD] * 4, now=later)
    assert len(stand_in.requests()) == 1
    assert providers.state().rests_until == later + 2 * FIRST_REST
    switch_on("stand-in", concurrency=4)
    stand_in.reset()
    answers = ask(*[LEAD] * 4, now=later + 2 * FIRST_REST)
    assert [answer.call.provider for answer in answers] == ["openai"] * 4
    assert len(stand_in.requests()) == 4
    state = providers.state()
    assert (state.failures, state.rests_until, state.fell_back_because) == (0, None, "")


def test_of_two_workers_one_has_the_trial(acme: Tenant) -> None:
    providers.note_failures(FAILURES_TO_OPEN, NOW)
    later = NOW + FIRST_REST
    assert [providers.admit(NOW), providers.admit(later), providers.admit(later)] == [0, 1, 0]


@pytest.mark.parametrize(
    ("fields", "because"),
    [
        ({"sealed_key": ""}, FallBack.NO_KEY),
        ({"sealed_key": "not sealed by us"}, FallBack.NO_KEY),
        ({"model": ""}, FallBack.NO_MODEL),
        ({"model": "a-model-of-our-own"}, FallBack.NO_PRICE),
        ({"hard_limit_usd": 0, "soft_limit_usd": 0}, FallBack.BUDGET_SPENT),
        ({"hard_limit_tokens": 1_000, "soft_limit_tokens": 0}, FallBack.BUDGET_SPENT),
    ],
)
def test_a_gate_that_cannot_be_passed_is_shut(
    switch_on: Switch,
    stand_in: RunningStandIn,
    settings: LazySettings,
    fields: dict[str, Any],
    because: FallBack,
) -> None:
    settings.OPENAI_API_KEY = "sk-stand-in-of-the-operator"
    switch_on(**fields)
    (answer,) = ask()
    assert answer.proposal is not None
    assert calls() == [("rules", "answered", "", because)]
    assert stand_in.requests() == []
    assert providers.state().fell_back_because == because


def test_a_price_of_ones_own_opens_the_gate(switch_on: Switch) -> None:
    nothing = Decimal(0)
    switch_on(input_usd=nothing, cached_usd=nothing, output_usd=nothing)
    (answer,) = ask()
    assert (answer.call.provider, answer.call.cost_usd) == ("openai", nothing)


def test_the_budget_ends_in_the_middle_of_a_batch(switch_on: Switch) -> None:
    switch_on(hard_limit_tokens=6_500, soft_limit_tokens=100)
    answers = ask(*[LEAD] * 4)
    assert [answer.call.provider for answer in answers] == ["openai", "openai", "rules", "rules"]
    assert answers[2].call.fell_back_because == "budget_spent"
    assert providers.state().fell_back_because == "budget_spent"
    events = AuditEntry.objects.filter(event=Event.BUDGET_SOFT_LIMIT)
    assert [entry.details for entry in events] == [{"month": "2026-03-01"}]
    ask(LEAD)
    assert events.count() == 1


def test_the_operators_key_serves_a_tenant_that_brings_none(
    switch_on: Switch, stand_in: RunningStandIn, settings: LazySettings
) -> None:
    settings.OPENAI_BASE_URL = stand_in.base_url
    settings.OPENAI_API_KEY = stand_in.key
    settings.OPENAI_MODEL = "stand-in"
    switch_on(base_url="", model="", sealed_key="")
    (answer,) = ask()
    assert answer.call.provider == "openai"


def test_the_rules_write_until_a_tenant_switches_its_model_on(
    acme: Tenant, stand_in: RunningStandIn, settings: LazySettings
) -> None:
    settings.OPENAI_BASE_URL = stand_in.base_url
    settings.OPENAI_API_KEY = stand_in.key
    ask()
    assert calls() == [("rules", "answered", "", "")]
    assert stand_in.requests() == []


class _Redirect(BaseHTTPRequestHandler):
    """Sends every request on to another address."""

    target: ClassVar[str]

    def do_POST(self) -> None:
        self.send_response(307)
        self.send_header("Location", f"{self.target}{self.path}")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_a_redirect_is_not_followed(switch_on: Switch, stand_in: RunningStandIn) -> None:
    _Redirect.target = stand_in.base_url
    with ThreadingHTTPServer(("127.0.0.1", 0), _Redirect) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        switch_on(base_url=f"http://127.0.0.1:{server.server_port}")
        ask()
        server.shutdown()
    assert calls()[0] == ("openai", "failed", "other", "")
    assert stand_in.requests() == []


def test_prompts_are_kept_only_where_the_tenant_wants_it(switch_on: Switch) -> None:
    switch_on()
    ask()
    assert CapturedText.objects.count() == 0
    switch_on(captures_text=True)
    (answer,) = ask()
    kept = CapturedText.objects.get()
    assert kept.call == answer.call
    assert '"label": "Ana Lopez"' in kept.prompt
    assert json.loads(kept.answer)["change"]["tool"] == "create_followup"


def test_the_log_and_the_audit_hold_no_text_and_no_key(
    switch_on: Switch, stand_in: RunningStandIn
) -> None:
    switch_on()
    ask()
    entry = AuditEntry.objects.get(event=Event.BRAIN_CALLED)
    call = BrainCall.objects.get()
    assert entry.details == {
        "call_id": call.pk, "provider": "openai", "mode": "propose_actions", "model": "stand-in",
        "tokens_in": call.tokens_in, "tokens_out": call.tokens_out, "cost_usd": str(call.cost_usd),
        "prompt_version": PROMPT_VERSION, "tasks": 1, "proposals": 1, "outcome": "answered",
        "fell_back_because": "",
    }  # fmt: skip
    assert stand_in.key not in str([vars(call), entry.details])
    assert "Ana Lopez" not in str([vars(call), entry.details])


@pytest.mark.parametrize("mode", ["apply", "", "PROPOSE_ACTIONS"])
def test_no_other_mode_exists(acme: Tenant, mode: str) -> None:
    with pytest.raises(UnknownModeError) as caught:
        think([LEAD], mode, actor=PIPELINE, now=NOW)
    assert (caught.value.code, caught.value.status) == ("unknown_mode", 422)


def test_tasks_are_no_question(switch_on: Switch) -> None:
    switch_on()
    with pytest.raises(ModeDoesNotFitError):
        think([LEAD], Mode.READ_ONLY, actor=PIPELINE, now=NOW)
