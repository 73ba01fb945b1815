"""The pipeline as one use case: what a scan does after its triggers."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_event, record_events
from apps.brain.enums import FallBack, Goal, Mode, Provider
from apps.brain.schemas import ThinkTask
from apps.brain.services import (
    most_at_once,
    note_dropped,
    think,
    think_by_rules,
    who_answers,
)
from apps.crm.enums import RecordKind
from apps.execution.schemas import RecordRef
from apps.suggestions import rules
from apps.suggestions.enums import HeldBack
from apps.suggestions.learning.acceptance import AcceptanceTable
from apps.suggestions.learning.learned import Learned, mark_quiet, read_learned, rerank
from apps.suggestions.models import Suggestion
from apps.suggestions.pipeline import delivery, unanswered
from apps.suggestions.pipeline.awaiting import Awaiting, find_awaiting
from apps.suggestions.pipeline.context import Context, gather
from apps.suggestions.pipeline.meanwhile import barred_meanwhile
from apps.suggestions.pipeline.quarantine import found_entry, quarantined
from apps.suggestions.pipeline.readers import read_overseers
from apps.suggestions.pipeline.validation import Accepted, Asked, Dropped, validate
from apps.tenants.enums import Module, Role
from apps.tenants.locks import holding
from apps.tenants.metrics import Stopwatch, observe
from apps.tenants.models import Tenant
from apps.tenants.roles import taking_role
from apps.tenants.services import current_tenant, is_module_on
from apps.triggers.locks import FOLLOW
from apps.triggers.looks import detect_within
from apps.triggers.models import Scan, Signal, Silence
from apps.triggers.moments import ScanMoment
from apps.triggers.querysets import SignalQuerySet
from apps.triggers.rules import registry as triggers
from apps.triggers.services import moment_at, read_settings

log = logging.getLogger(__name__)


def suggest_after_scan(scan: Scan, moment: ScanMoment) -> None:
    """Turn the firing signals into suggestions and bring the open ones up to date."""
    tenant = current_tenant()
    if not is_module_on(tenant, Module.SUGGESTIONS):
        return
    actor = Actor.for_system("pipeline", Origin.TRIGGER)
    scan.suggestions_withdrawn += _keep_true(actor, tenant, moment.now)
    learned = _learn(moment)
    done = _take_up(actor, tenant, moment, learned)
    scan.suggestions_created += done.created
    scan.suggestions_refreshed += done.refreshed
    scan.suggestions_withdrawn += done.withdrawn
    scan.signals_waiting = done.signals_waiting
    scan.held_back = _fill_queues(tenant, moment, learned)


def keep_true(now: datetime) -> None:
    """Between scans: wake what was snoozed, expire what is old, take up what waits, fill the queues again.

    What waits is left to a scan whose suggestions are being written at this moment.
    """
    tenant = current_tenant()
    if not tenant.is_enabled or not is_module_on(tenant, Module.SUGGESTIONS):
        return
    actor = Actor.for_system("upkeep", Origin.TRIGGER)
    moment = moment_at(tenant, now)
    _keep_true(actor, tenant, now)
    learned = _learn(moment)
    if is_module_on(tenant, Module.TRIGGERS):
        with holding(FOLLOW) as is_ours:
            if is_ours:
                _take_up(actor, tenant, moment, learned)
    _fill_queues(tenant, moment, learned)


def bring_up_to_date(suggestion: Suggestion, *, actor: Actor, now: datetime) -> bool:
    """Write one trigger's suggestion anew from its record as it stands; whether there is still one to write.

    Its signals are brought up to date first, so that reason and evidence tell of the present.
    """
    tenant = current_tenant()
    moment = moment_at(tenant, now)
    record = RecordRef(RecordKind(suggestion.record_kind), suggestion.record_id)
    with transaction.atomic(), taking_role(Role.AI):
        firing = look_again(record, Goal(suggestion.goal), moment)
        # One that the next scan will supersede is still told as it stands.
        signals = list(firing.uninhibited(triggers.inhibitions())) or list(firing)
        acceptance = AcceptanceTable.read(now)
    if not signals:
        return False
    awaiting = Awaiting(
        record=record,
        goal=Goal(suggestion.goal),
        signal_ids=tuple(signal.pk for signal in signals),
        urgency=signals[0].severity,
        changed_at=max(signal.refreshed_at for signal in signals),
        suggestion_id=suggestion.pk,
        trigger=signals[0].trigger,
    )
    _, refreshed = _run_batch([awaiting], moment, tenant, acceptance, actor, is_waited_for=True)
    return refreshed == 1


def look_again(record: RecordRef, goal: Goal, moment: ScanMoment) -> SignalQuerySet:
    """Bring the signals of one record and goal up to date; return those that fire, the strongest first.

    A trigger that is off fires for nobody, here as in a scan.
    """
    settings = read_settings()
    for trigger in triggers.all():
        if trigger.goal == goal and trigger.record_kind == record.kind:
            detect_within(trigger, settings.get(trigger.key), moment, [record.id])
    firing: SignalQuerySet = Signal.objects.firing().of_record(record.kind, record.id)
    return firing.filter(goal=goal).order_by("-severity", "id")


@dataclass(frozen=True, slots=True)
class TakenUp:
    """How many suggestions were made, refreshed and withdrawn, and how many signals wait for their turn."""

    created: int
    refreshed: int
    withdrawn: int
    signals_waiting: int


def _learn(moment: ScanMoment) -> Learned:
    """What people's decisions have taught until now."""
    with taking_role(Role.AI):
        return read_learned(moment.now)


