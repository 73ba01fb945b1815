"""The page of the Brain's settings: who may see and change it, what it refuses, and that no key leaves it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditEntry
from apps.brain import providers
from apps.brain.config import read_config
from apps.brain.enums import FallBack, Provider
from apps.brain.models import BrainSettings
from apps.brain.settings import change_settings
from apps.brain.tests.factories import NOW
from apps.conftest import Cast, TenantClient
from apps.tenants.meanwhile import MeanwhileChange
from apps.tenants.models import Tenant
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]

PAGE = "/brain/settings/"
KEY = "sk-tenants-own-key-9876"


def typed(client: TenantClient, **changes: Any) -> dict[str, Any]:
    """The form as a browser would send it: as it was opened, with these values typed over."""
    form = client.get(PAGE).context["form"]
    sent: dict[str, Any] = {}
    for name, field in form.fields.items():
        value = form[name].value()
        if field.show_hidden_initial:
            sent[form[name].html_initial_name] = str(value)
        sent[name] = "on" if value is True else value
    sent |= changes
    return {name: value for name, value in sent.items() if value is not False and value is not None}


def test_who_sees_and_who_changes_it(cast: Cast, client_for: ClientFor) -> None:
    sent = typed(client_for(cast.admin), tone="formal")
    statuses = {}
    for role in ("rep", "manager", "admin"):
        client = client_for(getattr(cast, role))
        statuses[role] = (client.get(PAGE).status_code, client.post(PAGE, sent).status_code)
    assert statuses == {"rep": (403, 403), "manager": (200, 403), "admin": (200, 302)}
    assert BrainSettings.objects.get().tone == "formal"


def test_a_manager_reads_what_is_in_force_and_has_no_form(
    cast: Cast, client_for: ClientFor
) -> None:
    change_settings(user=cast.admin, values={"soft_limit_tokens": 1_500_000}, new_key=KEY)
    page = client_for(cast.manager).get(PAGE).content.decode()
    assert "1,500,000 tokens" in page
    assert "it ends in <code>…9876</code>" in page
    assert ('name="tone"' in page, 'name="new_key"' in page) == (False, False)


def test_numbers_are_read_as_people_write_them(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.admin)
    sent = typed(
        client,
        provider="openai",
        hard_limit_usd="1,250.50",
        hard_limit_tokens="60,000,000",
        input_usd="0,125",
        cached_usd="$ 0.0125",
        output_usd="1.6",
        captures_text="on",
    )
    answer = client.post(PAGE, sent, follow=True)
    assert answer.redirect_chain == [(PAGE, 302)]
    assert "Settings saved. The next question goes by them." in answer.content.decode()
    row = BrainSettings.objects.get()
    assert (row.hard_limit_usd, row.hard_limit_tokens) == (Decimal("1250.50"), 60_000_000)
    assert (row.input_usd, row.cached_usd, row.output_usd, row.captures_text) == (
        Decimal("0.125"), Decimal("0.0125"), Decimal("1.6"), True,
    )  # fmt: skip
    entry = AuditEntry.objects.get(event="settings.changed")
    assert sorted(entry.details["after"]) == [
        "cached_usd", "captures_text", "hard_limit_tokens", "hard_limit_usd", "input_usd", "output_usd",
        "provider",
    ]  # fmt: skip
    again = client.post(PAGE, typed(client), follow=True)
    assert "Nothing was changed: it was set like this already." in again.content.decode()


def test_what_is_refused_stands_at_its_box_and_what_was_typed_stays(
    cast: Cast, client_for: ClientFor
) -> None:
    client = client_for(cast.admin)
    sent = typed(
        client,
        concurrency="65",
        soft_limit_usd="60",
        base_url="https://10.0.0.1/v1",
        read_timeout_s="a while",
        new_key=KEY,
    )
    answer = client.post(PAGE, sent)
    assert (answer.status_code, sorted(answer.context["form"].errors)) == (422, ["read_timeout_s"])
    answer = client.post(PAGE, typed(client, hard_limit_usd="70.005", capture_days="2.5"))
    assert dict(answer.context["form"].errors) == {
        "hard_limit_usd": ["Ensure that there are no more than 2 decimal places."],
        "capture_days": ["Enter a whole number."],
    }
    answer = client.post(PAGE, sent | {"read_timeout_s": "30"})
    form = answer.context["form"]
    assert answer.status_code == 422
    assert sorted(form.errors) == ["base_url", "concurrency"]
    assert form["base_url"].value() == "https://10.0.0.1/v1"
    assert KEY not in answer.content.decode()
    answer = client.post(PAGE, sent | {"read_timeout_s": "30", "concurrency": "8", "base_url": ""})
    assert dict(answer.context["form"].errors) == {
        "soft_limit_usd": ["The soft limit lies below the hard one, or at it."]
    }
    assert not BrainSettings.objects.exists()


def test_a_change_from_another_window_is_shown_beside_what_was_typed(
    cast: Cast, client_for: ClientFor
) -> None:
    client = client_for(cast.admin)
    sent = typed(client, tone="formal", hard_limit_usd="70", new_key=KEY)
    change_settings(
        user=cast.admin,
        values={
            "tone": "friendly",
            "language": "German",
            "soft_limit_tokens": 5,
            "captures_text": True,
        },
    )
    answer = client.post(PAGE, sent)
    assert answer.status_code == 409
    assert answer.context["meanwhile"].changes == (
        MeanwhileChange("Tone", "Friendly", "Formal"),
        MeanwhileChange("Language", "German", ""),
        MeanwhileChange("Soft limit, tokens", "5", ""),
        MeanwhileChange("Keep prompts and answers", "on", ""),
    )
    form = answer.context["form"]
    page = answer.content.decode()
    assert KEY not in page
    assert f"{cast.admin} changed these settings" in page
    resent = {
        **{name: form[name].value() for name in form.fields},
        **{
            form[name].html_initial_name: form.data[form[name].html_initial_name]
            for name in form.fields
            if form.fields[name].show_hidden_initial
        },
    }
    resent = {
        name: value for name, value in resent.items() if value is not False and value is not None
    }
    assert client.post(PAGE, resent).status_code == 302
    row = BrainSettings.objects.get()
    assert (row.tone, row.language, row.hard_limit_usd, row.soft_limit_tokens) == (
        "formal", "German", Decimal(70), 5,
    )  # fmt: skip
    assert (row.captures_text, row.sealed_key) == (True, "")


def test_a_key_is_set_and_removed_and_shown_nowhere(
    cast: Cast, client_for: ClientFor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = client_for(cast.admin)
    seen = []
    answer = client.post(PAGE, typed(client, new_key=KEY), follow=True)
    assert read_config().api_key == KEY
    seen.append(answer)
    seen += [client.get(path) for path in (PAGE, "/audit/", "/brain/calls/", "/api/v1/audit/")]
    assert "it ends in <code>…9876</code>" in seen[0].content.decode()
    seen.append(client.post(PAGE, typed(client, removes_key="on"), follow=True))
    assert read_config().api_key == ""
    assert [KEY in answer.content.decode() for answer in seen] == [False] * 6
    sealed = [entry.details for entry in AuditEntry.objects.all()]
    assert (KEY in str(sealed), KEY in caplog.text) == (False, False)


def test_the_page_says_why_the_rules_write(
    cast: Cast, client_for: ClientFor, settings: LazySettings
) -> None:
    client = client_for(cast.manager)
    assert "The built-in rules are writing" not in client.get(PAGE).content.decode()
    change_settings(user=cast.admin, values={"provider": Provider.OPENAI})
    page = client.get(PAGE).content.decode()
    assert "The built-in rules are writing: no key is set for the language model." in page
    change_settings(user=cast.admin, values={"model": "own-model"}, new_key=KEY)
    page = client.get(PAGE).content.decode()
    assert "The built-in rules are writing: the price of the language model is not known" in page
    assert "The price of own-model is not in the list" in page
    change_settings(user=cast.admin, values={"model": "gpt-4.1"})
    assert "The built-in rules are writing" not in client.get(PAGE).content.decode()
    providers.note_fall_back(FallBack.BUDGET_SPENT, NOW)
    page = client.get(PAGE).content.decode()
    assert "The built-in rules are writing: this month&#x27;s budget is spent, since" in page


def test_a_stored_key_that_no_sealing_key_opens_is_told(
    cast: Cast, client_for: ClientFor, settings: LazySettings
) -> None:
    change_settings(user=cast.admin, values={}, new_key=KEY)
    settings.SECRET_SEALING_KEYS = ["another"]
    page = client_for(cast.admin).get(PAGE).content.decode()
    assert "The stored key can no longer be read: enter it again." in page


def test_a_page_costs_the_same_with_one_change_and_with_three(
    cast: Cast, client_for: ClientFor
) -> None:
    client, counts = client_for(cast.admin), []
    for limit in (1, 2, 3):
        change_settings(user=cast.admin, values={"soft_limit_tokens": limit})
        with CaptureQueriesContext(connection) as queries:
            shown = client.get(PAGE)
        counts.append((len(shown.context["past_changes"]), len(queries)))
    assert counts == [(1, 9), (2, 9), (3, 9)]


def test_another_tenants_settings_stay_out_of_sight(
    cast: Cast, globex: Tenant, client_for: ClientFor
) -> None:
    with globex:
        BrainSettings.objects.create(pk=1, model="globex-model", key_ends_in="GLBX", sealed_key="x")
    page = client_for(cast.admin).get(PAGE).content.decode()
    assert ("globex-model" in page, "GLBX" in page) == (False, False)


def test_a_forged_form_changes_nothing(cast: Cast) -> None:
    client = TenantClient("acme.localhost", enforce_csrf_checks=True)
    client.force_login(cast.admin)
    answer = client.post(PAGE, {"tone": "formal"})
    assert (answer.status_code, BrainSettings.objects.exists()) == (403, False)
