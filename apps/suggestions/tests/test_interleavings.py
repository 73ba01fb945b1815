"""Any order of looking, approving, editing, rejecting, undoing, scans, edits from outside and calls.

A state machine on the real database. Each rule does what a person, another person or the world may do at that
moment; refusals by the product's own errors are part of the game, anything else is a failure. In some of the
histories the suggestions rest on signals, which a scan found and whose trigger is asked again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from apps.audit.enums import Origin
from apps.audit.models import AuditEntry
from apps.conftest import Cast
from apps.crm.changelog import model_of
from apps.crm.enums import Direction
from apps.crm.models import ChangeLog, Contact, Lead, Task
from apps.crm.tests.factories import ActivityFactory, ContactFactory, LeadFactory, TaskFactory
from apps.execution.enums import ExecutionStatus
from apps.execution.exceptions import StaleError
from apps.execution.models import Execution
from apps.execution.schemas import Diff, ValueMoved
from apps.execution.tools.base import to_json
from apps.suggestions import services
from apps.suggestions.enums import MOVES, State
from apps.suggestions.models import Decision, Suggestion
from apps.suggestions.services import find_moved_of
from apps.suggestions.shown import open_detail
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.exceptions import AishaError
from apps.triggers.enums import ScanKind
from apps.triggers.services import scan_now
from apps.triggers.tests.asking import matching
from apps.users.models import User

BEGIN = timezone.now() - timedelta(days=100)
PHONES = ["+1 555 0101", "+1 555 0102", "+1 555 0103"]
TITLES = ["Buyer", "Head of buying"]
# By which trigger the suggestions about a kind of record come to be.
TRIGGERS = {"contact": "contact_detail_conflict", "lead": "lead_inactive"}


class _RollBackError(Exception):
    """Ends the transaction of one history."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a page or the API showed to a person: which edition, and what it would change."""

    edition: datetime
    diff: Diff | None


