"""Every decision × every kind of refusal × every road: the answer, its code, the entry in the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.conftest import ApiClient, Cast, TenantClient
from apps.crm.models import Contact
from apps.suggestions.enums import Outcome, State
from apps.suggestions.models import BulkApproval, BulkItem, Suggestion
from apps.suggestions.services import approve, reject, run_bulk
from apps.suggestions.tests.cases import give_execution, put_in
from apps.suggestions.tests.factories import SuggestionFactory
from apps.suggestions.tests.test_review_edits import details_suggestion
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
ApiFor = Callable[[User], ApiClient]

NOW = timezone.now()
UNKNOWN = 10**15
VERBS = (
    "approve", "part", "retry", "edit", "reject", "snooze", "rebase", "reopen", "undo", "bulk",
    "bulk retry",
)  # fmt: skip
ADMIN_VERBS = ("approve", "retry", "reject", "rebase")
# As what each is told in the log.
RECORDED_AS = {"part": "approve", "retry": "approve", "bulk": "approve", "bulk retry": "approve"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a kind of refusal is answered with; ``takes`` are the decisions that it does not stop.

    ``page`` is what a page answers where it does not lead back to the suggestion with the reason (302).
    """

    code: str
    status: int
    event: str
    page: int = 302
    takes: frozenset[str] = field(default_factory=frozenset)


# What is no longer made can still be put away, or be brought back to be looked at.
_PUTS_AWAY = frozenset({"reject", "snooze", "reopen"})
_NO_UNDO = frozenset(VERBS) - {"undo"}
KINDS = {
    "no role": Refusal("permission_refused", 403, "permission.refused", 403),
    "may only look": Refusal("permission_refused", 403, "permission.refused"),
    "not this kind of change": Refusal(
        "permission_refused", 403, "permission.refused", takes=_PUTS_AWAY | {"rebase"}
    ),
    "another team's": Refusal("not_found", 404, "permission.refused", 404),
    "another tenant's": Refusal("not_found", 404, "permission.refused", 404),
    "unknown": Refusal("not_found", 404, "permission.refused", 404),
    "tool switched off since": Refusal("unknown_tool", 422, "policy.refused", takes=_PUTS_AWAY),
    # What was written is known field by field, whatever the tool reads now; an edit mends what is outgrown.
    "schema changed since": Refusal(
        "invalid_arguments", 422, "policy.refused", takes=_PUTS_AWAY | {"undo", "edit"}
    ),
    "too late": Refusal("undo_window_over", 409, "policy.refused", takes=_NO_UNDO),
    "module off": Refusal("module_off", 403, "policy.refused", 403),
}  # fmt: skip


@dataclass(slots=True)
class Case:
    """A suggestion about which a person wants a decision that they are refused."""

    suggestion: Suggestion
    person: User
    pk: int
    bulk: int | None = None


def a_case(cast: Cast, verb: str, kind: str, road: str) -> Case:
    """A suggestion in the state that the decision needs, and a person who may decide on it."""
    contact, suggestion = details_suggestion(cast)
    person = cast.manager if road == "admin" else cast.rep
    if verb == "reopen":
        reject(suggestion_id=suggestion.pk, user=cast.rep, reason="not_needed", now=NOW)
    if verb == "undo":
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    if verb == "retry":
        put_in(suggestion, State.FAILED, cast.rep)
    case = Case(suggestion, person, suggestion.pk)
    if verb == "bulk retry":
        bulk = BulkApproval.objects.create(
            tool=suggestion.tool,
            requested_by=person,
            requested_at=NOW,
            finished_at=NOW,
            origin="api" if road == "api" else "person",
        )
        BulkItem.objects.create(
            bulk=bulk,
            suggestion=suggestion,
            seen_at=suggestion.refreshed_at,
            outcome=Outcome.FAILED,
            code="stale",
            done_at=NOW,
        )
        case.bulk = bulk.pk
    suggestion.refresh_from_db()
    _spoil(case, contact, cast, kind)
    suggestion.refresh_from_db()
    return case


