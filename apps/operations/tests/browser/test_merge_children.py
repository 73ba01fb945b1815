"""Two accounts with all that hangs on them are merged in a real browser, looked at, and taken apart again."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from apps.crm.models import Account, Activity, Contact, Contract, Opportunity, Task
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    ContractFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.operations.tests.browser.conftest import Site
from apps.suggestions.tests.merges import merge_suggestion
from apps.users.models import User

pytestmark = pytest.mark.browser

CHILDREN = (Contact, Opportunity, Activity, Task, Contract)
LISTED = (Contact, Opportunity, Contract)
MOVED = "3 activities, 2 contacts, 1 contract, 2 deals, 2 tasks"


def add_children(account: Account, owner: User) -> None:
    """Deals, activities, contacts, tasks and a contract; some hang on one another too."""
    contacts = [ContactFactory(account=account, owner=owner) for _ in range(2)]
    deals = [OpportunityFactory(account=account, owner=owner) for _ in range(2)]
    ActivityFactory(account=account, owner=owner)
    ActivityFactory(account=account, contact=contacts[0], owner=owner)
    ActivityFactory(account=account, opportunity=deals[0], owner=owner)
    TaskFactory(account=account, owner=owner)
    TaskFactory(account=account, opportunity=deals[1], owner=owner)
    ContractFactory(account=account, owner=owner)


def children_of(account: Account) -> dict[str, list[int]]:
    """The ids of what hangs on an account, by kind."""
    return {
        model.kind.value: sorted(
            model._default_manager.filter(account=account).values_list("pk", flat=True)
        )
        for model in CHILDREN
    }


def joined(one: dict[str, list[int]], other: dict[str, list[int]]) -> dict[str, list[int]]:
    return {kind: sorted([*ids, *other[kind]]) for kind, ids in one.items()}


def test_two_accounts_are_merged_looked_at_and_undone_with_every_child_back_in_place(
    rep_page: Page, site: Site
) -> None:
    rep, page = site.cast.rep, rep_page
    kept = AccountFactory(name="Hartung", owner=rep)
    gone = AccountFactory(name="Hartung GmbH", owner=rep)
    for account in (kept, gone):
        add_children(account, rep)
    before = {account.pk: children_of(account) for account in (kept, gone)}
    counted = {kind: len(ids) for kind, ids in before[gone.pk].items()}
    assert counted == {
        "contact": 2, "opportunity": 2, "activity": 3, "task": 2, "contract": 1,
    }  # fmt: skip
    suggestion = merge_suggestion(kept, gone, rep)

    page.goto(f"{site.url}/suggestions/{suggestion.pk}/")
    expect(page.get_by_text(f"{MOVED} move to “Hartung”.")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator("body")).to_contain_text("Approved: Merge two records")
    assert Account.objects.filter(pk__in=before).get() == kept
    assert children_of(kept) == joined(before[kept.pk], before[gone.pk])

    # The other address leads to the one that is left, where everything stands now.
    page.goto(f"{site.url}{gone.get_absolute_url()}")
    page.wait_for_url(f"{site.url}{kept.get_absolute_url()}**")
    expect(page.get_by_role("heading", level=1)).to_have_text("Hartung")
    names = [str(row) for model in LISTED for row in model._default_manager.filter(account=kept)]
    assert len(names) == 10
    for name in names:
        expect(page.get_by_role("main").get_by_text(name, exact=True).first).to_be_visible()

    page.goto(f"{site.url}/suggestions/{suggestion.pk}/")
    expect(page.get_by_text(f"{MOVED} were moved to “Hartung”.")).to_be_visible()
    page.get_by_role("link", name="Undo").click()
    expect(page.get_by_text(f"{MOVED} go back to “Hartung GmbH”.")).to_be_visible()
    page.get_by_role("main").get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone").first).to_be_visible()
    assert {account.pk: children_of(account) for account in (kept, gone)} == before
    page.goto(f"{site.url}{gone.get_absolute_url()}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Hartung GmbH")
    assert page.url == f"{site.url}{gone.get_absolute_url()}"