def _take_up(actor: Actor, tenant: Tenant, moment: ScanMoment, learned: Learned) -> TakenUp:
    """Make suggestions of what awaits some, as far as there is room, batch by batch."""
    most = rules.most_pending(per_day=tenant.suggestions_per_day)
    with taking_role(Role.AI):
        turn = find_awaiting(moment.now, most=most, quieting=learned.quieting)
    created = refreshed = 0
    for batch in _batches(turn.awaiting):
        counts = _run_batch(batch, moment, tenant, learned.acceptance, actor)
        created += counts[0]
        refreshed += counts[1]
    untellable = [one.suggestion_id for one in turn.awaiting if one.is_untellable]
    with transaction.atomic(), taking_role(Role.AI):
        withdrawn = delivery.withdraw_untellable([pk for pk in untellable if pk], actor=actor)
    return TakenUp(created, refreshed, withdrawn, turn.signals_waiting)


def _fill_queues(tenant: Tenant, moment: ScanMoment, learned: Learned) -> int:
    """Rank what waits as is known by now, and let the day's number into each queue; return the rest."""
    day = moment.today
    with taking_role(Role.AI):
        rerank(learned.acceptance)
        mark_quiet(learned.quieting)
        return delivery.fill_queues(
            cap_per_day=tenant.suggestions_per_day,
            day_begins=datetime(day.year, day.month, day.day, tzinfo=moment.zone),
            now=moment.now,
            quieting=learned.quieting,
        )


def _keep_true(actor: Actor, tenant: Tenant, now: datetime) -> int:
    with transaction.atomic():
        with taking_role(Role.AI):
            withdrawn = delivery.withdraw_settled(actor=actor)
            withdrawn += delivery.withdraw_cleared(actor=actor)
            withdrawn += delivery.supersede_inhibited(actor=actor)
            expired = delivery.expire_old(actor=actor, now=now)
            delivery.wake_snoozed(actor=actor, now=now)
        # What nobody decided in time stays away as if it had been rejected, unless it was kept from people as
        # quiet. The AI's role may not make silences, so this is done outside it.
        Silence.objects.bulk_create(
            Silence(
                record_kind=suggestion.record_kind,
                record_id=suggestion.record_id,
                goal=suggestion.goal,
                until=now + timedelta(days=tenant.silence_days),
                reason="Nobody decided in time",
            )
            for suggestion in expired
            if suggestion.held_back != HeldBack.QUIET and not suggestion.is_asked
        )
    return withdrawn