class Review(RuleBasedStateMachine):
    """Two suggestions, one about a contact's details and one for a new task, and what happens to them."""

    cast: Cast
    # What came of approvals in all histories, by where the suggestion came from.
    outcomes: Counter[tuple[str, str]]

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.now: datetime = BEGIN
        self.contact = ContactFactory(owner=self.cast.rep, phone=PHONES[0], title="Buyer")
        self.lead = LeadFactory(owner=self.cast.rep, created_at=BEGIN - timedelta(days=30))
        self.has_signals = self.has_moved = False
        self.planned = 0
        self.states: dict[int, State] = {}
        self.looks: dict[tuple[int, int], Look] = {}
        self.entries: list[int] = []
        self.people = [self.cast.rep, self.cast.teammate, self.cast.manager, self.cast.outsider]

    def teardown(self) -> None:
        """Take everything back for the next history."""
        self.atomic.__exit__(_RollBackError, _RollBackError(), None)

    @initialize(has_signals=st.booleans())
    def begin(self, has_signals: bool) -> None:
        """Make the suggestions: by a scan and the pipeline, or as a person wished them."""
        self.has_signals = has_signals
        if has_signals:
            ActivityFactory(
                contact=self.contact,
                owner=self.cast.rep,
                direction=Direction.INBOUND,
                occurred_at=BEGIN - timedelta(days=1),
                stated_details={"phone": PHONES[1], "title": "Head of buying"},
            )
            self.scan()
        else:
            key = f"contact:{self.contact.pk}"
            SuggestionFactory(
                lead=self.lead,
                assignee=self.cast.rep,
                created_at=BEGIN,
                tool="update_contact",
                record_kind="contact",
                record_id=self.contact.pk,
                arguments={
                    "contact_id": self.contact.pk, "phone": PHONES[1], "title": "Head of buying",
                },
                before_values={key: {"phone": PHONES[0], "title": "Buyer"}},
                guard_values={key: {"do_not_contact": False}},
            )  # fmt: skip
            SuggestionFactory(lead=self.lead, assignee=self.cast.rep, created_at=BEGIN)
        assert len(self.suggestions()) == 2

    def suggestions(self, **values: object) -> list[Suggestion]:
        """Those that there are, oldest first."""
        return list(Suggestion.objects.filter(**values).order_by("pk"))

    def chosen(self, which: int) -> Suggestion:
        """One of the two newest, so that what a later scan made is decided on too."""
        return self.suggestions()[-2:][which]

    def scan(self) -> None:
        self.has_moved = True
        scan_now(kind=ScanKind.FULL, now=self.now, triggers=[*TRIGGERS.values()])

    def decide(
        self, suggestion: Suggestion, person: User, decision: Callable[[int, User], object]
    ) -> AishaError | None:
        """Let a person decide; a refusal leaves the record as it was and is returned."""
        self.has_moved = True
        before = self.written()
        try:
            decision(suggestion.pk, person)
        except AishaError as error:
            assert self.written() == before
            return error
        # Nobody decides on what belongs to another team.
        assert person != self.cast.outsider
        return None

    def written(self) -> tuple[object, ...]:
        """What a person would see of the records."""
        self.contact.refresh_from_db()
        tasks = list(Task.objects.order_by("pk").values_list("pk", "title", "status"))
        return (self.contact.phone, self.contact.title, self.contact.do_not_contact, tasks)

    def look(self, suggestion: Suggestion, person: User) -> Look | None:
        """Open the page, which keeps in mind what it showed; None where there is none for them."""
        try:
            shown = services.get_for(person, suggestion.pk)
        except AishaError:
            return None
        look = Look(shown.refreshed_at, open_detail(shown, person).diff)
        self.looks[suggestion.pk, person.pk] = look
        return look

    def has_reason(self, suggestion: Suggestion) -> bool:
        """Whether the trigger's own query finds the record now; what no trigger made needs none."""
        if suggestion.origin != Origin.TRIGGER:
            return True
        found = matching(TRIGGERS[suggestion.record_kind], now=self.now)
        return suggestion.record_id in found

    def moved(self) -> list[list[ValueMoved]]:
        """What makes each of the suggestions stale."""
        return [find_moved_of(suggestion) for suggestion in self.suggestions()]

    @rule(hours=st.integers(1, 24 * 12))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @precondition(lambda self: self.has_signals)
    @rule()
    def a_scan_looks(self) -> None:
        self.scan()

    @rule(which=st.integers(0, 1), who=st.integers(0, 3))
    def somebody_looks(self, which: int, who: int) -> None:
        self.look(self.chosen(which), self.people[who])

    @rule(which=st.integers(0, 1), who=st.integers(0, 3))
    def approve(self, which: int, who: int) -> None:
        self.approve_what_was_seen(self.chosen(which), self.people[who], None)

    @rule(which=st.integers(0, 1), who=st.integers(0, 2))
    def look_and_approve(self, which: int, who: int) -> None:
        suggestion, person = self.chosen(which), self.people[who]
        self.look(suggestion, person)
        self.approve_what_was_seen(suggestion, person, None)

    @rule(who=st.integers(0, 2), fields=st.sets(st.sampled_from(["phone", "title"])))
    def approve_a_part(self, who: int, fields: set[str]) -> None:
        update = self.suggestions(record_kind="contact")[-1]
        self.approve_what_was_seen(update, self.people[who], fields)

    def approve_what_was_seen(
        self, suggestion: Suggestion, person: User, fields: Collection[str] | None
    ) -> None:
        """Approve as of the last look, however long ago, and hold what was written against what it showed."""
        look = self.looks.get((suggestion.pk, person.pk)) or self.look(suggestion, person)
        edition = look.edition if look else suggestion.refreshed_at
        has_reason = self.has_reason(suggestion)
        error = self.decide(
            suggestion,
            person,
            lambda pk, user: services.approve(
                suggestion_id=pk, user=user, now=self.now, seen_at=edition, fields=fields
            ),
        )
        after = Suggestion.objects.get(pk=suggestion.pk)
        outcome = error.code if error else "applied in part" if fields else "applied"
        self.outcomes[suggestion.origin, outcome] += 1
        if error is None:
            assert look is not None
            assert look.diff is not None
            assert (has_reason, edition) == (True, suggestion.refreshed_at)
            self.check_written(after, person, look.diff, fields)
        elif isinstance(error, StaleError):
            # A value that was compared is another one indeed: a call alone spoils nothing.
            moved = find_moved_of(suggestion)
            assert error.moved == [one for one in moved if one in error.moved] != []
        is_theirs = (
            suggestion.state == State.PENDING
            and look is not None
            and edition == suggestion.refreshed_at
        )
        if is_theirs and fields is None and not has_reason:
            assert after.state == State.WITHDRAWN

    def check_written(
        self, suggestion: Suggestion, person: User, diff: Diff, fields: Collection[str] | None
    ) -> None:
        """Every field that was shown is written as it was shown, and no other."""
        execution = suggestion.execution
        assert execution is not None
        shown = {row.field: row for row in diff.rows if fields is None or row.field in fields}
        if not diff.is_creation:
            logged = ChangeLog.objects.of_record("contact", self.contact.pk).first()
            assert logged is not None
            assert not shown or (logged.actor_id, logged.changes) == (
                person.pk, {name: [row.before, row.after] for name, row in shown.items()},
            )  # fmt: skip
            return
        model = model_of(diff.record_kind)
        made = model._default_manager.get(pk=execution.record_id)
        columns = {field.attname: field for field in model._meta.concrete_fields}
        for name in model.tracked_fields:
            expected = shown[name].after if name in shown else to_json(columns[name].get_default())
            assert to_json(getattr(made, name)) == expected, name

    @rule(who=st.integers(0, 3), phone=st.sampled_from(PHONES), title=st.sampled_from(TITLES))
    def edit(self, who: int, phone: str, title: str) -> None:
        arguments = {"contact_id": self.contact.pk, "phone": phone, "title": title}
        self.decide(
            self.suggestions(record_kind="contact")[-1],
            self.people[who],
            lambda pk, user: services.edit(
                suggestion_id=pk, user=user, arguments=arguments, now=self.now
            ),
        )

    @rule(which=st.integers(0, 1), who=st.integers(0, 3))
    def reject(self, which: int, who: int) -> None:
        self.decide(
            self.chosen(which),
            self.people[who],
            lambda pk, user: services.reject(
                suggestion_id=pk, user=user, reason="not_needed", now=self.now
            ),
        )

    @rule(which=st.integers(0, 1), who=st.integers(0, 3))
    def reopen(self, which: int, who: int) -> None:
        self.decide(
            self.chosen(which),
            self.people[who],
            lambda pk, user: services.reopen(suggestion_id=pk, user=user, now=self.now),
        )

    @rule(which=st.integers(0, 1), who=st.integers(0, 3))
    def rebase(self, which: int, who: int) -> None:
        suggestion = self.chosen(which)
        has_reason = self.has_reason(suggestion)
        error = self.decide(
            suggestion,
            self.people[who],
            lambda pk, user: services.rebase(suggestion_id=pk, user=user, now=self.now),
        )
        assert error is not None or has_reason

    @rule(which=st.integers(0, 1), who=st.integers(0, 3))
    def undo(self, which: int, who: int) -> None:
        self.decide(
            self.chosen(which),
            self.people[who],
            lambda pk, user: services.undo(suggestion_id=pk, user=user, now=self.now),
        )

    @rule(phone=st.sampled_from(PHONES))
    def somebody_edits_the_contact(self, phone: str) -> None:
        Contact.objects.filter(pk=self.contact.pk).update(phone=phone)

    @rule()
    def somebody_corrects_the_contact(self) -> None:
        Contact.objects.filter(pk=self.contact.pk).update(phone=PHONES[1], title="Head of buying")

    @rule()
    def somebody_asks_not_to_be_contacted(self) -> None:
        Contact.objects.filter(pk=self.contact.pk).update(do_not_contact=True)

    @rule(status=st.sampled_from(["qualified", "unqualified"]))
    def somebody_judges_the_lead(self, status: str) -> None:
        Lead.objects.filter(pk=self.lead.pk).update(status=status)

    @rule()
    def a_task_is_planned(self) -> None:
        TaskFactory(lead=self.lead, owner=self.cast.rep)
        self.planned += 1

    @rule(is_about_lead=st.booleans())
    def a_call_is_logged(self, is_about_lead: bool) -> None:
        before = self.moved()
        about = {"lead": self.lead} if is_about_lead else {"contact": self.contact}
        ActivityFactory(**about, occurred_at=self.now, direction=Direction.OUTBOUND)
        assert self.moved() == before

    @rule()
    def somebody_finishes_the_tasks(self) -> None:
        Task.objects.filter(status="open").update(status="done")

    @invariant()
    def all_holds(self) -> None:
        """Hold everything against the invariants whenever the product has moved, by a decision or a scan."""
        if not self.has_moved:
            return
        self.states_move_by_the_table()
        self.each_change_was_decided_by_a_person_and_happened_once()
        self.what_was_shown_is_what_was_written()
        self.everything_is_on_record_and_nothing_leaves_it()
        self.has_moved = False

    def states_move_by_the_table(self) -> None:
        for suggestion in self.suggestions():
            after = State(suggestion.state)
            before = self.states.get(suggestion.pk, after)
            # Approved is never seen from outside, so a person's yes leads from open to applied.
            ways = MOVES[before] | ({State.APPLIED} if State.APPROVED in MOVES[before] else set())
            assert after == before or after in ways, (before, after)
            assert after != State.APPROVED
            self.states[suggestion.pk] = after

    def each_change_was_decided_by_a_person_and_happened_once(self) -> None:
        done = Execution.objects.filter(status=ExecutionStatus.SUCCEEDED)
        keys = Counter(done.values_list("idempotency_key", flat=True))
        assert set(keys.values()) <= {1}
        states = dict(Suggestion.objects.values_list("pk", "state"))
        ever_applied = [
            pk for pk, state in states.items() if state in {State.APPLIED, State.UNDONE}
        ]
        assert {f"suggestion:{pk}" for pk in ever_applied} == {
            key for key in keys if key.startswith("suggestion:")
        }
        approvals = Decision.objects.filter(verdict="approve").count()
        assert approvals == len(ever_applied) == done.filter(undoes=None).count()
        undone = [pk for pk, state in states.items() if state == State.UNDONE]
        assert done.exclude(undoes=None).count() == len(undone)
        made = done.filter(undoes=None, record_kind="task").count()
        assert Task.objects.count() == self.planned + made

    def what_was_shown_is_what_was_written(self) -> None:
        for execution in Execution.objects.filter(status=ExecutionStatus.SUCCEEDED):
            if execution.tool != "update_contact":
                continue
            key = f"contact:{self.contact.pk}"
            before = execution.before_values[key]
            changed = {
                name: [before[name], after]
                for name, after in execution.after_values.items()
                if before[name] != after
            }
            logged = [
                row.changes
                for row in ChangeLog.objects.of_record("contact", self.contact.pk)
                if row.actor_id == execution.approved_by_id
            ]
            assert not changed or changed in logged

    def everything_is_on_record_and_nothing_leaves_it(self) -> None:
        entries = list(AuditEntry.objects.order_by("pk").values_list("pk", flat=True))
        assert entries[: len(self.entries)] == self.entries
        self.entries = entries
        events = Counter(
            AuditEntry.objects.exclude(suggestion_id=None).values_list("event", flat=True)
        )
        done = Execution.objects.filter(status=ExecutionStatus.SUCCEEDED)
        assert events["execution.succeeded"] == done.filter(undoes=None).count()
        assert events["execution.undone"] == done.exclude(undoes=None).count()
        assert events["suggestion.rejected"] == Decision.objects.filter(verdict="reject").count()


