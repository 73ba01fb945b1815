"""A record that the reader may not see is named nowhere in what a suggestion would change or has changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.utils import timezone

from apps.conftest import ApiClient, Cast, TenantClient
from apps.crm.models import Account
from apps.crm.tests.factories import AccountFactory, LeadFactory
from apps.execution.diff import HIDDEN
from apps.suggestions.models import Suggestion
from apps.suggestions.presentation import diff_of
from apps.suggestions.services import approve
from apps.suggestions.tests.factories import SuggestionFactory
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
ApiFor = Callable[[User], ApiClient]

SECRET = "Umbrella Holding"


@dataclass(frozen=True)
class Accounts:
    """The rep's own account, one of theirs that may be its parent, and one of the other team."""

    own: Account
    open: Account
    secret: Account


@pytest.fixture
def accounts(cast: Cast) -> Accounts:
    secret = AccountFactory(name=SECRET, owner=cast.outsider)
    return Accounts(
        own=AccountFactory(name="Isdom", owner=cast.rep, parent=secret),
        open=AccountFactory(name="Isdom Group", owner=cast.rep),
        secret=secret,
    )


def moves_parent(cast: Cast, accounts: Accounts, **fields: object) -> Suggestion:
    """A suggestion that the account belongs to another one, where the secret one stands now."""
    key = f"account:{accounts.own.pk}"
    suggestion: Suggestion = SuggestionFactory(
        **{
            "lead": LeadFactory(owner=cast.rep),
            "assignee": cast.rep,
            "tool": "update_account",
            "record_kind": "account",
            "record_id": accounts.own.pk,
            "record_label": "Isdom",
            "arguments": {"account_id": accounts.own.pk, "parent_id": accounts.open.pk},
            "before_values": {key: {"parent_id": accounts.secret.pk}},
            "guard_values": {
                key: {"name": "Isdom", "owner_id": cast.rep.pk, "currency": accounts.own.currency}
            },
            **fields,
        }
    )
    return suggestion


def test_what_stood_there_before(
    cast: Cast, accounts: Accounts, client_for: ClientFor, api_for: ApiFor
) -> None:
    suggestion = moves_parent(cast, accounts)
    page, read = f"/suggestions/{suggestion.pk}/", f"/api/v1/suggestions/{suggestion.pk}/"
    html = client_for(cast.rep).get(page).content.decode()
    assert (f"<del><bdi>{HIDDEN}</bdi></del>" in html, SECRET in html) == (True, False)
    assert "<ins><bdi>Isdom Group</bdi></ins>" in html
    told = api_for(cast.rep).get(read).json()
    (row,) = told["diff"]["fields"]
    assert (row["before_text"], row["after_text"]) == (HIDDEN, "Isdom Group")
    assert SECRET not in api_for(cast.rep).get(read).content.decode()
    assert diff_of(suggestion, cast.rep).as_text() == (f"Isdom\n  Parent: {HIDDEN} → Isdom Group")
    # Who may see it reads its name.
    assert f"<del><bdi>{SECRET}</bdi></del>" in client_for(cast.manager).get(page).content.decode()
    assert api_for(cast.manager).get(read).json()["diff"]["fields"][0]["before_text"] == SECRET
    assert diff_of(suggestion, cast.manager).rows[0].before_text == SECRET


def test_what_was_proposed_and_left_out(
    cast: Cast, accounts: Accounts, client_for: ClientFor, api_for: ApiFor
) -> None:
    key = f"account:{accounts.own.pk}"
    Account.objects.filter(pk=accounts.own.pk).update(parent=None)
    suggestion = moves_parent(
        cast,
        accounts,
        arguments={"account_id": accounts.own.pk, "sector": "Retail"},
        proposed_arguments={
            "account_id": accounts.own.pk, "sector": "Retail", "parent_id": accounts.secret.pk,
        },
        edited_by=cast.manager,
        edited_at=timezone.now(),
        before_values={key: {"sector": accounts.own.sector}},
    )  # fmt: skip
    html = client_for(cast.rep).get(f"/suggestions/{suggestion.pk}/").content.decode()
    assert (f"<del><bdi>{HIDDEN}</bdi></del>" in html, SECRET in html) == (True, False)
    told = api_for(cast.rep).get(f"/api/v1/suggestions/{suggestion.pk}/").json()
    assert [row["after_text"] for row in told["diff"]["left_out"]] == [HIDDEN]
    assert f"  Left out: Parent ({HIDDEN})" in diff_of(suggestion, cast.rep).as_text()
    assert f"  Left out: Parent ({SECRET})" in diff_of(suggestion, cast.manager).as_text()


