"""One function for each page of the two admin sites that makes a row to show on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from itertools import count
from uuid import uuid4

from django.db import models, transaction
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from apps.audit.enums import Event, Origin
from apps.audit.models import AuditEntry
from apps.audit.schemas import Actor
from apps.audit.services import Entry, acting, record_event
from apps.brain.enums import CallOutcome, Goal, Mode, Provider
from apps.brain.models import BrainCall, BudgetMonth
from apps.crm.enums import RecordKind
from apps.crm.models import (
    Account,
    Activity,
    ChangeLog,
    Contact,
    Contract,
    CustomField,
    Draft,
    ImportRun,
    Lead,
    Opportunity,
    Product,
    Stage,
    Task,
)
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    ContractFactory,
    CustomFieldFactory,
    DraftFactory,
    LeadFactory,
    OpportunityFactory,
    ProductFactory,
    StageFactory,
    TaskFactory,
)
from apps.duplicates.models import MatchCursor, Matcher, MatchRun, Pair, RecordKeys
from apps.duplicates.tests.factories import MatcherFactory, MatchRunFactory, pair_of
from apps.execution.enums import ExecutionStatus
from apps.execution.enums import Verdict as PolicyVerdict
from apps.execution.models import Execution, PolicyDecision
from apps.predictions.enums import ModelState, Prediction, RunKind
from apps.predictions.models import Forecast, PredictionRun, SalesTarget, Score, TrainedModel, Trial
from apps.predictions.schemas import TrialQuestion
from apps.predictions.tests.factories import ForecastFactory, ScoreFactory
from apps.predictions.tests.model_cards import make_model
from apps.realtime.enums import Direction, GateState, TokenOutcome, ToolCallStatus
from apps.realtime.models import Session, TelemetryEvent, TokenRequest, ToolCall
from apps.realtime.tests.factories import make_session
from apps.suggestions.digest.enums import DigestStatus
from apps.suggestions.digest.models import DigestPreference, DigestSent
from apps.suggestions.enums import Verdict
from apps.suggestions.learning.enums import FollowedDays, ResetScope
from apps.suggestions.models import (
    BulkApproval,
    Decision,
    DiscoveryLook,
    FollowedOutcome,
    LearningReset,
    Suggestion,
    WebhookDelivery,
    WebhookEndpoint,
)
from apps.suggestions.tests.factories import SuggestionFactory
from apps.suggestions.tests.webhooks import make_delivery, make_endpoint
from apps.tenants.connections import tenant_connection
from apps.tenants.enums import Role
from apps.tenants.models import Domain, ModuleGate, Tenant
from apps.tenants.roles import taking_role
from apps.tenants.work.enums import WorkStatus
from apps.triggers.enums import ScanKind, ScanStatus, Severity
from apps.triggers.models import Reading, Scan, ScanTrigger, Signal, Silence, TriggerSetting
from apps.triggers.rules import registry
from apps.users.models import Team, User
from apps.users.tests.factories import TeamFactory, UserFactory

RowMaker = Callable[[], models.Model]

_NUMBERS = count()


def make_suggestion() -> Suggestion:
    return SuggestionFactory(assignee=UserFactory())


def make_decision() -> Decision:
    suggestion = make_suggestion()
    return Decision.objects.create(
        suggestion=suggestion,
        verdict=Verdict.REJECT,
        decided_by=UserFactory(),
        goal=suggestion.goal,
        tool=suggestion.tool,
    )


def make_bulk_approval() -> BulkApproval:
    suggestion, now = make_suggestion(), timezone.now()
    bulk = BulkApproval.objects.create(
        tool=suggestion.tool, requested_by=UserFactory(), requested_at=now, origin=Origin.PERSON
    )
    bulk.items.create(suggestion=suggestion, seen_at=suggestion.refreshed_at)
    return bulk


def make_learning_reset() -> LearningReset:
    return LearningReset.objects.create(
        scope=ResetScope.TRIGGER,
        key="lead_inactive",
        reset_at=timezone.now(),
        reset_by=UserFactory(),
    )


def make_followed_outcome() -> FollowedOutcome:
    return FollowedOutcome.objects.create(
        suggestion=make_suggestion(),
        days=FollowedDays.WEEK,
        decided_at=timezone.now(),
        is_applied=True,
        answered=True,
        looked_at=timezone.now(),
    )


def make_policy_decision() -> PolicyDecision:
    return PolicyDecision.objects.create(
        decided_at=timezone.now(),
        tool="update_task",
        verdict=PolicyVerdict.PERSON_MUST_DECIDE,
        policy_version=1,
    )


def make_execution() -> Execution:
    task, now = TaskFactory(), timezone.now()
    return Execution.objects.create(
        tool="update_task",
        arguments={"task_id": task.pk, "status": "done"},
        record_kind=RecordKind.TASK,
        record_id=task.pk,
        before_values={f"task:{task.pk}": {"status": "open"}},
        after_values={"status": "done"},
        status=ExecutionStatus.SUCCEEDED,
        policy_decision=make_policy_decision(),
        approved_by=UserFactory(),
        approved_at=now,
        started_at=now,
        finished_at=now,
        idempotency_key=f"test:{task.pk}",
    )


def make_activity() -> Activity:
    return ActivityFactory(
        owner=UserFactory(),
        lead=LeadFactory(),
        contact=ContactFactory(),
        opportunity=OpportunityFactory(),
    )


def make_task() -> Task:
    return TaskFactory(
        owner=UserFactory(),
        lead=LeadFactory(),
        contact=ContactFactory(),
        opportunity=OpportunityFactory(),
    )


def make_import_run() -> ImportRun:
    return ImportRun.objects.create(
        record_kind=RecordKind.LEAD, source="tests", file_name="leads.csv", started_by=UserFactory()
    )


def make_signal() -> Signal:
    return Signal.objects.create(
        trigger="lead_inactive",
        goal=Goal.REVIVE_LEAD,
        record_kind=RecordKind.LEAD,
        record_id=LeadFactory().pk,
        severity=Severity.NORMAL,
        facts={"status": "working"},
    )


def make_silence() -> Silence:
    return Silence.objects.create(
        record_kind=RecordKind.LEAD,
        record_id=LeadFactory().pk,
        until=timezone.now() + timedelta(days=3),
        reason="On holiday",
        created_by=UserFactory(),
    )


def make_scan() -> Scan:
    scan = Scan.objects.create(
        kind=ScanKind.MANUAL, status=ScanStatus.SUCCEEDED, requested_by=UserFactory()
    )
    ScanTrigger.objects.create(scan=scan, trigger="lead_inactive", matched=3, fired=1)
    return scan


def make_discovery_look() -> DiscoveryLook:
    return DiscoveryLook.objects.create(person=UserFactory(), seen_until=timezone.now())


def make_trigger_setting() -> TriggerSetting:
    taken = set(TriggerSetting.objects.values_list("trigger", flat=True))
    free = [trigger.key for trigger in registry.all() if trigger.key not in taken]
    return TriggerSetting.objects.create(trigger=free[0], changed_by=UserFactory())


def make_stage() -> Stage:
    number = Stage.objects.count()
    return StageFactory(key=f"stage_{number}", position=number)


def make_audit_entry() -> AuditEntry:
    entry = Entry(Event.SCAN_FINISHED, record_kind="lead", record_id=7, details={"scan_id": 1})
    record_event(Actor.for_system("tests"), entry)
    newest = AuditEntry.objects.first()
    assert newest is not None
    return newest


def make_change() -> ChangeLog:
    lead = LeadFactory()
    with acting(Actor.for_system("tests")):
        Lead.objects.filter(pk=lead.pk).update(status="qualified")
    newest = ChangeLog.objects.of_record(RecordKind.LEAD, lead.pk).order_by("-id").first()
    assert newest is not None
    return newest


def make_brain_call() -> BrainCall:
    return BrainCall.objects.create(
        provider=Provider.RULES,
        mode=Mode.PROPOSE_ACTIONS,
        prompt_version="rules",
        prompt_hash="0" * 64,
        tasks_count=3,
        proposals_count=2,
        latency_ms=4,
        outcome=CallOutcome.ANSWERED,
    )


def make_budget_month() -> BudgetMonth:
    years, months = divmod(BudgetMonth.objects.count(), 12)
    begins_on = date(2000 + years, 1 + months, 1)
    with transaction.atomic(), taking_role(Role.AI):
        return BudgetMonth.objects.create(begins_on=begins_on, usd_spent=3, tokens_spent=4000)


def make_digest_sent() -> DigestSent:
    now = timezone.now()
    return DigestSent.objects.create(
        person=UserFactory(),
        local_day=now.date(),
        status=DigestStatus.SENT,
        rows_count=3,
        claimed_at=now,
        finished_at=now,
    )


def make_score() -> Score:
    # Engagement needs no model to be explained.
    return ScoreFactory(
        prediction=Prediction.CONTACT_ENGAGEMENT,
        record_kind=RecordKind.CONTACT,
        record_id=ContactFactory().pk,
    )


def make_prediction_run() -> PredictionRun:
    # One that is under way stands in the way of the next.
    return PredictionRun.objects.create(
        kind=RunKind.TRAINING,
        prediction=Prediction.LEAD_CONVERSION,
        status=WorkStatus.SUCCEEDED,
        requested_by=UserFactory(),
    )


def make_match_cursor() -> MatchCursor:
    # There is one for each subject.
    number = MatchCursor.objects.count() + 1
    return MatchCursor.objects.create(subject=f"subject {number}", transaction_id=7)


def make_matcher() -> Matcher:
    # One that is current stands in the way of the next.
    number = Matcher.objects.count() + 1
    return MatcherFactory(number=number, is_current=False)


def make_record_keys() -> RecordKeys:
    return RecordKeys.objects.create(record_kind="lead", record_id=LeadFactory().pk, keys=[1, -2])


def make_trial() -> Trial:
    return Trial.objects.create(
        file_name="deals.csv",
        question=TrialQuestion(label="Stage", positive="Won").model_dump(mode="json"),
        status=WorkStatus.SUCCEEDED,
        requested_by=UserFactory(),
    )


def make_forecast() -> Forecast:
    return ForecastFactory(made_on=date(2020, 1, 1) + timedelta(days=next(_NUMBERS)))


def make_sales_target() -> SalesTarget:
    number = next(_NUMBERS)
    return SalesTarget.objects.create(
        starts_on=date(2000 + number // 4, 1 + 3 * (number % 4), 1), amount=1000, currency="USD"
    )


def make_tenant() -> Tenant:
    number = Tenant.objects.count()
    tenant: Tenant = Tenant.objects.create(schema_name=f"tenant_{number}", name=f"Tenant {number}")
    Domain.objects.create(domain=f"tenant-{number}.localhost", tenant=tenant)
    return tenant


def make_domain() -> Domain:
    domain: Domain = Domain.objects.get(tenant=make_tenant())
    return domain


def make_operator() -> User:
    number = User.objects.count()
    return User.objects.create_superuser(f"operator{number}", password="correct horse battery")


def make_periodic_task() -> PeriodicTask:
    interval, _ = IntervalSchedule.objects.get_or_create(
        every=PeriodicTask.objects.count() + 1, period="minutes"
    )
    return PeriodicTask.objects.create(
        name=f"every {interval.every}", task="triggers.scan_all_tenants", interval=interval
    )


def make_module_gate() -> ModuleGate:
    tenant = Tenant.objects.get(schema_name=tenant_connection().schema_name)
    number = ModuleGate.objects.count()
    return ModuleGate.objects.create(tenant=tenant, module=f"module_{number}", is_on=True)


def make_call() -> Session:
    return make_session(UserFactory(), issued_at=timezone.now())


def make_token_request() -> TokenRequest:
    call = make_call()
    return TokenRequest.objects.create(
        person=call.person,
        session=call,
        asked_at=timezone.now(),
        gate=GateState.ON,
        outcome=TokenOutcome.PROVIDER_SLOW,
        status=504,
        latency_ms=8_012,
        provider_ms=8_000,
    )


def make_tool_call() -> ToolCall:
    return ToolCall.objects.create(
        session=make_call(),
        call_id="call_1",
        tool="create_followup",
        status=ToolCallStatus.PROPOSED,
        suggestion=make_suggestion(),
        called_at=timezone.now(),
        latency_ms=31,
    )


def make_telemetry_event() -> TelemetryEvent:
    return TelemetryEvent.objects.create(
        session=make_call(),
        event_id=uuid4(),
        v=1,
        at_ms=1_250,
        received_at=timezone.now(),
        direction=Direction.LOCAL,
        type="aisha.drop",
        origin=Origin.REALTIME,
        turn=1,
    )


TENANT_ROWS: dict[type[models.Model], RowMaker] = {
    Suggestion: make_suggestion,
    Decision: make_decision,
    BulkApproval: make_bulk_approval,
    FollowedOutcome: make_followed_outcome,
    LearningReset: make_learning_reset,
    Execution: make_execution,
    PolicyDecision: make_policy_decision,
    Lead: lambda: LeadFactory(owner=UserFactory()),
    Contact: lambda: ContactFactory(owner=UserFactory(), account=AccountFactory()),
    Account: lambda: AccountFactory(owner=UserFactory(), parent=AccountFactory()),
    Opportunity: lambda: OpportunityFactory(owner=UserFactory(), stage=make_stage()),
    Activity: make_activity,
    Task: make_task,
    Contract: lambda: ContractFactory(owner=UserFactory()),
    Draft: lambda: DraftFactory(owner=UserFactory()),
    Product: lambda: ProductFactory(owner=UserFactory()),
    ImportRun: make_import_run,
    Signal: make_signal,
    Silence: make_silence,
    Scan: make_scan,
    Reading: lambda: Reading.objects.create(activity_id=make_activity().pk, asks_to_buy=True),
    DiscoveryLook: make_discovery_look,
    Score: make_score,
    # One that is in service stands in the way of the next.
    TrainedModel: lambda: make_model(state=ModelState.FORMER),
    PredictionRun: make_prediction_run,
    Trial: make_trial,
    Pair: lambda: pair_of(ContactFactory(owner=UserFactory()), LeadFactory(owner=UserFactory())),
    MatchRun: lambda: MatchRunFactory(requested_by=UserFactory()),
    Matcher: make_matcher,
    RecordKeys: make_record_keys,
    MatchCursor: make_match_cursor,
    Forecast: make_forecast,
    SalesTarget: make_sales_target,
    Session: make_call,
    TokenRequest: make_token_request,
    ToolCall: make_tool_call,
    TelemetryEvent: make_telemetry_event,
    User: lambda: UserFactory(team=TeamFactory()),
    Team: lambda: UserFactory(team=TeamFactory()).team,
    TriggerSetting: make_trigger_setting,
    Stage: make_stage,
    CustomField: lambda: CustomFieldFactory(),
    DigestPreference: lambda: DigestPreference.objects.create(person=UserFactory(), is_on=False),
    DigestSent: make_digest_sent,
    WebhookEndpoint: make_endpoint,
    WebhookDelivery: make_delivery,
    AuditEntry: make_audit_entry,
    ChangeLog: make_change,
    BrainCall: make_brain_call,
    BudgetMonth: make_budget_month,
    ModuleGate: make_module_gate,
    PeriodicTask: make_periodic_task,
}
# Those that live in the public schema, where all companies' rows stand together.
SHARED_MODELS = frozenset({ModuleGate, PeriodicTask})
OPERATOR_ROWS: dict[type[models.Model], RowMaker] = {
    Tenant: make_tenant,
    Domain: make_domain,
    User: make_operator,
    PeriodicTask: make_periodic_task,
    AuditEntry: make_audit_entry,
}
