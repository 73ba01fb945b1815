"""People in the admin: role, team and password; nobody locks themselves out or rises by themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apps.audit.models import AuditEntry
from apps.conftest import Cast, TenantClient
from apps.users.admin import role_of
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]

PEOPLE = "/admin/users/user/"
NEW_PASSWORD = "a rather long secret 7"


def page_of(person: User) -> str:
    return f"{PEOPLE}{person.pk}/change/"


def details_of(person: User, **changes: Any) -> dict[str, Any]:
    values = {
        "username": person.username,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        "role": role_of(person),
        "team": person.team_id or "",
        "time_zone": person.time_zone,
        "is_active": "on",
        **changes,
    }
    return {name: value for name, value in values.items() if value is not None}


def test_a_new_person_gets_role_team_and_password(cast: Cast, client_for: ClientFor) -> None:
    posted = {
        "username": "grace",
        "first_name": "Grace",
        "last_name": "Hopper",
        "email": "grace@acme.test",
        "role": "manager",
        "team": cast.team.pk,
        "time_zone": "",
        "usable_password": "true",
        "password1": NEW_PASSWORD,
        "password2": NEW_PASSWORD,
    }
    client_for(cast.admin).post(f"{PEOPLE}add/", posted)
    person = User.objects.get(username="grace")
    assert (role_of(person), person.team, person.is_staff, person.is_superuser) == (
        "manager",
        cast.team,
        True,
        False,
    )
    assert person.check_password(NEW_PASSWORD)
    entry = AuditEntry.objects.get(event="settings.changed")
    assert (entry.actor_id, entry.details["change"], entry.details["id"]) == (
        cast.admin.pk,
        "added",
        person.pk,
    )
    assert entry.details["role"] == "manager"
    assert NEW_PASSWORD not in str(entry.details)


def test_a_change_of_role_changes_what_the_person_may_do(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.admin)
    client.post(page_of(cast.rep), details_of(cast.rep, role="manager"))
    promoted = User.objects.get(pk=cast.rep.pk)
    assert (role_of(promoted), promoted.is_staff, promoted.sees_all) == ("manager", True, True)
    client.post(page_of(promoted), details_of(promoted, role="rep"))
    demoted = User.objects.get(pk=cast.rep.pk)
    assert (role_of(demoted), demoted.is_staff, demoted.sees_all) == ("rep", False, False)
    entry = AuditEntry.objects.filter(event="settings.changed").first()
    assert entry is not None
    assert (entry.details["fields"], entry.details["role"]) == (["role"], "rep")


def test_rights_cannot_be_slipped_in(cast: Cast, client_for: ClientFor) -> None:
    slipped = details_of(cast.rep, is_superuser="on", is_staff="on", user_permissions=["1"])
    client_for(cast.admin).post(page_of(cast.rep), slipped)
    person = User.objects.get(pk=cast.rep.pk)
    assert (person.is_superuser, person.is_staff) == (False, False)
    assert person.user_permissions.count() == 0


def test_nobody_locks_themselves_out(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.admin)
    posted = details_of(cast.admin, role="rep", is_active=None)
    response = client.post(page_of(cast.admin), posted)
    assert sorted(response.context["adminform"].form.errors) == ["is_active", "role"]
    person = User.objects.get(pk=cast.admin.pk)
    assert (role_of(person), person.is_active) == ("admin", True)


def test_a_manager_may_look_and_not_change(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.manager)
    page = client.get(page_of(cast.rep))
    assert page.status_code == 200
    assert "md5" not in page.content.decode()
    assert "pbkdf2" not in page.content.decode()
    assert client.post(page_of(cast.rep), details_of(cast.rep, role="admin")).status_code == 403
    assert client.get(f"{PEOPLE}{cast.rep.pk}/password/").status_code == 403
    assert role_of(User.objects.get(pk=cast.rep.pk)) == "rep"


def test_a_password_is_set_and_on_record_without_the_word(
    cast: Cast, client_for: ClientFor
) -> None:
    posted = {"usable_password": "true", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    client_for(cast.admin).post(f"{PEOPLE}{cast.rep.pk}/password/", posted)
    assert User.objects.get(pk=cast.rep.pk).check_password(NEW_PASSWORD)
    entry = AuditEntry.objects.get(event="settings.changed")
    assert (entry.actor_id, entry.details["id"]) == (cast.admin.pk, cast.rep.pk)
    assert NEW_PASSWORD not in str(entry.details)


def test_a_superusers_account_is_changed_by_superusers_alone(
    cast: Cast, client_for: ClientFor
) -> None:
    User.objects.filter(pk=cast.manager.pk).update(is_superuser=True)
    client = client_for(cast.admin)
    posted = {"usable_password": "true", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    assert client.post(f"{PEOPLE}{cast.manager.pk}/password/", posted).status_code == 403
    assert client.post(page_of(cast.manager), details_of(cast.manager)).status_code == 403


def test_nobody_is_deleted(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.admin)
    for address in (f"{PEOPLE}{cast.rep.pk}/delete/", f"/admin/users/team/{cast.team.pk}/delete/"):
        assert client.post(address, {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=cast.rep.pk).exists()


def test_signing_out_and_the_password_page_are_the_applications(
    cast: Cast, client_for: ClientFor
) -> None:
    client = client_for(cast.manager)
    password_page = client.get("/admin/password_change/")
    assert password_page.headers["Location"] == "/profile/"
    response = client.post("/admin/logout/")
    assert response.headers["Location"] == "/sign-in/"
    assert AuditEntry.objects.get(event="person.signed_out").actor_id == cast.manager.pk
    assert client.get("/admin/").status_code == 302
