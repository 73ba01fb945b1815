"""Statements that are prepared by name."""

from __future__ import annotations

import pytest
from django.db import NotSupportedError, ProgrammingError, connection, transaction

from apps.audit.models import AuditEntry
from apps.tenants.models import Tenant
from apps.tenants.statements import ID_PLACE, OneRow, Prepared
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


def test_what_was_planned_for_another_type_is_planned_anew(acme: Tenant) -> None:
    words = Prepared("aisha_words_of_a_test", "SELECT word FROM words_of_a_test")

    def read_over_a_migration() -> list[object]:
        run("CREATE TEMPORARY TABLE words_of_a_test AS SELECT 'short'::varchar(5) AS word")
        read: list[object] = [words.fetch()]
        run("ALTER TABLE words_of_a_test ALTER word TYPE varchar(50)")
        # In a transaction PostgreSQL takes nothing more after its refusal.
        with pytest.raises(NotSupportedError), transaction.atomic():
            words.fetch()
        return [*read, words.fetch(), words.fetch()]

    assert at_once(acme, [read_over_a_migration]) == [[[("short",)]] * 3]


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
