"""Under which role it is asked, how many queries it takes, and two at once."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest
from django.db import ProgrammingError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.conftest import Cast, make_cast
from apps.crm.changelog import record_models
from apps.crm.models import Lead
from apps.crm.tests.factories import ActivityFactory, LeadFactory, TaskFactory
from apps.suggestions.enums import State
from apps.suggestions.models import Suggestion
from apps.suggestions.pipeline.validation import validate
from apps.suggestions.tests.asking import about, ask
from apps.tenants.enums import Role
from apps.tenants.models import Tenant
from apps.tenants.roles import RUN_TIME_LOGIN, current_role
from apps.tenants.tests.threads import at_once
from apps.tenants.tests.watching import current_account, probing, watching_statements

NOW = timezone.now()


def test_records_are_read_and_the_suggestion_is_written_as_the_ai(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep)
    ask(cast.rep, "create_task", about(lead))
    with watching_statements() as statements:
        ask(cast.rep, "create_task", about(lead, title="Write to them"))
    ai = {Role.AI.value}
    for table in ('"crm_lead"', '"crm_activity"', '"crm_task"'):
        assert (table, statements.accounts_of(table)) == (table, ai)
    for words in (
        'INSERT INTO "suggestions_suggestion"',
        'UPDATE "suggestions_suggestion"',
        "INSERT INTO audit_auditentry",
    ):
        assert (words, statements.accounts_of(words)) == (words, ai)
    for model in record_models():
        table = f'"{model._meta.db_table}"'
        for verb in ("INSERT INTO", "UPDATE", "DELETE FROM"):
            assert statements.accounts_of(f"{verb} {table}") == set()
    assert (current_account(), current_role()) == (RUN_TIME_LOGIN, None)


def test_a_refusal_is_written_down_as_the_ai(cast: Cast) -> None:
    with watching_statements() as statements, pytest.raises(Exception, match="no such record"):
        ask(cast.rep, "update_lead", {"lead_id": 10**9, "status": "new"})
    assert statements.accounts_of("INSERT INTO audit_auditentry") == {Role.AI.value}


def test_a_write_to_a_record_from_there_fails_in_the_database(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep, status="working")

    def write() -> None:
        Lead.objects.filter(pk=lead.pk).update(status="qualified")

    with (
        probing(validate, write),
        pytest.raises(ProgrammingError, match="permission denied for table crm_lead"),
    ):
        ask(cast.rep, "create_task", about(lead))
    assert Lead.objects.get(pk=lead.pk).status == "working"
    assert not Suggestion.objects.exists()


def test_the_number_of_queries_does_not_grow_with_what_hangs_on_the_record(cast: Cast) -> None:
    # What the role includes is read once for a person.
    ask(cast.rep, "create_task", about(LeadFactory(owner=cast.rep)))
    counts = set()
    for hanging in (1, 3):
        lead = LeadFactory(owner=cast.rep)
        ActivityFactory.create_batch(hanging, lead=lead, owner=cast.rep)
        TaskFactory.create_batch(hanging, lead=lead, owner=cast.rep)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            ask(cast.rep, "create_task", about(lead))
        counts.add(len(captured))
    assert counts == {28}


def test_twice_at_once_is_one(committed_tenant: Tenant) -> None:
    cast = make_cast()
    lead = LeadFactory(owner=cast.rep)
    results = at_once(
        committed_tenant, [partial(ask, cast.rep, "create_task", about(lead), now=NOW)] * 8
    )
    made = [result.pk for result in results if isinstance(result, Suggestion)]
    assert (len(made), len(set(made))) == (8, 1)
    assert Suggestion.objects.count() == 1


def test_of_different_values_at_once_one_waits(committed_tenant: Tenant) -> None:
    cast = make_cast()
    lead = LeadFactory(owner=cast.rep)
    works = [
        partial(ask, cast.rep, "create_task", about(lead, title=f"Call number {n}"), now=NOW)
        for n in range(6)
    ]
    results = at_once(committed_tenant, works)
    assert {type(result).__name__ for result in results} == {"Suggestion"}
    states = Counter(Suggestion.objects.values_list("state", flat=True))
    assert states == {State.PENDING: 1, State.SUPERSEDED: 5}
