"""``manage.py predict_demo``: train, score and forecast in the demo's tenants."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from apps.operations.demo.predicting import predict_demo
from apps.tenants.context import begin_request


class Command(BaseCommand):
    """Predicts."""

    help = "Train, score and forecast in the demo's tenants. Progress goes to standard error."

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it and say how far it is."""
        begin_request()
        predict_demo(now=timezone.now(), say=self._say)

    def _say(self, line: str) -> None:
        self.stderr.write(line)
        self.stderr.flush()
