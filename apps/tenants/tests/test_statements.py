"""Statements that are prepared by name."""

from __future__ import annotations

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, ProgrammingError, connection, transaction

from apps.audit.models import AuditEntry
from apps.crm.tests.factories import LeadFactory
from apps.tenants.models import Tenant
from apps.tenants.statements import ID_PLACE, OneRow, OutdatedPlanError, Prepared, with_new_plans
from apps.tenants.tests.altered import altered
from apps.tenants.tests.threads import at_once
from apps.users.backends import RoleBackend
from apps.users.enums import PersonRole
from apps.users.models import User
from apps.users.tests.factories import UserFactory

# Nobody gets it from a sequence.
_ID = 9_000_001


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_what_goes_wrong_is_told_as_of_any_other_statement(acme: Tenant) -> None:
    with pytest.raises(ProgrammingError), transaction.atomic():
        Prepared("aisha_nowhere", "SELECT id FROM nowhere").fetch()


def test_a_table_that_is_altered_under_a_running_connection_is_read_on(
    committed_tenant: Tenant,
) -> None:
    names = Prepared("aisha_names_of_a_test", "SELECT external_id FROM crm_lead")
    sources = Prepared("aisha_sources_of_a_test", "SELECT source, external_id FROM crm_lead")
    LeadFactory(source="x", external_id="1")

    def read() -> list[object]:
        with transaction.atomic():
            return [*names.fetch(), *sources.fetch()]

    found = [("1",), ("x", "1")]
    session = connection.connection
    assert read() == found
    with altered(committed_tenant, "crm_lead", "external_id", "varchar(999)"):
        assert [*names.fetch(), *sources.fetch()] == found
    # Back again, and now within a transaction: that one is lost, and the next finds all plans new.
    with pytest.raises(OutdatedPlanError):
        read()
    assert read() == found
    with altered(committed_tenant, "crm_lead", "external_id", "text"):
        assert with_new_plans(read) == found
    with transaction.atomic():
        # In a savepoint of another one.
        assert with_new_plans(read) == found
    assert connection.connection is session


def test_what_a_session_has_forgotten_it_is_told_again(acme: Tenant) -> None:
    one = Prepared("aisha_one_of_a_test", "SELECT 1")

    def ask_over_a_lost_connection() -> list[object]:
        answers: list[object] = [one.fetch()]
        run("DEALLOCATE ALL")
        answers.append(one.fetch())
        # Each login may end its own sessions.
        with psycopg.connect(settings.DATABASE_URL, autocommit=True) as other:
            pid = connection.connection.info.backend_pid
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        with pytest.raises(OperationalError):
            one.fetch()
        # As at the end of each request and each task.
        connection.close_if_unusable_or_obsolete()
        return [*answers, one.fetch()]

    assert at_once(acme, [ask_over_a_lost_connection]) == [[[(1,)]] * 3]


def test_a_column_that_is_not_given_as_python_has_it_is_refused() -> None:
    with pytest.raises(TypeError, match="not given as Python has them"):
        OneRow.of(AuditEntry.objects.filter(pk=ID_PLACE.mark), ID_PLACE)


def test_of_one_id_each_tenant_has_its_own_person(acme: Tenant, globex: Tenant) -> None:
    """One statement on one connection, to and fro."""
    theirs = {acme: ("ann", PersonRole.REP), globex: ("gus", PersonRole.MANAGER)}
    for tenant, (username, role) in theirs.items():
        with tenant:
            UserFactory(pk=_ID, username=username, role=role)

    def read(tenant: Tenant) -> tuple[str, bool]:
        with tenant:
            found = RoleBackend().get_user(_ID)
            assert found is not None
            return found.username, found.sees_all

    assert [read(one) for one in (acme, globex, acme)] == [
        ("ann", False), ("gus", True), ("ann", False),
    ]  # fmt: skip


def test_who_may_not_sign_in_any_more_is_nobody(acme: Tenant) -> None:
    person = UserFactory()
    User.objects.filter(pk=person.pk).update(is_active=False)
    assert RoleBackend().get_user(person.pk) is None
    assert RoleBackend().get_user(_ID) is None
