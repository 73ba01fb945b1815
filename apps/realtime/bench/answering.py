"""What our part of a token and of a call of a tool costs, beside the provider's and the query's own."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime

from django.test import Client, override_settings
from django.utils import timezone

from apps.brain.reading.tools import read_tool
from apps.crm.models import Lead
from apps.realtime.bench.serving import session_for, talkers
from apps.realtime.bridge import call_tool
from apps.realtime.models import TokenRequest, ToolCall
from apps.realtime.provider import forget_clients
from apps.suggestions.bench.live import HOST
from apps.suggestions.bench.model import stand_in

_TOKENS, _CALLS, _LEADS = 60, 60, 20_000
_KEY = "sk-stand-in-bench"
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_SEARCH = '{"text": "Quixworth"}'


def measure_token() -> dict[str, object]:
    """The endpoint as a page asks it, over HTTP's view and middleware; the provider is the stand-in."""
    (person,) = talkers(1)
    with stand_in() as base_url:
        told = override_settings(
            REALTIME_BASE_URL=base_url,
            REALTIME_API_KEY=_KEY,
            REALTIME_MODEL="stand-in",
            REALTIME_TOKENS_PER_MINUTE=10 * _TOKENS,
            REALTIME_TOKENS_PER_MINUTE_OF_TENANT=10 * _TOKENS,
        )
        with told:
            client = Client(headers={"host": HOST})
            client.force_login(person)
            overs, whole = [], []
            for _ in range(_TOKENS):
                began = time.perf_counter()
                answer = client.post("/api/ai/realtime-token", "{}", "application/json")
                elapsed_ms = (time.perf_counter() - began) * 1000
                if answer.status_code != 201:
                    raise RuntimeError(f"{answer.status_code}: {answer.content[:200]!r}")
                provider_ms = TokenRequest.objects.latest("pk").provider_ms or 0
                whole.append(elapsed_ms)
                overs.append(elapsed_ms - provider_ms)
            forget_clients()
    # The first ones load the provider's client.
    median = statistics.median(overs[5:])
    provider = statistics.median(whole[5:]) - median
    return {
        "name": "token endpoint over the provider's own time, median",
        "value": median,
        "unit": "ms",
        "target": 15,
        "baseline": provider,
        "remark": f"{_TOKENS} tokens; the provider itself {provider:.1f} ms",
    }


def measure_bridge() -> dict[str, object]:
    """A look-up by the bridge against the same look-up called as a function."""
    (person,) = talkers(1)
    now = timezone.now()
    Lead.objects.bulk_create(
        Lead(
            owner=person, first_name=f"Ada {place}", last_name="Quixworth" if not place else "Lopez"
        )
        for place in range(_LEADS)
    )
    session = session_for(person)
    tool = read_tool("search_records")
    arguments = tool.arguments.model_validate_json(_SEARCH)

    def by_bridge(place: int) -> float:
        # As if each came in a minute of its own: how many may come in one is no cost.
        ToolCall.objects.filter(session=session).update(called_at=_LONG_AGO)
        call_id = f"call_{place}"
        return _ms(
            lambda: call_tool(person, session.pk, call_id, "search_records", _SEARCH, now=now)
        )

    bridged = [by_bridge(place) for place in range(_CALLS)]
    alone = [_ms(lambda: tool.read(person, arguments, now.date())) for _ in range(_CALLS)]
    query = statistics.median(alone)
    return {
        "name": "bridge read tool over its query",
        "value": statistics.median(bridged) - query,
        "unit": "ms",
        "target": 50,
        "baseline": query,
        "remark": f"search among {_LEADS:,} leads; the look-up alone {query:.1f} ms",
    }


def _ms(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000