def test_what_has_changed_since(
    cast: Cast, accounts: Accounts, client_for: ClientFor, api_for: ApiFor
) -> None:
    key = f"account:{accounts.own.pk}"
    suggestion = moves_parent(cast, accounts, before_values={key: {"parent_id": None}})
    for person, name in ((cast.rep, HIDDEN), (cast.manager, SECRET)):
        answer = client_for(person).get(f"/suggestions/{suggestion.pk}/")
        html = answer.content.decode()
        assert f"<strong><bdi>{name}</bdi></strong>" in html
        assert (SECRET in html) == (name == SECRET)
        told = api_for(person).get(f"/api/v1/suggestions/{suggestion.pk}/").json()
        assert [(row["label"], row["seen"], row["now"]) for row in told["changes_since"]] == [
            ("Parent", "—", name)
        ]


def test_on_the_pages_for_many(cast: Cast, accounts: Accounts, client_for: ClientFor) -> None:
    suggestion = moves_parent(cast, accounts)
    for person, name in ((cast.rep, HIDDEN), (cast.manager, SECRET)):
        Suggestion.objects.update(assignee=person)
        answer = client_for(person).get("/suggestions/bulk/?tool=update_account")
        (line,) = answer.context["choice"].lines
        assert line.change == f"Parent: {name} → Isdom Group"
        assert (SECRET in answer.content.decode()) == (name == SECRET)
    assert suggestion.tool == "update_account"


def test_in_the_admin(cast: Cast, accounts: Accounts, client_for: ClientFor) -> None:
    suggestion = moves_parent(cast, accounts)
    address = f"/admin/suggestions/suggestion/{suggestion.pk}/change/"
    for person, name in ((cast.rep, HIDDEN), (cast.manager, SECRET)):
        person.is_staff = True
        person.save()
        html = client_for(person).get(address).content.decode()
        assert f"<del><bdi>{name}</bdi></del>" in html
        assert (SECRET in html) == (name == SECRET)


def test_on_the_page_of_an_undo_and_in_the_story(
    cast: Cast, accounts: Accounts, client_for: ClientFor, api_for: ApiFor
) -> None:
    suggestion = moves_parent(cast, accounts)
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=timezone.now())
    for person, name in ((cast.rep, HIDDEN), (cast.manager, SECRET)):
        client = client_for(person)
        (row,) = client.get(f"/suggestions/{suggestion.pk}/undo/").context["undo"].plan.returning
        assert (row.now_text, row.back_text) == ("Isdom Group", name)
        for move in ("undo", "story"):
            html = client.get(f"/suggestions/{suggestion.pk}/{move}/").content.decode()
            assert (SECRET in html, HIDDEN in html) == (name == SECRET, name == HIDDEN)
        story = api_for(person).get(f"/api/v1/suggestions/{suggestion.pk}/story/").json()
        assert [item["changes"] for item in story if item["changes"]] == [
            [{"label": "Parent", "before": name, "after": "Isdom Group"}]
        ]


def test_what_somebody_has_written_there_since(
    cast: Cast, accounts: Accounts, client_for: ClientFor
) -> None:
    Account.objects.filter(pk=accounts.own.pk).update(parent=None)
    key = f"account:{accounts.own.pk}"
    suggestion = moves_parent(cast, accounts, before_values={key: {"parent_id": None}})
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=timezone.now())
    Account.objects.filter(pk=accounts.own.pk).update(parent=accounts.secret)
    answer = client_for(cast.rep).get(f"/suggestions/{suggestion.pk}/undo/")
    (row,) = answer.context["undo"].plan.staying
    assert (row.now_text, SECRET in answer.content.decode()) == (HIDDEN, False)
