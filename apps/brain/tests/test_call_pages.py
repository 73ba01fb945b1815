"""The log of calls: filters, pages, files, and who reads prompts and answers."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditEntry
from apps.brain.enums import CallOutcome, FallBack, Mode, Provider
from apps.brain.models import BrainCall, CapturedText
from apps.brain.templatetags.brain_figures import usd
from apps.conftest import Cast, TenantClient
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.enums import Role
from apps.tenants.models import Tenant
from apps.tenants.roles import taking_role
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]

LIST = "/brain/calls/"
EXPORT = "/brain/calls/export.csv"
MOMENT = datetime(2026, 3, 5, 22, 30, tzinfo=UTC)


def make_call(**fields: Any) -> BrainCall:
    """A call that a language model answered, with other values as they are named."""
    values = {
        "called_at": MOMENT,
        "provider": Provider.OPENAI,
        "mode": Mode.PROPOSE_ACTIONS,
        "prompt_version": "v1",
        "prompt_hash": "a" * 64,
        "tasks_count": 1,
        "proposals_count": 1,
        "latency_ms": 420,
        "model": "gpt-4.1-mini",
        "tokens_in": 1200,
        "tokens_cached": 900,
        "tokens_out": 200,
        "cost_usd": Decimal("0.000530"),
        "outcome": CallOutcome.ANSWERED,
        **fields,
    }
    return BrainCall.objects.create(**values)


def shown(client: TenantClient, query: str = "") -> list[int]:
    return [call.pk for call in client.get(LIST + query).context["page"]]


def test_calls_stand_newest_first_and_are_narrowed(cast: Cast, client_for: ClientFor) -> None:
    answered = make_call()
    failed = make_call(
        outcome=CallOutcome.FAILED, error_code="timeout", called_at=MOMENT.replace(day=6)
    )
    instead = make_call(
        provider=Provider.RULES, model="", fell_back_because=FallBack.CALL_FAILED, tasks_count=3,
        called_at=MOMENT.replace(day=7),
    )  # fmt: skip
    client = client_for(cast.manager)
    assert shown(client) == [instead.pk, failed.pk, answered.pk]
    assert shown(client, "?provider=openai") == [failed.pk, answered.pk]
    assert shown(client, "?outcome=failed") == [failed.pk]
    assert shown(client, "?fell_back_because=call_failed") == [instead.pk]
    # The tenant's people live in Berlin, where that evening is still the fifth.
    assert shown(client, "?day=2026-03-05") == [answered.pk]
    assert shown(client, "?provider=oracle") == [instead.pk, failed.pk, answered.pk]
    page = client.get(LIST).content.decode()
    assert "in the model's place: the language model did not answer" in page
    assert "0.00053\u00a0$" in page


def test_the_list_costs_the_same_with_one_call_and_with_three(
    cast: Cast, client_for: ClientFor
) -> None:
    client, counts = client_for(cast.manager), []
    for total in (1, 3):
        while BrainCall.objects.count() < total:
            make_call()
        with CaptureQueriesContext(connection) as queries:
            client.get(LIST)
        counts.append(len(queries))
    assert counts == [9, 9]


def test_the_list_has_pages(cast: Cast, client_for: ClientFor) -> None:
    for _ in range(51):
        make_call()
    client = client_for(cast.manager)
    assert [len(shown(client)), len(shown(client, "?page=2"))] == [50, 1]


def test_the_file_holds_what_is_on_screen(cast: Cast, client_for: ClientFor) -> None:
    make_call(outcome=CallOutcome.FAILED, error_code="timeout", proposals_count=0, retries=2)
    call = make_call(dropped_code="unknown_fact")
    answer = client_for(cast.manager).get(f"{EXPORT}?outcome=answered")
    text = b"".join(answer).decode().removeprefix("\ufeff")
    _, *rows = csv.reader(io.StringIO(text))
    assert rows == [
        [
            str(call.pk), "2026-03-05T23:30+01:00", "Language model", "gpt-4.1-mini", "1", "1", "1200",
            "900", "200", "0.000530", "420", "0", "Answered", "", "", "unknown_fact", "v1",
        ]
    ]  # fmt: skip
    entry = AuditEntry.objects.get(event="export.made")
    assert entry.details == {"what": "brain-calls", "filters": ["outcome"], "format": "csv"}


def test_administrators_alone_read_prompt_and_answer(cast: Cast, client_for: ClientFor) -> None:
    call = make_call()
    with transaction.atomic(), taking_role(Role.AI):
        CapturedText.objects.create(call=call, prompt="the <b>prompt</b>", answer="the answer")
    path = f"{LIST}{call.pk}/"
    page = client_for(cast.admin).get(path).content.decode()
    assert "the &lt;b&gt;prompt&lt;/b&gt;" in page
    assert "the answer" in page
    page = client_for(cast.manager).get(path).content.decode()
    assert ("prompt&lt;/b&gt;" in page, "the answer" in page) == (False, False)
    for address in (LIST, EXPORT):
        answer = client_for(cast.admin).get(address)
        text = b"".join(answer).decode() if answer.streaming else answer.content.decode()
        assert "the answer" not in text


def test_a_call_shows_the_suggestions_that_it_wrote(cast: Cast, client_for: ClientFor) -> None:
    call, other = make_call(), make_call()
    SuggestionFactory(brain_call=call, title="Call Ana", assignee=cast.rep)
    SuggestionFactory(brain_call=other, title="Call Bert", assignee=cast.rep)
    page = client_for(cast.manager).get(f"{LIST}{call.pk}/").content.decode()
    assert ("Call Ana" in page, "Call Bert" in page) == (True, False)


@pytest.mark.parametrize("path", [LIST, EXPORT, f"{LIST}1/"])
def test_reps_do_not_see_calls(cast: Cast, client_for: ClientFor, path: str) -> None:
    BrainCall.objects.filter(pk=1).exists() or make_call(pk=1)
    assert client_for(cast.rep).get(path).status_code == 403
    assert client_for(cast.manager).get(path).status_code == 200


def test_another_tenants_call_is_nowhere(cast: Cast, globex: Tenant, client_for: ClientFor) -> None:
    with globex:
        call = make_call(pk=987_654_321)
    assert client_for(cast.admin).get(f"{LIST}{call.pk}/").status_code == 404


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "—"),
        (Decimal(0), "0.00\u00a0$"),
        (Decimal("0.000001"), "0.000001\u00a0$"),
        (Decimal("0.000412"), "0.00041\u00a0$"),
        (Decimal("0.0996"), "0.100\u00a0$"),
        (Decimal("0.1"), "0.10\u00a0$"),
        (Decimal("12.3456"), "12.35\u00a0$"),
        (Decimal("1234.5"), "1,234.50\u00a0$"),
    ],
)
def test_small_sums_keep_the_digits_that_count(amount: Decimal | None, text: str) -> None:
    assert usd(amount) == text