def run(cast: Cast, histories: int, part: int | None = None) -> set[tuple[str, str]]:
    """Run so many histories of up to 25 steps, each on fresh suggestions; return what came of approvals.

    The same ones each time; another part runs others.
    """
    outcomes: Counter[tuple[str, str]] = Counter()
    machine = type("CastReview", (Review,), {"cast": cast, "outcomes": outcomes})
    run_state_machine_as_test(
        machine if part is None else seed(part)(machine),
        settings=settings(
            max_examples=histories,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return set(outcomes)


def test_two_hundred_interleavings_keep_the_invariants(cast: Cast) -> None:
    came_of_it = run(cast, 200)
    # They prove something only as long as approvals come to every end, with signals and without.
    ends = {"applied", "applied in part", "already_decided", "changed_since_seen"}
    assert came_of_it >= {(origin, end) for origin in ("trigger", "person") for end in ends}
    # What has lost its reason is withdrawn before its values are compared.
    assert came_of_it >= {("trigger", "withdrawn"), ("person", "stale")}


@pytest.mark.soak
@pytest.mark.parametrize("part", range(1, 41))
def test_ten_thousand_interleavings_keep_the_invariants(cast: Cast, part: int) -> None:
    # In forty parts: it tells how far it is, and goes on after an interruption (`ARGS=--stepwise`). The
    # histories of a part leave their dead rows in one transaction, where nothing clears them: it grows slow.
    run(cast, 250, part)
