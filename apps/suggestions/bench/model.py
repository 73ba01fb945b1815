"""The measure of the pipeline with a language model that takes 400 ms for each answer."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from apps.brain.enums import Provider
from apps.brain.models import BrainCall, BrainSettings
from apps.suggestions.bench.pipeline import clear, fill, make_owners
from apps.suggestions.models import Suggestion
from apps.suggestions.pipeline.run import keep_true

_ANSWER_S = 0.4
_AT_ONCE = 16
_QUESTIONS = 640
_LEAST_SHARE = 0.9
_MOST_TOKENS = 1_500
_LEAST_STABLE_SHARE = 0.5


def measure_model() -> Iterator[dict[str, object]]:
    """Signals become suggestions that the model wrote; what it was sent is counted by the stand-in."""
    now = timezone.now()
    fill(make_owners(10), _QUESTIONS, now)
    with (
        stand_in() as base_url,
        override_settings(
            OPENAI_BASE_URL=base_url,
            OPENAI_API_KEY="sk-stand-in-bench",
            OPENAI_MODEL=f"stand-in:delay-{_ANSWER_S * 1000:.0f}ms",
        ),
    ):
        _switch(Provider.OPENAI)
        last = BrainCall.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        try:
            began = time.perf_counter()
            keep_true(now)
            spent_s = time.perf_counter() - began
        finally:
            _switch(Provider.RULES)
    written = Suggestion.objects.filter(provider=Provider.OPENAI).count()
    clear()
    if written != _QUESTIONS:
        raise RuntimeError(f"The model wrote {written} of {_QUESTIONS}.")
    ideal_s = _QUESTIONS / _AT_ONCE * _ANSWER_S
    calls = BrainCall.objects.filter(pk__gt=last, provider=Provider.OPENAI)
    tokens = list(calls.values_list("tokens_in", "tokens_cached"))
    stable = [cached / sent for sent, cached in tokens if cached]
    yield {
        "app": "brain",
        "name": f"openai at 400 ms, concurrency {_AT_ONCE}",
        "value": round(ideal_s / spent_s, 3),
        "unit": "of ideal",
        "target": _LEAST_SHARE,
        "better": "higher",
        "remark": f"{_QUESTIONS} signals to packets in {spent_s:.1f} s, {ideal_s:.1f} s of it the model's",
    }
    yield {
        "app": "brain",
        "name": "input tokens per suggestion, median",
        "value": median(sent for sent, _ in tokens),
        "unit": "tokens",
        "target": _MOST_TOKENS,
        "better": "lower",
    }
    yield {
        "app": "brain",
        "name": "input tokens in the stable prefix, median",
        "value": round(median(stable), 2),
        "unit": "of all",
        "target": _LEAST_STABLE_SHARE,
        "better": "higher",
        "remark": f"{len(tokens) - len(stable)} of {len(tokens)} calls came before there was one",
    }


def _switch(provider: Provider) -> None:
    defaults = {"provider": provider, "concurrency": _AT_ONCE, "hard_limit_usd": 1_000}
    BrainSettings.objects.update_or_create(pk=1, defaults=defaults)


@contextmanager
def stand_in() -> Iterator[str]:
    """A stand-in of the measure's own; gives its address."""
    command = [sys.executable, "-m", "stubs.openai_server", "--port", "0"]
    with subprocess.Popen(
        command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process.stdout.readline().strip() if process.stdout else ""
        finally:
            process.terminate()
