"""What ``manage.py check`` says of triggers that do not fit together."""

from __future__ import annotations

from io import StringIO
from typing import Any, ClassVar

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from apps.brain.enums import Goal
from apps.crm.enums import RecordKind
from apps.triggers.checks import find_trigger_faults
from apps.triggers.enums import Severity
from apps.triggers.registry import TriggerRegistry
from apps.triggers.rules import registry
from apps.triggers.tests.test_registry import EveryLead


class Weak(EveryLead):
    key = "weak"


class Strong(EveryLead):
    key = "strong"
    severity = Severity.HIGH
    inhibits: ClassVar[tuple[str, ...]] = ("weak",)


def faults(*triggers: EveryLead) -> list[str]:
    local = TriggerRegistry()
    for trigger in triggers:
        local.register(trigger)
    return [fault.msg for fault in find_trigger_faults(local)]


def test_the_triggers_of_the_product_fit_together() -> None:
    assert find_trigger_faults(registry) == []
    assert [error for error in run_checks() if error.id and error.id.startswith("triggers.")] == []


def test_a_weaker_one_of_the_same_records_may_be_inhibited() -> None:
    assert faults(Strong(), Weak()) == []
    local = TriggerRegistry()
    for trigger in (Strong(), Weak()):
        local.register(trigger)
    assert local.inhibitions() == {"weak": ("strong",)}


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"inhibits": ("wek",)}, "'strong': there is no trigger 'wek' to inhibit."),
        (
            {"record_kind": RecordKind.OPPORTUNITY, "goal": Goal.MOVE_DEAL},
            "'strong': 'weak' is about another kind of record.",
        ),
    ],
)
def test_what_cannot_be_inhibited(members: dict[str, Any], says: str) -> None:
    trigger = type("Misled", (Strong,), members)()
    assert faults(trigger, Weak()) == [says]


def test_a_more_severe_one_cannot_be_inhibited() -> None:
    class Loud(EveryLead):
        key = "weak"
        severity = Severity.HIGH

    class Quiet(Strong):
        severity = Severity.NORMAL

    assert faults(Quiet(), Loud()) == ["'strong': 'weak' is more severe and cannot be inhibited."]


def test_triggers_that_inhibit_each_other_in_a_circle() -> None:
    class First(EveryLead):
        key = "first"
        inhibits: ClassVar[tuple[str, ...]] = ("second",)

    class Second(EveryLead):
        key = "second"
        inhibits: ClassVar[tuple[str, ...]] = ("third",)

    class Third(EveryLead):
        key = "third"
        inhibits: ClassVar[tuple[str, ...]] = ("first",)

    assert faults(First(), Second(), Third()) == [
        f"'{key}': it inhibits itself, directly or through others."
        for key in ("first", "second", "third")
    ]


def test_a_goal_for_which_nothing_is_written() -> None:
    class Unwritten(EveryLead):
        goal = Goal.MOVE_DEAL

    assert faults(Unwritten()) == ["'every_lead': nothing is written for move_deal of a lead."]


def test_tools_that_cannot_serve_the_goal() -> None:
    class Misled(EveryLead):
        tools = ("update_lead",)

    assert faults(Misled()) == [
        "'every_lead': revive_lead is served by create_followup, which is none of its tools."
    ]


def test_the_check_command_fails_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unserved(EveryLead):
        tools = ()

    # Registering it would raise already; the check holds for whatever way it came in.
    monkeypatch.setitem(registry._triggers, "every_lead", Unserved())
    with pytest.raises(SystemCheckError, match="'every_lead': no tool serves its goal"):
        call_command("check", stderr=StringIO())
