"""Stage 4: a proposal is held against what was asked; what does not hold is dropped with a code."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from apps.brain.enums import Goal
from apps.brain.rules import propose
from apps.brain.schemas import Claim, Proposal, ThinkTask
from apps.conftest import Cast
from apps.crm.models import Contact, Lead
from apps.crm.tests.factories import ActivityFactory, ContactFactory, LeadFactory
from apps.execution.tools import registry as tools
from apps.suggestions.models import Suggestion
from apps.suggestions.pipeline.awaiting import Awaiting
from apps.suggestions.pipeline.context import Context, gather
from apps.suggestions.pipeline.run import task_of
from apps.suggestions.pipeline.validation import validate
from apps.suggestions.tests.cases import NOW, answered, awaiting, quiet_lead, scan
from apps.tenants.services import current_tenant
from apps.triggers.moments import ScanMoment
from apps.triggers.rules import registry as triggers


def asked(cast: Cast) -> tuple[Context, ThinkTask, Proposal]:
    """The context, the question and the sound proposal for one quiet lead."""
    quiet_lead(cast.rep)
    return question_of()


def question_of() -> tuple[Context, ThinkTask, Proposal]:
    scan()
    Suggestion.objects.all().delete()
    tenant = current_tenant()
    moment = ScanMoment(now=NOW, zone=tenant.zone)
    (context,) = gather(awaiting(), moment, tenant.currency)
    task = task_of(context, moment)
    proposal = propose(task)
    assert proposal is not None
    return context, task, proposal


def codes(context: Context, task: ThinkTask, proposal: Proposal | None) -> list[str]:
    accepted, dropped = validate([answered(context, task, proposal)])
    assert len(accepted) + len(dropped) == 1
    return [item.code for item in dropped]


def test_a_sound_proposal_holds(cast: Cast) -> None:
    context, task, proposal = asked(cast)
    (accepted,), dropped = validate([answered(context, task, proposal)])
    assert dropped == []
    assert (accepted.tool.key, accepted.claims) == ("create_followup", proposal.claims)
    assert accepted.seen.guards == {
        f"lead:{task.record.id}": {
            "status": "working", "owner_id": cast.rep.pk, "do_not_contact": False,
        }
    }  # fmt: skip


def test_none_is_no_proposal(cast: Cast) -> None:
    context, task, _ = asked(cast)
    assert codes(context, task, None) == ["no_proposal"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"tool": "update_contact"}, "tool_not_allowed"),
        ({"tool": "delete_lead"}, "tool_not_allowed"),
        ({"title": "  "}, "no_evidence"),
        ({"reason": ""}, "no_evidence"),
        ({"title": "\u202e\u200b \x07"}, "no_evidence"),
        ({"claims": ()}, "no_evidence"),
        ({"claims": (Claim("Trust me", ()),)}, "no_evidence"),
        ({"claims": (Claim("It is so", (99,)),)}, "no_evidence"),
        ({"claims": (Claim("It is so", (1, 99)),)}, "no_evidence"),
    ],
)
def test_what_the_proposal_says_of_itself(cast: Cast, changes: dict[str, Any], code: str) -> None:
    context, task, proposal = asked(cast)
    assert codes(context, task, replace(proposal, **changes)) == [code]


def test_fault_03_a_tool_that_the_goal_allows_but_nobody_knows(cast: Cast) -> None:
    context, task, proposal = asked(cast)
    task = replace(task, tools=("create_followups",))
    assert codes(context, task, replace(proposal, tool="create_followups")) == ["unknown_tool"]


def test_only_claims_with_given_facts_are_kept(cast: Cast) -> None:
    context, task, proposal = asked(cast)
    claims = (Claim("Given", (1,)), Claim("Made up", (99,)))
    (accepted,), _ = validate([answered(context, task, replace(proposal, claims=claims))])
    assert accepted.claims == (Claim("Given", (1,)),)


def test_what_is_said_of_a_change_cannot_rearrange_itself(cast: Cast) -> None:
    context, task, proposal = asked(cast)
    spoiled = replace(
        proposal,
        title="Call\u202e Ana\n\nStatus: won",
        reason="No\u200b reply\x07 since May",
        claims=(Claim("Asked\u2066 twice", (1,)),),
    )
    (accepted,), _ = validate([answered(context, task, spoiled)])
    assert (accepted.proposal.title, accepted.proposal.reason) == (
        "Call Ana Status: won", "No reply since May",
    )  # fmt: skip
    assert accepted.claims == (Claim("Asked twice", (1,)),)


def with_arguments(proposal: Proposal, **changes: Any) -> Proposal:
    return replace(proposal, arguments={**proposal.arguments, **changes})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"status": "done"}, "invalid_arguments"),
        ({"due_on": "tomorrow"}, "invalid_arguments"),
        ({"subject_id": 10**9}, "other_record"),
        ({"subject_kind": "contact"}, "other_record"),
        ({"about_id": 10**9}, "unknown_record"),
        ({"about_kind": "account"}, "unknown_record"),
        ({"owner_id": 10**9}, "unknown_person"),
        ({"due_on": "2020-01-01"}, "implausible_date"),
        ({"due_on": "2099-01-01"}, "implausible_date"),
    ],
)
def test_fault_02_arguments(cast: Cast, changes: dict[str, Any], code: str) -> None:
    context, task, proposal = asked(cast)
    assert codes(context, task, with_arguments(proposal, **changes)) == [code]


@pytest.mark.parametrize(("days", "holds"), [(-1, False), (0, True), (180, True), (181, False)])
def test_how_far_away_a_day_may_be(cast: Cast, days: int, holds: bool) -> None:
    context, task, proposal = asked(cast)
    day = (task.today + timedelta(days=days)).isoformat()
    found = codes(context, task, with_arguments(proposal, due_on=day))
    assert found == ([] if holds else ["implausible_date"])


def test_another_persons_name_is_refused_even_when_it_exists(cast: Cast) -> None:
    context, task, proposal = asked(cast)
    found = codes(context, task, with_arguments(proposal, owner_id=cast.outsider.pk))
    assert found == ["unknown_person"]


def test_another_record_is_refused_even_when_it_exists(cast: Cast) -> None:
    other = LeadFactory(owner=cast.outsider, created_at=NOW)
    context, task, proposal = asked(cast)
    assert codes(context, task, with_arguments(proposal, about_id=other.pk)) == ["unknown_record"]


def test_a_record_that_goes_meanwhile(cast: Cast) -> None:
    context, task, proposal = asked(cast)
    Lead.objects.all().delete()
    assert codes(context, task, proposal) == ["record_gone"]


def test_an_owner_who_is_not_given_stays(cast: Cast) -> None:
    context, task, proposal = asked(cast)
    task = replace(task, tools=("update_lead",))
    arguments: dict[str, Any] = {"lead_id": task.record.id, "status": "qualified"}
    change = replace(proposal, tool="update_lead", arguments=arguments)
    assert codes(context, task, change) == []
    given = with_arguments(change, owner_id=cast.outsider.pk)
    assert codes(context, task, given) == ["unknown_person"]


def test_whatever_a_trigger_offers_stage_4_knows_how_to_judge() -> None:
    # Amounts, stages and other days are judged by nobody yet: a trigger that offers them needs that first.
    offered = {tool for trigger in triggers.all() for tool in trigger.tools}
    # A merge takes values of its two records and no others, which the tool itself sees to.
    offered.remove("merge_duplicates")
    assert offered == {"create_followup", "create_lead", "update_contact", "update_task"}
    judged = {
        "activity_id", "subject_id", "subject_kind", "about_id", "about_kind", "contact_id", "task_id",
        "owner_id", "due_on", "title", "description", "lead_source", "first_name", "last_name", "company",
        "email", "phone",
        # Choices: any of them may be proposed.
        "priority", "status", "email_status",
    }  # fmt: skip
    names = {name for key in offered for name in tools.get(key).arguments_type.model_fields}
    assert names - judged == set()


def test_a_change_that_changes_nothing(cast: Cast) -> None:
    contact = ContactFactory(owner=cast.rep, phone="1")
    ActivityFactory(
        owner=cast.rep,
        contact=contact,
        occurred_at=NOW - timedelta(days=1),
        stated_details={"phone": "+1 555 0123"},
    )
    context, task, proposal = question_of()
    assert (task.goal, codes(context, task, proposal)) == (Goal.CORRECT_CONTACT, [])
    empty = replace(proposal, arguments={"contact_id": contact.pk})
    assert codes(context, task, empty) == ["changes_nothing"]
    Contact.objects.update(phone="+1 555 0123")
    assert codes(context, task, proposal) == ["changes_nothing"]


def test_a_batch_is_parted_and_read_in_one_query_for_each_kind(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    quiet_lead(cast.rep), quiet_lead(cast.rep)
    scan()
    Suggestion.objects.all().delete()
    tenant = current_tenant()
    moment = ScanMoment(now=NOW, zone=tenant.zone)
    contexts = gather(awaiting(), moment, tenant.currency)
    tasks = [task_of(context, moment) for context in contexts]
    batch = [
        answered(context, task, propose(task))
        for context, task in zip(contexts, tasks, strict=True)
    ]
    batch.append(answered(contexts[0], tasks[0], None))
    with django_assert_num_queries(1):
        accepted, dropped = validate(batch)
    assert (len(accepted), [item.code for item in dropped]) == (2, ["no_proposal"])
    assert all(isinstance(item.context.awaiting, Awaiting) for item in accepted)
