"""Under which database role each step runs, and that nothing is held open while the Brain thinks."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.utils import timezone

from apps.brain.services import think
from apps.conftest import Cast, make_cast
from apps.crm.changelog import record_models
from apps.crm.tests.factories import (
    ActivityFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
)
from apps.suggestions.models import Suggestion
from apps.suggestions.pipeline.run import keep_true
from apps.suggestions.services import approve
from apps.suggestions.tests.cases import NOW, quiet_lead, scan, suggested
from apps.tenants.enums import Role
from apps.tenants.models import Tenant
from apps.tenants.roles import RUN_TIME_LOGIN, current_role
from apps.tenants.tests.watching import current_account, probing, watching_statements
from apps.triggers.enums import ScanKind
from apps.triggers.services import scan_now

RECORD_TABLES = [f'"{model._meta.db_table}"' for model in record_models()]


def test_a_scan_reads_records_and_writes_its_own_rows_as_the_ai(cast: Cast) -> None:
    quiet_lead(cast.rep)
    OpportunityFactory(owner=cast.rep, stage_entered_at=NOW - timedelta(days=90))
    ContactFactory(owner=cast.rep)
    with watching_statements() as statements:
        assert scan().suggestions_created == 2
    ai = {Role.AI.value}
    for table in ('"crm_lead"', '"crm_opportunity"', '"crm_task"', '"crm_contact"'):
        assert (table, statements.accounts_of(table)) == (table, ai)
    # Before a scan the words of activities are read, by the login, into a table that the AI cannot write.
    assert statements.accounts_of('"crm_activity"') == {Role.AI.value, RUN_TIME_LOGIN}
    for words in (
        ("INSERT INTO triggers_signal",),
        ('INSERT INTO "suggestions_suggestion"',),
        ("INSERT INTO suggestions_suggestionsignal",),
        ('INSERT INTO "brain_braincall"',),
        ("UPDATE suggestions_suggestion",),
    ):
        assert (words, statements.accounts_of(*words)) == (words, ai)
    assert RUN_TIME_LOGIN in statements.accounts_of('"triggers_scan"')
    for table in RECORD_TABLES:
        for verb in ("INSERT", "UPDATE ", "DELETE"):
            assert statements.accounts_of(verb, f"{verb} INTO {table}") == set()
            assert statements.accounts_of(f"UPDATE {table}") == set()


def test_a_refresh_and_the_upkeep_run_as_the_ai_too(cast: Cast) -> None:
    suggestion = suggested(cast.rep, company="Before")
    type(suggestion).objects.update(refreshed_at=NOW - timedelta(days=1))
    with watching_statements() as statements:
        assert scan(timedelta(minutes=1)).suggestions_refreshed == 1
        keep_true(NOW + timedelta(days=30))
    assert statements.accounts_of('UPDATE "suggestions_suggestion"') == {Role.AI.value}
    assert statements.accounts_of("UPDATE suggestions_suggestion") == {Role.AI.value}
    # A silence is not the AI's to make.
    assert statements.accounts_of('INSERT INTO "triggers_silence"') == {RUN_TIME_LOGIN}


def test_an_approval_writes_records_as_the_apply_step_and_nothing_else(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    with watching_statements() as statements:
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    apply = {Role.APPLY.value}
    assert statements.accounts_of('INSERT INTO "crm_task"') == apply
    assert statements.accounts_of('"crm_lead"', "FOR UPDATE") == apply
    for table in ("suggestions_suggestion", "execution_execution", "suggestions_decision"):
        assert apply & statements.accounts_of(f'INTO "{table}"') == set()
        assert apply & statements.accounts_of(f'UPDATE "{table}"') == set()
    assert statements.accounts_of("INSERT INTO audit_auditentry") == {RUN_TIME_LOGIN}
    assert (current_account(), current_role()) == (RUN_TIME_LOGIN, None)


def test_while_the_brain_thinks_no_transaction_is_open_and_no_role_is_held(
    committed_tenant: Tenant,
) -> None:
    cast = make_cast()
    now = timezone.now()
    LeadFactory(owner=cast.rep, created_at=now - timedelta(days=30))
    contact = ContactFactory(owner=cast.rep, phone="1")
    ActivityFactory(
        owner=cast.rep,
        contact=contact,
        occurred_at=now - timedelta(days=1),
        stated_details={"phone": "+1 555 0123"},
    )

    def probe() -> tuple[bool, bool, Role | None]:
        return (
            connection.in_atomic_block,
            connection.connection.info.transaction_status.name == "IDLE",
            current_role(),
        )

    with probing(think, probe) as noted:
        scan_now(kind=ScanKind.FULL, now=now)
    assert noted == [(False, True, None)]
    assert Suggestion.objects.count() == 2
