"""What the commands of the engine have in common: a tenant, progress, and what came of it."""

from __future__ import annotations

import json
import time
from abc import abstractmethod
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from django.utils import timezone
from django_tenants.utils import get_public_schema_name, schema_context

from apps.predictions.enums import Prediction, RunKind
from apps.predictions.models import PredictionRun
from apps.predictions.services.runs import request_run
from apps.predictions.services.work import carry_out_run
from apps.tenants.context import begin_request
from apps.tenants.enums import Module
from apps.tenants.exceptions import ModuleOffError
from apps.tenants.models import Tenant
from apps.tenants.services import require_module
from apps.tenants.work.enums import WorkStatus
from apps.tenants.work.exceptions import WorkUnderWayError

_SECONDS_BETWEEN_LINES = 1.0


class TenantRunCommand(BaseCommand):
    """Does runs of one kind in this process, one after the other, and tells how far they are."""

    kind: RunKind

    @abstractmethod
    def predictions(self, options: dict[str, Any]) -> list[Prediction | None]:
        """What is to be done, one run each."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the tenant."""
        parser.add_argument("--tenant", required=True, help="the schema's name")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do the runs and print what came of them; one that failed makes the command fail."""
        begin_request()
        schema = options["tenant"]
        tenant = Tenant.objects.filter(schema_name=schema).first()
        if tenant is None or schema == get_public_schema_name():
            raise CommandError(f"There is no tenant {schema!r}.")
        with schema_context(schema):
            try:
                require_module(Module.PREDICTIONS)
                runs = [self._run(prediction) for prediction in self.predictions(options)]
            except (ModuleOffError, WorkUnderWayError) as error:
                raise CommandError(error.message) from error
        if options["json"]:
            self.stdout.write(json.dumps({"runs": [_summary_of(run) for run in runs]}))
        failed = [run for run in runs if run.status != WorkStatus.SUCCEEDED]
        if failed:
            raise CommandError(" ".join(f"{run}: {run.message}" for run in failed))

    def _run(self, prediction: Prediction | None) -> PredictionRun:
        run = request_run(self.kind, prediction)
        name = prediction.label if prediction else self.kind.label
        self.stderr.write(f"{name} ...")
        carry_out_run(run, now=timezone.now(), watch=_Watcher(name, self.stderr))
        run.refresh_from_db()
        self.stderr.write(f"{name}: {run.message}")
        return run


class _Watcher:
    """Writes how far a run is, once a second at most."""

    def __init__(self, name: str, out: OutputWrapper) -> None:
        self._name = name
        self._out = out
        self._written_at = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Tell of a step. Without a total nobody knows how many there are."""
        now = time.monotonic()
        if now - self._written_at < _SECONDS_BETWEEN_LINES:
            return
        self._written_at = now
        far = f"{done:,} of {total:,}" if total else f"{done:,}"
        self._out.write(f"{self._name}: {far}")
        self._out.flush()


def _summary_of(run: PredictionRun) -> dict[str, Any]:
    return {
        "run": run.pk,
        "kind": run.kind,
        "prediction": run.prediction or None,
        "status": run.status,
        "message": run.message,
        "steps": run.steps_done,
    }