def _spoil(case: Case, contact: Contact, cast: Cast, kind: str) -> None:
    """Let the refusal's reason be there."""
    mine = Suggestion.objects.filter(pk=case.pk)
    match kind:
        case "no role":
            _give_role(case.person, "decide_suggestion")
        case "may only look":
            _give_role(case.person, "view_suggestion")
        case "not this kind of change":
            _give_role(case.person, "view_suggestion", "decide_suggestion")
        case "another team's":
            mine.update(assignee=cast.outsider)
            Contact.objects.filter(pk=contact.pk).update(owner=cast.outsider)
        case "unknown":
            case.pk = UNKNOWN
        case "tool switched off since":
            mine.update(tool="correct_contact")
            _give_execution(case, tool="correct_contact")
        case "schema changed since":
            arguments = {"contact_id": contact.pk, "phone": 2, "title": "Head"}
            mine.update(arguments=arguments)
            _give_execution(case, arguments=arguments)
        case "too late":
            _give_execution(case, finished_at=NOW - timedelta(days=100))
        case "module off":
            ModuleGate.objects.filter(tenant__schema_name="acme", module=Module.SUGGESTIONS).update(
                is_on=False
            )


def _give_execution(case: Case, **values: object) -> None:
    """Let what it became be another, if it became anything."""
    if case.suggestion.state == State.APPLIED:
        give_execution(case.suggestion, **values)


def _give_role(person: User, *codenames: str) -> None:
    """Take away the person's role, and give one of these permissions alone; they still see all records."""
    person.groups.clear()
    group = Group.objects.create(name="narrow")
    group.permissions.set(Permission.objects.filter(codename__in=[*codenames, "see_all_records"]))
    person.groups.set([group])


def by_page(client: TenantClient, verb: str, case: Case) -> Any:
    pk, seen_at = case.pk, case.suggestion.refreshed_at.isoformat()
    token = f"{pk}@{seen_at}"
    address = f"/suggestions/{pk}/"
    match verb:
        case "approve" | "retry":
            return client.post(f"{address}approve/", {"seen_at": seen_at})
        case "part":
            fields = {"seen_at": seen_at, "in_parts": "on", "fields": ["phone"]}
            return client.post(f"{address}approve/", fields)
        case "edit":
            fields = {"seen_at": seen_at, "phone": "3", "title": "Head"}
            return client.post(f"{address}edit/", fields)
        case "reject":
            return client.post(f"{address}reject/", {"reason": "not_needed"})
        case "snooze":
            return client.post(f"{address}snooze/", {"until": "tomorrow"})
        case "bulk":
            return client.post("/suggestions/bulk/start/", {"items": token})
        case "bulk retry":
            return client.post(f"/suggestions/bulk/{case.bulk}/retry/", {"items": token})
        case _:
            return client.post(f"{address}{verb}/")


def by_api(client: ApiClient, verb: str, case: Case) -> Any:
    pk, seen_at = case.pk, case.suggestion.refreshed_at.isoformat()
    items = {"items": [{"suggestion": pk, "seen_at": seen_at}]}
    contact = case.suggestion.record_id
    address, payload = {
        "approve": ("approve", {"seen_at": seen_at}),
        "retry": ("approve", {"seen_at": seen_at}),
        "part": ("approve", {"seen_at": seen_at, "fields_accepted": ["phone"]}),
        "edit": (
            "edit", {"seen_at": seen_at, "arguments": {"contact_id": contact, "phone": "3"}},
        ),
        "reject": ("reject", {"reason": "not_needed"}),
        "snooze": ("snooze", {"until": (timezone.now() + timedelta(days=2)).isoformat()}),
        "bulk": ("", items),
        "bulk retry": ("", items),
    }.get(verb, (verb, {}))  # fmt: skip
    if verb == "bulk":
        return client.send("POST", "/api/v1/bulk-approvals/", payload)
    if verb == "bulk retry":
        return client.send("POST", f"/api/v1/bulk-approvals/{case.bulk}/retry/", payload)
    return client.send("POST", f"/api/v1/suggestions/{pk}/{address}/", payload)


def by_admin(client: TenantClient, verb: str, case: Case) -> Any:
    seen_at = case.suggestion.refreshed_at.isoformat()
    move = "approve" if verb == "retry" else verb
    fields = {"seen_at": seen_at, "reason": "not_needed"}
    return client.post(f"/admin/suggestions/suggestion/{case.pk}/{move}/", fields)


def entries() -> list[tuple[str, int | None, dict[str, Any], str]]:
    """The refusals on record: event, suggestion, details, origin."""
    refused = AuditEntry.objects.filter(event__in=["permission.refused", "policy.refused"])
    return [
        (entry.event, entry.suggestion_id, entry.details, entry.origin)
        for entry in refused.order_by("pk")
    ]


