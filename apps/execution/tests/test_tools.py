"""The tools: strict arguments, field lists, and a registry that refuses what must not exist."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, ConfigDict

from apps.crm.changelog import model_of
from apps.crm.enums import RecordKind
from apps.crm.models import Contact, Lead, Task
from apps.execution.enums import Risk
from apps.execution.exceptions import InvalidArgumentsError, UnknownToolError
from apps.execution.schemas import RecordRef
from apps.execution.tests.cases import VALID
from apps.execution.tools import registry
from apps.execution.tools.base import ToolArguments, ToolRegistry, UpdateTool
from apps.execution.tools.fields import RecordId
from apps.execution.tools.tasks import CreateFollowup


def problems_of(tool: str, arguments: dict[str, Any]) -> list[str]:
    with pytest.raises(InvalidArgumentsError) as caught:
        registry.get(tool).parse(arguments)
    assert (caught.value.code, caught.value.status) == ("invalid_arguments", 422)
    problems: list[str] = caught.value.extras["problems"]
    return [problem.partition(":")[0] for problem in problems]


def test_the_tools_of_the_product() -> None:
    assert registry.keys() == set(VALID)
    found = {
        tool.key: (
            sorted({*chain.from_iterable(map(tool.permissions, tool.subject_kinds))}),
            tool.risk,
        )
        for tool in registry.all()
    }
    assert found == {
        "create_followup": (["crm.add_task"], Risk.LOW),
        "create_lead": (["crm.add_lead"], Risk.LOW),
        "create_task": (["crm.add_task"], Risk.LOW),
        "draft_email": (["crm.add_draft"], Risk.HIGH),
        "log_activity": (["crm.add_activity"], Risk.HIGH),
        "merge_duplicates": (
            ["crm.change_account", "crm.change_contact", "crm.change_lead"],
            Risk.HIGH,
        ),
        "update_account": (["crm.change_account"], Risk.LOW),
        "update_contact": (["crm.change_contact"], Risk.LOW),
        "update_lead": (["crm.change_lead"], Risk.LOW),
        "update_opportunity": (["crm.change_opportunity"], Risk.HIGH),
        "update_task": (["crm.change_task"], Risk.LOW),
    }


def test_how_each_tool_is_undone() -> None:
    assert {tool.key: dict(tool.undo_values) for tool in registry.all() if tool.is_creation} == {
        "create_followup": {"status": "cancelled"},
        "create_lead": {"status": "unqualified"},
        "create_task": {"status": "cancelled"},
        "draft_email": {"status": "discarded"},
        "log_activity": {},
    }
    assert [tool.key for tool in registry.all() if not tool.is_reversible] == ["log_activity"]


def test_which_tools_take_their_fields_one_by_one() -> None:
    assert {tool.key: tool.together for tool in registry.all() if tool.partial} == {
        "update_account": (frozenset({"annual_revenue", "currency"}),),
        "update_contact": (frozenset({"email", "email_status"}),),
        "update_lead": (frozenset({"estimated_value", "currency"}),),
        "update_opportunity": (frozenset({"amount", "currency"}),),
        "update_task": (),
    }


def test_fault_03_a_name_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownToolError, match="There is no tool named 'createfollowup'"):
        registry.get("createfollowup")


@pytest.mark.parametrize("tool", sorted(VALID))
def test_valid_arguments_are_accepted(tool: str) -> None:
    registry.get(tool).parse(VALID[tool])


@pytest.mark.parametrize("tool", sorted(VALID))
def test_fault_02_an_unknown_field_is_refused(tool: str) -> None:
    assert problems_of(tool, {**VALID[tool], "colour": "x"}) == ["colour"]
    assert problems_of(tool, {**VALID[tool], "id": 7}) == ["id"]


@pytest.mark.parametrize(
    ("tool", "field"),
    [
        ("create_followup", "subject_kind"),
        ("create_followup", "subject_id"),
        ("create_followup", "about_kind"),
        ("create_followup", "about_id"),
        ("create_followup", "title"),
        ("create_followup", "due_on"),
        ("create_lead", "activity_id"),
        ("create_lead", "email"),
        ("update_contact", "contact_id"),
        ("update_task", "task_id"),
    ],
)
def test_a_missing_field_is_refused(tool: str, field: str) -> None:
    arguments = {key: value for key, value in VALID[tool].items() if key != field}
    assert problems_of(tool, arguments) == [field]


@pytest.mark.parametrize(
    ("tool", "field", "value"),
    [
        ("create_followup", "subject_id", "1"),
        ("create_followup", "subject_id", True),
        ("create_followup", "subject_id", 0),
        ("create_followup", "subject_id", -1),
        ("create_followup", "subject_id", 2**63),
        ("create_followup", "subject_kind", "task"),
        ("create_followup", "about_kind", "activity"),
        ("create_followup", "title", "ab"),
        ("create_followup", "title", "x" * 201),
        ("create_followup", "title", "   "),
        ("create_followup", "description", "x" * 2001),
        ("create_followup", "due_on", "03/04/2026"),
        ("create_followup", "due_on", 20260303),
        ("create_followup", "due_on", "2026-02-30"),
        ("create_followup", "due_on", None),
        ("create_followup", "priority", 0),
        ("create_followup", "priority", 5),
        ("create_followup", "priority", "2"),
        ("create_lead", "email", "ana"),
        ("create_lead", "email", "ana@isdom.com, bob@isdom.com"),
        ("create_lead", "email", ""),
        ("create_lead", "email", "a" * 250 + "@x.io"),
        ("create_lead", "first_name", "x" * 101),
        ("create_lead", "owner_id", "rep"),
        ("update_contact", "email", "not an address"),
        ("update_contact", "email_status", "gone"),
        ("update_contact", "phone", "1" * 51),
        ("update_contact", "phone", None),
        ("update_contact", "title", 7),
        ("update_contact", "contact_id", 1.0),
        ("update_task", "priority", 9),
        ("update_task", "due_on", "tomorrow"),
    ],
)
def test_a_wrong_value_is_refused_by_its_field(tool: str, field: str, value: object) -> None:
    assert problems_of(tool, {**VALID[tool], field: value}) == [field]


@pytest.mark.parametrize("status", ["open", "Open", ""])
def test_fault_14_update_task_cannot_open_a_task_again(status: str) -> None:
    assert problems_of("update_task", {"task_id": 1, "status": status}) == ["status"]


@pytest.mark.parametrize("status", ["done", "cancelled"])
def test_update_task_settles(status: str) -> None:
    tool = registry.get("update_task")
    assert tool.values(tool.parse({"task_id": 1, "status": status})) == {"status": status}


@pytest.mark.parametrize(
    ("tool", "settable"),
    [
        ("update_contact", {"title", "email", "email_status", "phone"}),
        ("update_task", {"due_on", "priority", "status"}),
    ],
)
def test_an_update_reaches_its_field_list_and_no_further(tool: str, settable: set[str]) -> None:
    found = registry.get(tool)
    assert isinstance(found, UpdateTool)
    fields = set(found.arguments_type.model_fields) - {found.id_field}
    (writes,) = found.writes.values()
    assert fields == settable == writes


def test_only_given_fields_are_written() -> None:
    tool = registry.get("update_contact")
    arguments = tool.parse({"contact_id": 3, "phone": " +1 555 0123 "})
    assert tool.values(arguments) == {"phone": "+1 555 0123"}
    assert tool.subject(arguments) == RecordRef(RecordKind.CONTACT, 3)


def test_a_followup_about_another_record_names_both() -> None:
    tool = registry.get("create_followup")
    arguments = tool.parse(
        {
            **VALID["create_followup"],
            "subject_kind": "activity",
            "subject_id": 4,
            "about_kind": "opportunity",
            "about_id": 5,
        }
    )
    assert tool.subject(arguments) == RecordRef(RecordKind.ACTIVITY, 4)
    assert tool.mentions(arguments) == (
        RecordRef(RecordKind.ACTIVITY, 4),
        RecordRef(RecordKind.OPPORTUNITY, 5),
    )
    assert tool.values(arguments)["opportunity_id"] == 5


class LocalArguments(ToolArguments):
    lead_id: RecordId
    title: str = ""


class LocalTool(UpdateTool[LocalArguments]):
    """A sound tool, to be spoiled in one point at a time."""

    key = "update_title"
    label = "Update title"
    arguments_type = LocalArguments
    id_field = "lead_id"
    subject_kinds = frozenset({RecordKind.LEAD})
    writes: ClassVar[Mapping[RecordKind, frozenset[str]]] = {RecordKind.LEAD: frozenset({"title"})}
    guard_fields = {RecordKind.LEAD: ("status",)}
    risk = Risk.LOW
    consequences = "Nothing else."


def test_a_sound_tool_is_accepted() -> None:
    local = ToolRegistry()
    local.register(LocalTool())
    assert local.keys() == {"update_title"}


def test_a_second_tool_of_the_same_name_is_refused() -> None:
    local = ToolRegistry()
    local.register(LocalTool())
    with pytest.raises(ValueError, match="Two tools are named 'update_title'"):
        local.register(LocalTool())


@pytest.mark.parametrize(
    "key", ["delete_lead", "lead_remove", "purge", "drop_contact", "erase_lead"]
)
def test_a_tool_that_deletes_is_refused(key: str) -> None:
    class Deleting(LocalTool):
        pass

    Deleting.key = key
    with pytest.raises(ValueError, match="nothing is deleted by a tool"):
        ToolRegistry().register(Deleting())


def test_a_field_that_people_do_not_own_is_refused() -> None:
    class Deriving(LocalTool):
        writes = {RecordKind.LEAD: frozenset({"title", "last_activity_at", "revision"})}

    with pytest.raises(ValueError, match=r"does not own: \['last_activity_at', 'revision'\]"):
        ToolRegistry().register(Deriving())


def test_an_argument_outside_the_field_list_is_refused() -> None:
    class Narrow(LocalTool):
        writes = {RecordKind.LEAD: frozenset({"company"})}

    with pytest.raises(ValueError, match=r"reaches outside its field list: \['title'\]"):
        ToolRegistry().register(Narrow())


class LooseArguments(ToolArguments):
    model_config = ConfigDict(extra="allow")


class ForeignArguments(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class MoneyArguments(ToolArguments):
    lead_id: RecordId
    estimated_value: str = ""


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("label", "", "does not declare its label"),
        ("risk", "", "does not declare its risk"),
        ("risk", "medium", "knows a risk that is neither low nor high"),
        ("permissions", lambda tool, subject: frozenset(), "asks for no permission"),
        ("arguments_type", LooseArguments, "takes arguments that it does not name"),
        ("arguments_type", ForeignArguments, "takes arguments that it does not name"),
        ("consequences", "", "does not declare its consequences"),
        ("writes", {}, "does not declare its writes"),
        ("writes", {RecordKind.TASK: frozenset({"title"})}, "writes another kind than it is about"),
        ("guard_fields", {}, "has no guard fields for lead"),
        ("guard_fields", {RecordKind.LEAD: ()}, "has no guard fields for lead"),
        ("guard_fields", {RecordKind.LEAD: ("revision",)}, "guards what lead does not own"),
    ],
)
def test_a_tool_that_leaves_something_unsaid_is_refused(
    name: str, value: object, words: str
) -> None:
    spoiled = type("Spoiled", (LocalTool,), {name: value})
    with pytest.raises(ValueError, match=words):
        ToolRegistry().register(spoiled())


def test_a_creation_adds_and_an_update_changes() -> None:
    assert LocalTool().permissions(RecordKind.LEAD) == {"crm.change_lead"}
    assert CreateFollowup().permissions(RecordKind.LEAD) == {"crm.add_task"}


def test_a_creation_makes_records_of_one_kind() -> None:
    class Adding(CreateFollowup):
        key = "create_adding"
        writes = {**CreateFollowup.writes, RecordKind.LEAD: frozenset({"title"})}

    with pytest.raises(ValueError, match="'create_adding' makes records of several kinds"):
        ToolRegistry().register(Adding())


def test_a_merge_into_a_contact_may_be_of_a_lead() -> None:
    tool = registry.get("merge_duplicates")
    assert {kind.value: tool.permissions(kind) for kind in tool.subject_kinds} == {
        "lead": {"crm.change_lead"},
        "contact": {"crm.change_contact", "crm.change_lead"},
        "account": {"crm.change_account"},
    }


def test_money_without_its_currency_is_refused() -> None:
    class Pricing(LocalTool):
        arguments_type: Any = MoneyArguments
        writes = {RecordKind.LEAD: frozenset({"estimated_value"})}

    with pytest.raises(ValueError, match="writes money without seeing its currency"):
        ToolRegistry().register(Pricing())

    class SeeingPricing(Pricing):
        guard_fields = {RecordKind.LEAD: ("currency",)}

    ToolRegistry().register(SeeingPricing())


def test_a_tool_that_does_not_say_how_it_is_undone_is_refused() -> None:
    class Silent(LocalTool):
        is_reversible = False

    with pytest.raises(ValueError, match="does not say why it cannot be undone"):
        ToolRegistry().register(Silent())

    class SettingBack(LocalTool):
        undo_values: ClassVar[dict[str, Any]] = {"title": ""}

    with pytest.raises(ValueError, match="a creation, and nothing else, says what its undo sets"):
        ToolRegistry().register(SettingBack())

    class Elsewhere(CreateFollowup):
        key = "create_elsewhere"
        undo_values = {"state": "cancelled"}

    with pytest.raises(ValueError, match="its undo sets fields that task does not own"):
        ToolRegistry().register(Elsewhere())


@pytest.mark.parametrize("model", [Lead, Contact, Task])
def test_the_model_of_a_kind(model: Any) -> None:
    assert model_of(model.kind) is model
