"""The navigation beside every page: which entries, which of them is the current one."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.template import Context, Template

from apps.conftest import Cast, TenantClient
from apps.suggestions.tests.factories import SuggestionFactory
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]

ENTRY = re.compile(r'<a class="nav-link" href="([^"]*)" title="([^"]*)"( aria-current="page")?>')


def entries(page: str) -> list[tuple[str, str]]:
    """Address and label of each entry."""
    return [(address, label) for address, label, _ in ENTRY.findall(page)]


def test_each_role_finds_its_pages(cast: Cast, client_for: ClientFor) -> None:
    everyone = [
        ("/", "Today"), ("/discovered/", "Discovered"), ("/suggestions/", "Suggestions"),
        ("/digest/", "Digest"),
        ("/insights/learning/", "Insights"), ("/predictions/forecast/", "Forecast"),
        ("/predictions/", "Predictions"), ("/duplicates/", "Duplicates"), ("/leads/", "Leads"),
        ("/contacts/", "Contacts"), ("/accounts/", "Accounts"), ("/deals/", "Deals"),
        ("/tasks/", "Tasks"), ("/drafts/", "Drafts"), ("/contracts/", "Contracts"),
        ("/products/", "Products"), ("/triggers/", "Triggers"), ("/scans/", "Scans"),
        ("/audit/", "Audit"), ("/api/docs/", "API docs"),
    ]  # fmt: skip
    steering = [
        ("/brain/settings/", "Brain"),
        ("/realtime/debug/", "Realtime"),
        ("/webhooks/", "Webhooks"),
        ("/import/", "Import"),
        ("/admin/", "Admin"),
    ]
    assert entries(client_for(cast.rep).get("/").content.decode()) == everyone
    admin = entries(client_for(cast.admin).get("/").content.decode())
    assert sorted(admin) == sorted(everyone + steering)


def test_an_entry_stands_there_for_whom_its_page_answers(cast: Cast, client_for: ClientFor) -> None:
    cast.rep.groups.clear()
    page = client_for(cast.rep).get("/").content.decode()
    assert entries(page) == [("/", "Today"), ("/audit/", "Audit"), ("/api/docs/", "API docs")]


def test_one_entry_is_the_current_one(cast: Cast, client_for: ClientFor) -> None:
    page = client_for(cast.rep).get("/suggestions/").content.decode()
    assert [label for _, label, mark in ENTRY.findall(page) if mark] == ["Suggestions"]


def test_the_badge_counts_what_waits(cast: Cast, client_for: ClientFor) -> None:
    SuggestionFactory.create_batch(2, assignee=cast.rep)
    page = client_for(cast.rep).get("/leads/").content.decode()
    badge = 'id="nav-badge" >2<span class="visually-hidden"> pending</span></span>'
    assert page.count(badge) == 1


def test_a_managers_badge_counts_what_waits_for_everyone(cast: Cast, client_for: ClientFor) -> None:
    SuggestionFactory.create_batch(2, assignee=cast.rep)
    SuggestionFactory(assignee=cast.outsider)
    page = client_for(cast.manager).get("/leads/").content.decode()
    badge = 'id="nav-badge" >3<span class="visually-hidden"> pending</span></span>'
    assert page.count(badge) == 1


def test_an_entry_without_a_page_is_left_out_and_text_is_escaped() -> None:
    drawn = Template(
        "{% load aisha_ui %}{% nav_link 'a' 'nowhere:page' 'A' 'x' %}{% nav_link 'b' '/b/' label 'x' %}"
    ).render(Context({"label": "<b>"}))
    assert entries(drawn) == [("/b/", "&lt;b&gt;")]
    assert "<b>" not in drawn
