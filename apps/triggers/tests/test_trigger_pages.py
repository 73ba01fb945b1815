"""The pages of the triggers: the list, one trigger, and its form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from apps.audit.models import AuditEntry
from apps.conftest import Cast, TenantClient
from apps.crm.enums import RecordKind
from apps.crm.tests.factories import LeadFactory
from apps.tenants.models import Tenant
from apps.triggers.enums import Severity
from apps.triggers.models import Scan, Signal, TriggerSetting, TriggerState
from apps.triggers.rules import registry
from apps.triggers.settings import change_setting, read_setting
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]

LIST = "/triggers/"
PAGE = "/triggers/lead_inactive/"
DEFAULTS = f"{PAGE}defaults/"
NOW = timezone.now()


def firing() -> Signal:
    return Signal.objects.create(
        trigger="lead_inactive",
        goal=registry.get("lead_inactive").goal,
        record_kind=RecordKind.LEAD,
        record_id=LeadFactory().pk,
        severity=Severity.NORMAL,
    )


def typed(client: TenantClient, **changes: Any) -> dict[str, Any]:
    """The form as a browser would send it: as it was opened, with these values typed over."""
    form = client.get(PAGE).context["form"]
    sent = {"revision": form["revision"].value()}
    for name in form.fields:
        if name != "revision":
            value = form[name].value()
            sent[form[name].html_initial_name] = str(value)
            sent[name] = "on" if value is True else value
    sent |= changes
    return {name: value for name, value in sent.items() if value is not False}


def test_the_list_has_every_trigger_under_its_kind_of_record(
    cast: Cast, client_for: ClientFor
) -> None:
    firing()
    TriggerState.objects.create(
        trigger="lead_inactive", cursor=1, looked_at=NOW, epoch="", looked_fully_at=NOW
    )
    change_setting(user=cast.manager, key="task_overdue", now=NOW, is_enabled=False)
    answer = client_for(cast.rep).get(LIST)
    shown = {
        row.setting.trigger.key: (kind, row.setting.choice.is_enabled, row.firing, row.looked_at)
        for kind, rows in answer.context["groups"]
        for row in rows
    }
    assert set(shown) == {trigger.key for trigger in registry.all()}
    assert shown["lead_inactive"] == ("Leads", True, 1, NOW)
    assert shown["task_overdue"] == ("Tasks", False, 0, None)
    assert "An open lead with no call, mail or meeting for some time" in answer.content.decode()


def test_the_list_costs_the_same_with_one_signal_and_setting_and_with_three(
    cast: Cast, client_for: ClientFor
) -> None:
    client, counts = client_for(cast.rep), []
    keys = ["lead_inactive", "task_overdue", "deal_stalled"]
    for total in (1, 3):
        for key in keys[:total]:
            firing().save()
            change_setting(
                user=cast.manager,
                key=key,
                now=NOW,
                is_enabled=not read_setting(key).choice.is_enabled,
            )
        with CaptureQueriesContext(connection) as queries:
            client.get(LIST)
        counts.append(len(queries))
    assert counts == [10, 10]


def test_a_page_costs_the_same_with_one_change_and_with_three(
    cast: Cast, client_for: ClientFor
) -> None:
    client, counts = client_for(cast.manager), []
    for days in (3, 4, 5):
        change_setting(
            user=cast.manager, key="lead_inactive", now=NOW, parameters={"silent_days": days}
        )
        firing()
        with CaptureQueriesContext(connection) as queries:
            shown = client.get(PAGE)
        counts.append((len(shown.context["past_changes"]), len(queries)))
    assert counts == [(1, 13), (2, 13), (3, 13)]


def test_the_fine_points_name_triggers_and_parameters_as_people_know_them(
    cast: Cast, client_for: ClientFor
) -> None:
    client = client_for(cast.rep)
    for trigger in registry.all():
        text = " ".join(client.get(f"/triggers/{trigger.key}/").context["notes"])
        names = {*trigger.parameters_type.model_fields, *(t.key for t in registry.all())}
        assert [name for name in names if "_" in name and name in text] == []
    talks = client.get("/triggers/followup_missing/").context["notes"]
    assert "(“Promise not kept”)" in talks[0]


def test_an_unknown_trigger_has_no_page(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.manager)
    for address in ("/triggers/lead_inactve/", "/triggers/%00/", "/triggers/Lead Inactive/"):
        assert client.get(address).status_code == 404
    assert client.post("/triggers/lead_inactve/", {"revision": 0}).status_code == 404
    assert client.post("/triggers/lead_inactve/defaults/").status_code == 404


def test_a_manager_sets_a_trigger_and_a_scan_of_it_follows(
    cast: Cast,
    client_for: ClientFor,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    client = client_for(cast.manager)
    with django_capture_on_commit_callbacks() as queued:
        answer = client.post(
            PAGE, typed(client, is_enabled=False, parameter_silent_days="7"), follow=True
        )
    assert answer.redirect_chain == [(PAGE, 302)]
    assert "“Lead gone quiet” saved. A scan with it is queued." in answer.content.decode()
    row = TriggerSetting.objects.get()
    assert (row.is_enabled, row.parameters, row.changed_by) == (
        False,
        {"silent_days": 7, "past_reviving_days": 120},
        cast.manager,
    )
    assert [scan.triggers for scan in Scan.objects.all()] == [["lead_inactive"]]
    # The line of the log that tells of the change, and the scan.
    assert len(queued) == 2
    (change,) = answer.context["past_changes"]
    assert [(v.label, v.before, v.after) for v in change.values] == [
        ("State", "on", "off"),
        ("Silent for", "14 days", "7 days"),
    ]


def test_saving_what_stands_there_says_that_nothing_changed(
    cast: Cast, client_for: ClientFor
) -> None:
    client = client_for(cast.manager)
    answer = client.post(PAGE, typed(client), follow=True)
    assert "Nothing was changed" in answer.content.decode()
    assert AuditEntry.objects.filter(event="settings.changed").count() == 0
    assert Scan.objects.count() == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0", "A whole number from 1 to 365."),
        ("366", "A whole number from 1 to 365."),
        ("two weeks", "Enter a whole number."),
        ("3.5", "Enter a whole number."),
        ("", "This field is required."),
    ],
)
def test_a_value_that_does_not_fit_is_refused_at_its_box_and_kept(
    cast: Cast, client_for: ClientFor, text: str, says: str
) -> None:
    client = client_for(cast.manager)
    answer = client.post(PAGE, typed(client, parameter_silent_days=text))
    assert answer.status_code == 422
    form = answer.context["form"]
    assert form.errors == {"parameter_silent_days": [says]}
    assert form["parameter_silent_days"].value() == text
    assert TriggerSetting.objects.count() == 0


def test_each_value_is_judged_though_another_is_no_number(
    cast: Cast, client_for: ClientFor
) -> None:
    client = client_for(cast.manager)
    answer = client.post(
        PAGE, typed(client, parameter_silent_days="900", parameter_past_reviving_days="soon")
    )
    assert answer.context["form"].errors == {
        "parameter_silent_days": ["A whole number from 1 to 365."],
        "parameter_past_reviving_days": ["Enter a whole number."],
    }


def test_values_that_do_not_fit_together_are_refused_in_the_words_of_the_page(
    cast: Cast, client_for: ClientFor
) -> None:
    client = client_for(cast.manager)
    answer = client.post(PAGE, typed(client, parameter_silent_days="120"))
    assert answer.status_code == 422
    assert answer.context["form"].non_field_errors() == [
        "“Past reviving after” must be greater than “Silent for”."
    ]


def test_who_was_slower_keeps_what_they_typed_and_sees_what_changed(
    cast: Cast, client_for: ClientFor
) -> None:
    client = client_for(cast.manager)
    mine = typed(client, parameter_silent_days="7")
    change_setting(
        user=cast.admin,
        key="lead_inactive",
        now=NOW,
        is_enabled=False,
        parameters={"silent_days": 21, "past_reviving_days": 90},
    )
    answer = client.post(PAGE, mine)
    assert answer.status_code == 409
    meanwhile = answer.context["meanwhile"]
    assert [(row.label, row.theirs, row.mine) for row in meanwhile.changes] == [
        ("This trigger is on", "off", ""),
        ("Silent for", "21 days", "7 days"),
        ("Past reviving after", "90 days", ""),
    ]
    form = answer.context["form"]
    # What was typed stays, what was left alone takes the new value.
    assert [form[name].value() for name in form.fields] == [False, "1", "7", "90"]
    assert read_setting("lead_inactive").choice.parameters["silent_days"] == 21
    again = client.post(
        PAGE,
        {
            "revision": "1",
            "initial-is_enabled": "False",
            "initial-parameter_silent_days": "21",
            "parameter_silent_days": "7",
            "initial-parameter_past_reviving_days": "90",
            "parameter_past_reviving_days": "90",
        },
    )
    assert again.status_code == 302
    choice = read_setting("lead_inactive").choice
    assert (choice.is_enabled, choice.parameters) == (
        False,
        {"silent_days": 7, "past_reviving_days": 90},
    )


def test_back_to_the_defaults(cast: Cast, client_for: ClientFor) -> None:
    change_setting(
        user=cast.admin,
        key="lead_inactive",
        now=NOW,
        is_enabled=False,
        parameters={"silent_days": 21},
    )
    client = client_for(cast.manager)
    assert 'form="defaults-form">Back to defaults' in client.get(PAGE).content.decode()
    answer = client.post(DEFAULTS, follow=True)
    assert answer.redirect_chain == [(PAGE, 302)]
    setting = read_setting("lead_inactive")
    assert (setting.is_default, setting.choice.is_enabled) == (True, False)
    assert 'form="defaults-form">Back to defaults' not in answer.content.decode()
    entry = AuditEntry.objects.filter(event="settings.changed").first()
    assert entry is not None
    assert entry.details["after"]["parameters"] == {"silent_days": 14, "past_reviving_days": 120}


def test_a_rep_looks_and_does_not_change(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.rep)
    page = client.get(PAGE)
    assert page.status_code == 200
    assert "parameter_silent_days" not in page.content.decode()
    assert client.post(PAGE, {"revision": 0, "parameter_silent_days": 3}).status_code == 403
    assert client.post(DEFAULTS).status_code == 403
    assert (
        TriggerSetting.objects.count(),
        AuditEntry.objects.filter(event="settings.changed").count(),
    ) == (0, 0)


def test_who_has_no_role_does_not_look(cast: Cast, client_for: ClientFor) -> None:
    cast.rep.groups.clear()
    client = client_for(cast.rep)
    assert [client.get(path).status_code for path in (LIST, PAGE)] == [403, 403]


def test_changes_need_a_post_with_its_token(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.manager)
    assert client.get(DEFAULTS).status_code == 405
    assert [client.put(path).status_code for path in (LIST, PAGE, DEFAULTS)] == [405, 405, 405]
    strict = TenantClient("acme.localhost", enforce_csrf_checks=True)
    strict.force_login(cast.manager)
    assert [strict.post(path, {"revision": 0}).status_code for path in (PAGE, DEFAULTS)] == [
        403,
        403,
    ]
    assert TriggerSetting.objects.count() == 0


def test_each_tenant_sets_its_own(
    cast: Cast, globex: Tenant, globex_cast: Cast, client_for: ClientFor
) -> None:
    with globex:
        change_setting(
            user=globex_cast.manager,
            key="lead_inactive",
            now=NOW,
            is_enabled=False,
            parameters={"silent_days": 99, "past_reviving_days": 400},
        )
    page = client_for(cast.manager).get(PAGE)
    assert (
        page.context["form"]["parameter_silent_days"].value(),
        page.context["past_changes"],
    ) == (
        14,
        [],
    )
