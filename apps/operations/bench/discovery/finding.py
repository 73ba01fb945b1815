"""What the triggers find in a simulated company, by the records' keys of the simulation."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from apps.crm.changelog import model_of, record_models
from apps.crm.enums import RecordKind
from apps.duplicates.enums import Subject as DuplicateSubject
from apps.duplicates.services.matching import match_all
from apps.operations.bench.discovery.comparing import Finding, Subject
from apps.operations.bench.discovery.worlds import MeasuredWorld
from apps.operations.demo.loading import load_world
from apps.operations.demo.schemas import World
from apps.predictions.services.scoring import score_all
from apps.predictions.services.training import train
from apps.predictions.services.work import LEARNED, scored_predictions
from apps.tenants.models import Tenant
from apps.tenants.transactions import without_nested_loops
from apps.tenants.work.runs import tell_nobody
from apps.triggers.detection import matching_sql
from apps.triggers.enums import Discovery
from apps.triggers.figures import measure_figures
from apps.triggers.moments import ScanMoment
from apps.triggers.reading.services import read_activities
from apps.triggers.registry import Trigger
from apps.triggers.rules import registry
from apps.triggers.rules.subjects import SUBJECTS
from apps.triggers.services import moment_at

_FINDINGS = {
    Discovery.MISSING_FOLLOWUP: Finding.MISSING_FOLLOWUP,
    Discovery.STALLED_DEAL: Finding.STALLED_DEAL,
    Discovery.HOT_LEAD: Finding.HOT_LEAD,
    Discovery.BEHAVIOUR_CHANGE: Finding.BEHAVIOUR_CHANGE,
    Discovery.CHURN_SIGNAL: Finding.CHURN,
    Discovery.DUPLICATE: Finding.DUPLICATE,
}


@contextmanager
def loaded(measured: MeasuredWorld, world: World, tenant: Tenant) -> Iterator[ScanMoment]:
    """The world in the tenant's tables, with scores and pairs as after a night; taken back afterwards."""
    tenant.time_zone, tenant.currency = measured.time_zone, measured.currency
    tenant.holidays = sorted(measured.holidays)
    with transaction.atomic():
        # The statistics are those of tables that were emptied before: they promise a handful of rows.
        with without_nested_loops():
            load_world(world, tenant)
        with connection.cursor() as cursor:
            for table in (*(model._meta.db_table for model in record_models()), "crm_changelog"):
                cursor.execute(f"ANALYZE {table}")
        for prediction in LEARNED:
            train(prediction, now=measured.now, tell=tell_nobody)
        for prediction in scored_predictions():
            score_all(prediction, now=measured.now, tell=tell_nobody)
        read_activities(measured.now, tenant.zone)
        for subject in DuplicateSubject:
            match_all(subject, now=measured.now, tell=lambda stage: None)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE triggers_reading, predictions_score, duplicates_pair")
        measure_figures(moment_at(tenant, measured.now))
        yield moment_at(tenant, measured.now)
        transaction.set_rollback(True)


def find_all(moment: ScanMoment) -> Mapping[Finding, dict[str, set[Subject]]]:
    """The records that each trigger finds, by finding and trigger."""
    found: dict[Finding, dict[str, set[Subject]]] = defaultdict(dict)
    for trigger in registry.all():
        if trigger.discovers is not None:
            found[_FINDINGS[trigger.discovers]][trigger.key] = set(_subjects(trigger, moment))
    return found


def _subjects(trigger: Trigger[Any], moment: ScanMoment) -> Iterator[Subject]:
    with connection.cursor() as cursor:
        cursor.execute(*matching_sql(trigger, moment, trigger.parse({})))
        rows = cursor.fetchall()
    ids: dict[RecordKind, set[int]] = defaultdict(set)
    for record_id, facts_json in rows:
        kind, about, facts = trigger.record_kind, record_id, json.loads(facts_json)
        if kind is RecordKind.ACTIVITY:
            kind, about = next((k, facts[f"{k}_id"]) for k in SUBJECTS if facts.get(f"{k}_id"))
        ids[kind].add(about)
        if trigger.discovers is Discovery.DUPLICATE:
            ids[RecordKind(facts["duplicate_kind"])].add(facts["duplicate_id"])
    for kind, keys in ids.items():
        known = model_of(kind)._default_manager.filter(pk__in=keys)
        for key in known.values_list("external_id", flat=True):
            yield kind, key
