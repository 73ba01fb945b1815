"""What the triggers find in a simulated company, by the records' keys of the simulation."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from apps.crm.changelog import record_models
from apps.crm.enums import RecordKind
from apps.operations.bench.discovery.comparing import Finding, Subject
from apps.operations.bench.discovery.worlds import MeasuredWorld
from apps.operations.demo.loading import load_world
from apps.operations.demo.schemas import World
from apps.predictions.services.scoring import score_all
from apps.predictions.services.training import train
from apps.predictions.services.work import LEARNED, scored_predictions
from apps.tenants.models import Tenant
from apps.tenants.work.runs import tell_nobody
from apps.triggers.detection import matching_sql
from apps.triggers.figures import measure_figures
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Trigger
from apps.triggers.rules import registry
from apps.triggers.services import moment_at

_DISCOVERERS = {
    "followup_missing": Finding.MISSING_FOLLOWUP,
    "email_unanswered": Finding.MISSING_FOLLOWUP,
    "deal_stalled": Finding.STALLED_DEAL,
    "deal_decaying": Finding.STALLED_DEAL,
    "lead_hot": Finding.HOT_LEAD,
    "engagement_shift": Finding.BEHAVIOUR_CHANGE,
    "account_at_risk": Finding.CHURN,
    "account_silent": Finding.CHURN,
}
_MODELS = {model.kind: model for model in record_models()}
# What an activity is about, in the order in which it counts.
_ABOUT = (RecordKind.OPPORTUNITY, RecordKind.LEAD, RecordKind.CONTACT)


@contextmanager
def loaded(measured: MeasuredWorld, world: World, tenant: Tenant) -> Iterator[ScanMoment]:
    """The world in the tenant's tables, with scores as after a night's work; taken back afterwards."""
    tenant.time_zone, tenant.currency = measured.time_zone, measured.currency
    tenant.holidays = sorted(measured.holidays)
    with transaction.atomic():
        load_world(world, tenant)
        with connection.cursor() as cursor:
            for model in record_models():
                cursor.execute(f'ANALYZE "{model._meta.db_table}"')
        for prediction in LEARNED:
            train(prediction, now=measured.now, tell=tell_nobody)
        for prediction in scored_predictions():
            score_all(prediction, now=measured.now, tell=tell_nobody)
        measure_figures(moment_at(tenant, measured.now))
        yield moment_at(tenant, measured.now)
        transaction.set_rollback(True)


def find_all(moment: ScanMoment) -> Mapping[Finding, dict[str, set[Subject]]]:
    """The records that each trigger finds, by finding and trigger."""
    found: dict[Finding, dict[str, set[Subject]]] = defaultdict(dict)
    for trigger in registry.all():
        finding = _DISCOVERERS.get(trigger.key)
        if finding is not None:
            found[finding][trigger.key] = set(_subjects(trigger, moment))
    return found


def _subjects(trigger: Trigger[Any], moment: ScanMoment) -> Iterator[Subject]:
    with connection.cursor() as cursor:
        cursor.execute(*matching_sql(trigger, moment, trigger.parse({})))
        rows = cursor.fetchall()
    ids: dict[RecordKind, set[int]] = defaultdict(set)
    for record_id, facts_json in rows:
        kind, about = trigger.record_kind, record_id
        if kind is RecordKind.ACTIVITY:
            facts = json.loads(facts_json)
            kind, about = next((k, facts[f"{k}_id"]) for k in _ABOUT if facts.get(f"{k}_id"))
        ids[kind].add(about)
    for kind, keys in ids.items():
        known = _MODELS[kind]._default_manager.filter(pk__in=keys)
        for key in known.values_list("external_id", flat=True):
            yield kind, key
