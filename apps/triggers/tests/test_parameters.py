"""What people are told about parameters, and switches among them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import pytest
from django.utils import timezone
from pydantic import Field

from apps.conftest import ApiClient, Cast, TenantClient
from apps.triggers.models import TriggerSetting
from apps.triggers.parameters import DeclaredParameter, declared
from apps.triggers.registry import Parameters
from apps.triggers.rules import registry
from apps.triggers.settings import change_setting, past_changes, read_setting
from apps.triggers.tests.test_registry import EveryLead
from apps.users.models import User

PAGE = "/triggers/every_lead/"


class SomeParameters(Parameters):
    reply_working_days: Annotated[int, Field(ge=1, le=9)] = 2
    window_days: Annotated[
        int, Field(ge=1, le=90, title="Look back", description="Older ones do not count.")
    ] = 30
    percent: Annotated[int, Field(ge=1, le=100)] = 50
    min_count: Annotated[int, Field(ge=2, le=8)] = 3
    use_own_data: Annotated[int, Field(ge=0, le=1, title="Use our own data")] = 1


class Measured(EveryLead):
    """A trigger with a parameter of each sort."""

    parameters_type = SomeParameters


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Measured:
    """The trigger, in the registry."""
    trigger = Measured()
    monkeypatch.setitem(registry._triggers, trigger.key, trigger)
    return trigger


def test_label_and_unit_come_from_the_name_unless_a_title_says_more() -> None:
    assert declared(SomeParameters) == (
        DeclaredParameter("reply_working_days", "Reply", "working days", 1, 9, 2, ""),
        DeclaredParameter(
            "window_days", "Look back", "days", 1, 90, 30, "Older ones do not count."
        ),
        DeclaredParameter("percent", "Percent", "%", 1, 100, 50, ""),
        DeclaredParameter("min_count", "Min count", "", 2, 8, 3, ""),
        DeclaredParameter("use_own_data", "Use our own data", "", 0, 1, 1, ""),
    )


def test_a_value_is_shown_with_its_unit() -> None:
    shown = [parameter.show(parameter.default) for parameter in declared(SomeParameters)]
    assert shown == ["2 working days", "30 days", "50 %", "3", "on"]
    assert declared(SomeParameters)[-1].show(0) == "off"


def test_the_first_sentence_is_the_summary_and_the_rest_notes() -> None:
    trigger = registry.get("lead_inactive")
    assert trigger.summary == (
        "An open lead with no call, mail or meeting for some time and nothing planned."
    )
    assert len(trigger.notes) == 2
    assert "``" not in "".join(note for t in registry.all() for note in t.notes)


@pytest.mark.parametrize("trigger", registry.all(), ids=lambda trigger: trigger.key)
def test_every_trigger_says_in_a_sentence_what_it_means(trigger: Measured) -> None:
    assert trigger.summary.endswith(".")
    assert len(trigger.summary) < 160


@pytest.mark.parametrize("trigger", registry.all(), ids=lambda trigger: trigger.key)
def test_every_parameter_has_a_label_for_people(trigger: Measured) -> None:
    fields = trigger.parameters_type.model_fields
    assert [name for name, field in fields.items() if not field.title] == []
    labels = [parameter.label for parameter in trigger.declared]
    assert sorted(set(labels)) == sorted(labels)


def test_a_switch_is_a_box_to_tick(
    measured: Measured, cast: Cast, client_for: Callable[[User], TenantClient]
) -> None:
    client = client_for(cast.manager)
    assert 'type="checkbox" name="parameter_use_own_data"' in client.get(PAGE).content.decode()
    posted = {
        "revision": 0,
        "is_enabled": "on",
        "parameter_reply_working_days": 2,
        "parameter_window_days": 30,
        "parameter_percent": 50,
        "parameter_min_count": 3,
    }
    assert client.post(PAGE, posted).status_code == 302
    assert TriggerSetting.objects.get().parameters["use_own_data"] == 0
    (change,) = past_changes(measured, limit=9)
    assert [(v.label, v.before, v.after) for v in change.values] == [
        ("Use our own data", "on", "off")
    ]
    page = client_for(cast.rep).get(PAGE).content.decode()
    assert "<dt>Use our own data</dt><dd>Off<" in page


def test_of_two_who_turn_a_switch_the_slower_is_told(
    measured: Measured, cast: Cast, client_for: Callable[[User], TenantClient]
) -> None:
    change_setting(
        user=cast.admin, key="every_lead", now=timezone.now(), parameters={"use_own_data": 0}
    )
    posted = {"revision": 0, "initial-is_enabled": "True", "is_enabled": "on"}
    for name, value in (
        ("reply_working_days", 2),
        ("window_days", 7),
        ("percent", 50),
        ("min_count", 3),
    ):
        shown = 30 if name == "window_days" else value
        posted |= {f"initial-parameter_{name}": str(shown), f"parameter_{name}": str(value)}
    posted |= {"initial-parameter_use_own_data": "True", "parameter_use_own_data": "on"}
    answer = client_for(cast.manager).post(PAGE, posted)
    assert answer.status_code == 409
    meanwhile = answer.context["meanwhile"]
    assert [(c.label, c.theirs, c.mine) for c in meanwhile.changes] == [
        ("Use our own data", "off", "")
    ]
    form = answer.context["form"]
    assert (form["parameter_use_own_data"].value(), form["parameter_window_days"].value()) == (
        False,
        "7",
    )


def test_a_switch_is_a_number_to_programs_and_to_the_admin(
    measured: Measured,
    cast: Cast,
    api_for: Callable[[User], ApiClient],
    client_for: Callable[[User], TenantClient],
) -> None:
    answer = api_for(cast.manager).send(
        "PATCH", "/api/v1/triggers/every_lead/", {"parameters": {"use_own_data": 0}}
    )
    assert (answer.status_code, answer.json()["parameters"]["use_own_data"]) == (200, 0)
    setting = TriggerSetting.objects.get()
    admin = client_for(cast.admin)
    assert b"Use our own data: off" in admin.get("/admin/triggers/triggersetting/").content
    admin.post(
        f"/admin/triggers/triggersetting/{setting.pk}/change/",
        {
            "is_enabled": "on",
            "revision_read": 1,
            "parameter_reply_working_days": 2,
            "parameter_window_days": 30,
            "parameter_percent": 50,
            "parameter_min_count": 3,
            "parameter_use_own_data": "on",
        },
    )
    assert read_setting("every_lead").is_default