def _run_batch(
    batch: Sequence[Awaiting],
    moment: ScanMoment,
    tenant: Tenant,
    acceptance: AcceptanceTable,
    actor: Actor,
    *,
    is_waited_for: bool = False,
) -> tuple[int, int]:
    stopwatch = Stopwatch()
    # The AI's role knows nothing of settings.
    who = who_answers()
    overseers = read_overseers() if any(one.goal == Goal.MERGE_DUPLICATES for one in batch) else []
    with taking_role(Role.AI):
        with stopwatch.timing("pipeline.context"):
            contexts = gather(batch, moment, tenant.currency, overseers)
        with stopwatch.timing("pipeline.prompt"):
            posed = [(context, quarantined(task_of(context, moment))) for context in contexts]
            asked = unanswered.leave_out(posed, who)
        told = {context.awaiting for context in contexts}
        untold = [awaiting for awaiting in batch if awaiting not in told]
        if not asked:
            unanswered.remember([], untold, who, moment.now)
            return 0, 0
    # No transaction is open here: a provider may take its time.
    tasks = [task for _, task in asked]
    with stopwatch.timing("pipeline.brain"):
        answers = think(
            tasks,
            Mode.PROPOSE_ACTIONS,
            actor=actor,
            now=moment.now,
            is_waited_for=is_waited_for,
        )
    questions = [
        Asked(context, task, answer) for (context, task), answer in zip(asked, answers, strict=True)
    ]
    with transaction.atomic(), taking_role(Role.AI):
        with stopwatch.timing("pipeline.validate"):
            held = _hold(_leave_out_barred(questions, actor, moment.now), actor)
        with stopwatch.timing("pipeline.deliver"):
            counts = delivery.deliver(held.accepted, acceptance, actor=actor, now=moment.now)
            fruitless = [*untold, *(item.awaiting for item in held.dropped)]
            hostile = [item.asked.task for item in held.dropped if item.asked.task.withheld]
            news = unanswered.remember(held.vain, fruitless, who, moment.now, hostile=hostile)
            record_events(actor, [found_entry(task) for task in news])
    observe(tenant.schema_name, stopwatch.seconds)
    log.info(
        "suggestions delivered",
        extra={
            "created_count": counts[0],
            "refreshed_count": counts[1],
            "dropped_count": len(held.dropped),
            "duration_s": round(sum(stopwatch.seconds.values()), 3),
        },
    )
    return counts


@dataclass(frozen=True, slots=True)
class _Held:
    """What held against what was asked, what did not, and to what the same answer would come again."""

    accepted: Sequence[Accepted]
    dropped: Sequence[Dropped]
    vain: Sequence[ThinkTask]


def _leave_out_barred(questions: Sequence[Asked], actor: Actor, now: datetime) -> Sequence[Asked]:
    """Leave out, on record, what people have barred while it was being written."""
    barred = barred_meanwhile([question.context.awaiting for question in questions], now)
    late = [
        Dropped(question, "barred_meanwhile")
        for question in questions
        if question.context.awaiting in barred
    ]
    if late:
        of_model = [item for item in late if item.asked.answer.call.provider != Provider.RULES]
        note_dropped({item.asked.answer.call.pk: item.code for item in of_model})
        _record_dropped(late, actor)
    return [question for question in questions if question.context.awaiting not in barred]


def _hold(questions: Sequence[Asked], actor: Actor) -> _Held:
    """Hold each proposal against what was asked; for a model's that does not hold, ask the rules."""
    accepted, dropped = validate(questions)
    of_model = [item for item in dropped if item.asked.answer.call.provider != Provider.RULES]
    if of_model:
        note_dropped({item.asked.answer.call.pk: item.code for item in of_model})
        _record_dropped(of_model, actor)
        tasks = [item.asked.task for item in of_model]
        again = think_by_rules(tasks, actor=actor, because=FallBack.DID_NOT_HOLD)
        mended, still = validate(
            [
                replace(item.asked, answer=answer)
                for item, answer in zip(of_model, again, strict=True)
            ]
        )
        accepted += mended
        dropped = [item for item in dropped if item not in of_model] + still
    if dropped:
        _record_dropped(dropped, actor)
    # Asked again, and paid for again, once the question is another one.
    vain = [item.asked.task for item in dropped if item.code != "record_gone"]
    return _Held(accepted, dropped, vain)


def _record_dropped(dropped: Sequence[Dropped], actor: Actor) -> None:
    by_code = Counter(item.code for item in dropped)
    record_event(actor, Entry(Event.PROPOSAL_DROPPED, details=dict(by_code)))


def task_of(context: Context, moment: ScanMoment) -> ThinkTask:
    """Stage 2: the task as the Brain gets it, with the tools that the goal's triggers allow."""
    goal, kind = context.awaiting.goal, context.awaiting.record.kind
    serving = (t for t in triggers.all() if (t.goal, t.record_kind) == (goal, kind))
    tools = {tool for trigger in serving for tool in trigger.tools}
    tools -= context.awaiting.silenced_tools
    return ThinkTask(
        record=context.awaiting.record,
        record_label=context.label,
        goal=goal,
        facts=tuple(context.facts),
        tools=tuple(sorted(tools)),
        today=moment.today,
        next_working_day=moment.calendar.next_working_day(moment.today),
        doer_id=context.doer_id,
    )


def _batches(awaiting: Sequence[Awaiting]) -> Iterator[Sequence[Awaiting]]:
    """Batches of one transaction each: a killed worker loses one, and the next round makes it again."""
    size = most_at_once()
    for start in range(0, len(awaiting), size):
        yield awaiting[start : start + size]
