"""Taking a database role: it is given back whatever happens, and cannot be left from inside."""

from __future__ import annotations

import pytest
from django.db import DataError, ProgrammingError, connection, transaction

from apps.crm.models import Lead
from apps.crm.tests.factories import LeadFactory
from apps.tenants.enums import Role
from apps.tenants.exceptions import NestedRoleError, RoleEscapeError
from apps.tenants.models import Tenant
from apps.tenants.roles import RUN_TIME_LOGIN, current_role, taking_role
from apps.tenants.statements import Asked, Prepared
from apps.tenants.tests.watching import current_account

BOTH = pytest.mark.parametrize("role", list(Role))


@pytest.fixture(autouse=True)
def given_back(acme: Tenant) -> object:
    """Every test here begins and ends as the run-time login."""
    assert (current_account(), current_role()) == (RUN_TIME_LOGIN, None)
    yield
    assert (current_account(), current_role()) == (RUN_TIME_LOGIN, None)


@BOTH
def test_inside_the_block_the_role_is_in_force(role: Role) -> None:
    with taking_role(role):
        assert (current_account(), current_role()) == (role.value, role)


@BOTH
def test_what_the_block_begins_with_is_asked_in_the_role(role: Role) -> None:
    name = Asked(Prepared.with_text("SELECT current_user::text", []), [], lambda rows: rows[0][0])
    with taking_role(role, name) as answers:
        assert answers == [role.value]
    broken = Asked(Prepared.with_text("SELECT 1 / $1", ["int"]), [0], len)
    with pytest.raises(DataError), taking_role(role, name, broken):
        raise AssertionError


@BOTH
def test_an_exception_gives_it_back(role: Role) -> None:
    with pytest.raises(RuntimeError), taking_role(role):
        raise RuntimeError


@BOTH
def test_so_does_a_refused_statement(role: Role) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), taking_role(role):
        Lead.objects.all()._raw_delete("default")


@BOTH
def test_a_savepoint_inside_keeps_it(role: Role) -> None:
    with taking_role(role):
        with transaction.atomic():
            assert current_account() == role.value
        assert current_account() == role.value
        with pytest.raises(RuntimeError), transaction.atomic():
            raise RuntimeError
        assert current_account() == role.value


@BOTH
def test_a_transaction_around_it_goes_on_as_before(role: Role) -> None:
    with transaction.atomic():
        with taking_role(role):
            pass
        assert current_account() == RUN_TIME_LOGIN
        LeadFactory().delete()
        with pytest.raises(RuntimeError), taking_role(role):
            raise RuntimeError
        assert current_account() == RUN_TIME_LOGIN


@BOTH
def test_the_same_role_inside_itself_is_harmless(role: Role) -> None:
    with taking_role(role):
        with taking_role(role):
            assert current_account() == role.value
        assert (current_account(), current_role()) == (role.value, role)


@pytest.mark.parametrize(("outer", "inner"), [(Role.AI, Role.APPLY), (Role.APPLY, Role.AI)])
def test_the_other_role_inside_is_refused(outer: Role, inner: Role) -> None:
    with taking_role(outer):
        with pytest.raises(NestedRoleError) as caught, taking_role(inner):
            pass
        assert (caught.value.code, caught.value.status) == ("nested_role", 500)
        assert current_account() == outer.value


@BOTH
def test_rows_are_read_while_it_is_held(role: Role) -> None:
    LeadFactory.create_batch(3)
    with taking_role(role):
        assert len(list(Lead.objects.iterator(chunk_size=1))) == 3


@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE NONE",
        "set role aisha_app",
        "SET LOCAL ROLE NONE",
        "SET SESSION ROLE NONE",
        'SET "role" TO aisha_app',
        "SET SESSION AUTHORIZATION DEFAULT",
        "SET session_authorization TO DEFAULT",
        "RESET ROLE",
        "RESET ALL",
        "RESET SESSION AUTHORIZATION",
        "SELECT set_config('role', 'none', false)",
        "SELECT 1; SET ROLE NONE",
        "SELECT\n1;\nSET\tLOCAL\nROLE aisha_app",
        "DISCARD ALL",
        "COMMIT",
        "ROLLBACK",
        "END",
        "ABORT",
        "SELECT 1; commit",
    ],
)
@BOTH
def test_leaving_it_by_sql_is_refused(role: Role, statement: str) -> None:
    with pytest.raises(RoleEscapeError) as caught, taking_role(role), connection.cursor() as cursor:
        cursor.execute(statement)
    assert (caught.value.code, caught.value.status) == ("role_escape", 500)


def test_outside_a_role_the_guard_is_gone(acme: Tenant) -> None:
    with taking_role(Role.AI):
        pass
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('aisha.origin', 'person', true)")
        assert cursor.fetchone()[0] == "person"
