"""What the registry of triggers accepts and refuses, and the bounds of parameters."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import pytest
from django.db.models import QuerySet
from pydantic import Field

from apps.brain.enums import Goal
from apps.crm.enums import RecordKind
from apps.crm.models import Lead
from apps.execution.tools import registry as tools
from apps.tenants.models import Tenant
from apps.triggers.edges import Edge
from apps.triggers.enums import Discovery, Severity
from apps.triggers.exceptions import InvalidParametersError, UnknownTriggerError
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger, TriggerRegistry
from apps.triggers.rules import registry
from apps.triggers.tests.asking import BERLIN, NOW
from apps.triggers.watches import Own


class NoParameters(Parameters):
    pass


class EveryLead(Trigger[Any]):
    """A trigger that holds for every lead."""

    key = "every_lead"
    label = "Every lead"
    record_kind = RecordKind.LEAD
    goal = Goal.REVIVE_LEAD
    discovers = None
    tools: ClassVar[tuple[str, ...]] = ("create_followup",)
    severity = Severity.LOW
    watches = (Own(),)
    parameters_type: type[Parameters] = NoParameters

    def matching(self, moment: ScanMoment, parameters: Parameters) -> QuerySet[Any]:
        return Lead.objects.all()

    def edges(self, moment: ScanMoment, parameters: Parameters) -> tuple[Edge, ...]:
        return ()


def test_a_sound_trigger_is_accepted_and_found() -> None:
    local = TriggerRegistry()
    trigger = EveryLead()
    local.register(trigger)
    assert (local.get("every_lead"), local.all()) == (trigger, [trigger])
    assert local.label("every_lead") == "Every lead"
    assert local.label("gone") == "gone"


def test_a_second_one_of_the_same_name_is_refused() -> None:
    local = TriggerRegistry()
    local.register(EveryLead())
    with pytest.raises(ValueError, match="Two triggers are named 'every_lead'"):
        local.register(EveryLead())


def test_without_a_tool_it_is_refused() -> None:
    class Toolless(EveryLead):
        tools = ()

    with pytest.raises(ValueError, match="no tool serves its goal"):
        TriggerRegistry().register(Toolless())


def test_one_that_does_not_say_what_it_discovers_is_refused() -> None:
    class Silent(Trigger[Any]):
        key = "silent"
        record_kind = RecordKind.LEAD
        tools: ClassVar[tuple[str, ...]] = ("create_followup",)
        parameters_type: type[Parameters] = NoParameters
        matching = EveryLead.matching
        edges = EveryLead.edges

    with pytest.raises(ValueError, match="it does not say which kind of discovery it makes"):
        TriggerRegistry().register(Silent())


def test_a_tool_that_does_not_exist_is_refused() -> None:
    class Lost(EveryLead):
        tools = ("create_followups",)

    with pytest.raises(ValueError, match="there is no tool 'create_followups'"):
        TriggerRegistry().register(Lost())


def test_a_tool_for_another_kind_of_record_is_refused() -> None:
    class Misled(EveryLead):
        tools = ("update_contact",)

    with pytest.raises(ValueError, match="update_contact is not for a lead"):
        TriggerRegistry().register(Misled())


@pytest.mark.parametrize(
    "annotation",
    [int, Annotated[int, Field(ge=1)], Annotated[int, Field(le=9)]],
    ids=["no bound", "no upper bound", "no lower bound"],
)
def test_a_parameter_without_both_bounds_is_refused(annotation: Any) -> None:
    class Unbounded(Parameters):
        days: annotation = 3

    class Loose(EveryLead):
        parameters_type = Unbounded

    with pytest.raises(ValueError, match="days needs a default and both bounds"):
        TriggerRegistry().register(Loose())


def test_a_parameter_without_a_default_is_refused() -> None:
    class Demanding(Parameters):
        days: Annotated[int, Field(ge=1, le=9)]

    class Needy(EveryLead):
        parameters_type = Demanding

    with pytest.raises(ValueError, match="days needs a default and both bounds"):
        TriggerRegistry().register(Needy())


@pytest.mark.parametrize("default", [0, 10])
def test_a_default_beyond_a_bound_is_refused(default: int) -> None:
    class Beside(Parameters):
        days: Annotated[int, Field(ge=1, le=9)] = default

    class Off(EveryLead):
        parameters_type = Beside

    with pytest.raises(ValueError, match="the default of days is not within 1 to 9"):
        TriggerRegistry().register(Off())


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(UnknownTriggerError) as caught:
        registry.get("lead_inactve")
    assert (caught.value.code, caught.value.status) == ("unknown_trigger", 404)


def test_the_triggers_of_the_product() -> None:
    assert [trigger.key for trigger in registry.all()] == [
        "account_at_risk",
        "account_duplicate",
        "account_engagement_shift",
        "account_silent",
        "contact_detail_conflict",
        "contact_duplicate",
        "contact_unresponsive",
        "deal_close_date_past",
        "deal_close_date_pushed",
        "deal_decaying",
        "deal_hot",
        "deal_regressed",
        "deal_single_threaded",
        "deal_stalled",
        "email_unanswered",
        "engagement_shift",
        "followup_missing",
        "inbound_from_unknown_sender",
        "lead_duplicate",
        "lead_hot",
        "lead_inactive",
        "lead_new",
        "lead_score_drop",
        "new_activity",
        "promise_due",
        "renewal_approaching",
        "task_overdue",
        "tasks_piling_up",
    ]


def test_a_hot_lead_is_a_lead_and_no_deal() -> None:
    assert registry.discovering(Discovery.HOT_LEAD) == ["lead_hot"]
    assert registry.discovery_of("deal_hot") is None


def test_changed_behaviour_is_what_the_weeks_of_contact_show_and_no_fallen_score() -> None:
    assert registry.discovering(Discovery.BEHAVIOUR_CHANGE) == [
        "account_engagement_shift",
        "engagement_shift",
    ]
    assert registry.discovery_of("lead_score_drop") is None


def bounds() -> list[tuple[str, str, int, int]]:
    """Every parameter of every trigger with its bounds."""
    found = []
    for trigger in registry.all():
        for name, field in trigger.parameters_type.model_fields.items():
            parts = {type(part).__name__: part for part in field.metadata}
            found.append((trigger.key, name, parts["Ge"].ge, parts["Le"].le))
    return found


# What goes with an extreme value of one parameter, so that the two still fit.
FITTING = {
    ("account_at_risk", "reply_working_days"): {"recent_days": 90},
    ("account_at_risk", "recent_days"): {"reply_working_days": 1},
    ("contact_unresponsive", "wait_days"): {"window_days": 365},
    ("contact_unresponsive", "window_days"): {"wait_days": 0},
    ("email_unanswered", "reply_working_days"): {"window_days": 365},
    ("email_unanswered", "window_days"): {"reply_working_days": 0},
    ("lead_inactive", "silent_days"): {"past_reviving_days": 1095},
    ("lead_inactive", "past_reviving_days"): {"silent_days": 1},
    ("followup_missing", "grace_working_days"): {"window_days": 365},
    ("followup_missing", "window_days"): {"grace_working_days": 0},
}


@pytest.mark.parametrize(("key", "name", "lowest", "highest"), bounds())
def test_bounds_hold(key: str, name: str, lowest: int, highest: int) -> None:
    trigger, others = registry.get(key), FITTING.get((key, name), {})
    assert getattr(trigger.parse({**others, name: lowest}), name) == lowest
    assert getattr(trigger.parse({**others, name: highest}), name) == highest
    for outside in (lowest - 1, highest + 1):
        with pytest.raises(InvalidParametersError, match=f"not acceptable: {name}: "):
            trigger.parse({**others, name: outside})


@pytest.mark.parametrize(("key", "name"), [row[:2] for row in bounds()])
@pytest.mark.parametrize("value", ["14", 14.5, None, True])
def test_a_parameter_is_a_whole_number(key: str, name: str, value: object) -> None:
    with pytest.raises(InvalidParametersError) as caught:
        registry.get(key).parse({name: value})
    assert (caught.value.code, caught.value.status) == ("invalid_parameters", 422)
    assert caught.value.message.startswith(f"The parameters of {key} are not acceptable: {name}: ")


def test_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(InvalidParametersError, match="days: There is no such parameter"):
        registry.get("lead_inactive").parse({"days": 14})


@pytest.mark.parametrize(
    ("key", "parameters", "says"),
    [
        (
            "lead_inactive",
            {"silent_days": 30, "past_reviving_days": 30},
            "past_reviving_days must be greater than silent_days",
        ),
        (
            "followup_missing",
            {"grace_working_days": 21, "window_days": 21},
            "window_days must be greater than grace_working_days",
        ),
    ],
)
def test_a_span_that_can_hold_nothing_is_refused(
    key: str, parameters: dict[str, int], says: str
) -> None:
    with pytest.raises(InvalidParametersError, match=says):
        registry.get(key).parse(parameters)


def test_today_is_the_tenants_day() -> None:
    moment = ScanMoment(now=NOW.replace(hour=23, minute=30), zone=BERLIN)
    assert moment.today.isoformat() == "2026-03-03"


def test_fault_07_every_trigger_names_goals_tools_and_columns_that_exist(acme: Tenant) -> None:
    """A name that is changed on one side only fails here, not silently at night."""
    moment = ScanMoment(now=NOW, zone=BERLIN)
    for trigger in registry.all():
        rows = trigger.matching(moment, trigger.parse({})).values_list("pk", "facts")
        assert list(rows) == []
        assert trigger.goal in Goal
        for key in trigger.tools:
            assert trigger.record_kind in tools.get(key).subject_kinds