def expected_entry(case: Case, verb: str, kind: str, road: str) -> tuple[Any, ...]:
    """The one entry that the refusal leaves."""
    refusal = KINDS[kind]
    told: dict[str, Any] = {"verb": RECORDED_AS.get(verb, verb), "code": refusal.code}
    origin = "api" if road == "api" else "person"
    known: int | None = case.pk
    if kind in {"another tenant's", "unknown"}:
        known, told["asked_for"] = None, [case.pk]
    elif not verb.startswith("bulk") or kind in {"another team's", "schema changed since"}:
        told["tool"] = case.suggestion.tool
    else:
        # One entry for all that were asked for together; who may not decide is not asked for what.
        known = None
        if kind in {"tool switched off since", "not this kind of change"}:
            told |= {"tool": case.suggestion.tool, "count": 1}
    return (refusal.event, known, told, origin)


def another_tenants(globex: Tenant, globex_cast: Cast) -> int:
    """The id of a suggestion that is there, and at the other tenant alone."""
    with globex:
        SuggestionFactory(assignee=globex_cast.rep, id=UNKNOWN + 1)
    return UNKNOWN + 1


def taken(road: str, verb: str) -> int:
    """The status of what is not refused."""
    if road == "page":
        return 302
    return 202 if verb.startswith("bulk") else 200


def page_status(verb: str, kind: str) -> int:
    """The status of a page without JavaScript."""
    if kind == "may only look" and verb in {"edit", "undo", "bulk"}:
        # There is no page to lead back to that they might have come from.
        return 403
    status = KINDS[kind].page
    return 302 if verb.startswith("bulk") and status == 404 else status


class _RollBackError(Exception):
    """Ends the transaction of one case."""


@contextmanager
def taken_back() -> Iterator[None]:
    """Let the next case find nothing of this one."""
    with suppress(_RollBackError), transaction.atomic():
        yield
        raise _RollBackError
    cache.clear()


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("road", ["page", "api"])
def test_a_refusal_has_its_status_its_code_and_its_entry(
    cast: Cast,
    globex: Tenant,
    globex_cast: Cast,
    client_for: ClientFor,
    api_for: ApiFor,
    road: str,
    verb: str,
) -> None:
    for kind, refusal in KINDS.items():
        with taken_back():
            case = a_case(cast, verb, kind, road)
            if kind == "another tenant's":
                case.pk = another_tenants(globex, globex_cast)
            before = Suggestion.objects.values().get(pk=case.suggestion.pk)
            answer = (
                by_api(api_for(case.person), verb, case)
                if road == "api"
                else by_page(client_for(case.person), verb, case)
            )
            if verb in refusal.takes:
                assert (answer.status_code, entries()) == (taken(road, verb), []), kind
                continue
            if verb.startswith("bulk") and kind == "schema changed since":
                # Each is judged by itself, by the worker.
                assert answer.status_code == taken(road, verb)
                run_bulk(bulk_id=BulkApproval.objects.get().pk, now=NOW)
                assert BulkItem.objects.get().code == refusal.code
            elif road == "api":
                told = (answer.status_code, answer.json()["code"])
                assert told == (refusal.status, refusal.code), kind
            else:
                assert answer.status_code == page_status(verb, kind), kind
            assert entries() == [expected_entry(case, verb, kind, road)], kind
            assert Suggestion.objects.values().get(pk=case.suggestion.pk) == before, kind


@pytest.mark.parametrize("verb", ADMIN_VERBS)
def test_a_refusal_in_the_admin(
    cast: Cast, globex: Tenant, globex_cast: Cast, client_for: ClientFor, verb: str
) -> None:
    # Who may come in sees all teams.
    for kind in KINDS.keys() - {"another team's"}:
        with taken_back():
            case = a_case(cast, verb, kind, "admin")
            if kind == "another tenant's":
                case.pk = another_tenants(globex, globex_cast)
            answer = by_admin(client_for(case.person), verb, case)
            if verb in KINDS[kind].takes:
                assert (answer.status_code, entries()) == (302, []), kind
                continue
            no_page = {"another tenant's": 404, "unknown": 404, "module off": 403}
            assert answer.status_code == no_page.get(kind, 302), kind
            assert entries() == [expected_entry(case, verb, kind, "admin")], kind
