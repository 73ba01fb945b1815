"""Workers at once and one budget: however many tokens a text turns out to have, the limit holds."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from django.db import connection

from apps.brain.enums import Goal, Mode, Provider
from apps.brain.models import BrainCall, BrainSettings, BudgetMonth, BudgetReservation
from apps.brain.services import think
from apps.brain.tests.factories import NOW, PIPELINE, fact, question
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.tenants.secrets import seal
from stubs.openai_server.testing import RunningStandIn

WORKERS = 6
# Each of these letters is three bytes, and there are tokenizers that know none of them.
RARE = replace(
    question(Goal.REVIVE_LEAD, *[fact("notes", "ꦱꦏꦶꦠ꧀ꦲꦠꦶ" * 8) for _ in range(4)]),
    tools=("create_followup",),
)


@pytest.mark.parametrize("limit", [20_000, 45_000])
def test_six_workers_that_ask_in_a_rare_script_do_not_overspend(
    committed_tenant: Tenant, stand_in: RunningStandIn, limit: int
) -> None:
    BrainSettings.objects.create(
        pk=1,
        provider=Provider.OPENAI,
        base_url=stand_in.base_url,
        model="stand-in:counts-bytes",
        sealed_key=seal(stand_in.key),
        soft_limit_tokens=0,
        hard_limit_tokens=limit,
    )
    barrier = threading.Barrier(WORKERS)

    def work() -> None:
        tenant_connection().set_tenant(committed_tenant)
        try:
            barrier.wait(timeout=20)
            for _ in range(2):
                think([RARE] * 2, Mode.PROPOSE_ACTIONS, actor=PIPELINE, now=NOW)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    month = BudgetMonth.objects.get()
    assert 0 < month.tokens_spent <= limit
    assert month.tokens_reserved == 0
    calls = BrainCall.objects.filter(provider=Provider.OPENAI)
    assert month.tokens_spent == sum(call.tokens_in + call.tokens_out for call in calls)
    # What was set aside for a call was no less than what it cost, and not so much that the limit goes unused.
    one = calls[0].tokens_in + calls[0].tokens_out
    assert all(row.tokens >= one for row in BudgetReservation.objects.all())
    assert month.tokens_spent > limit - 2 * max(
        BudgetReservation.objects.values_list("tokens", flat=True)
    )
