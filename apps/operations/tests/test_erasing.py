"""Erasing a person: nothing that they could be recognised by is left, and nobody else loses anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection
from psycopg import sql

from apps.assistant.models import Conversation
from apps.assistant.tests.factories import make_answer, make_conversation
from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.audit.schemas import Actor
from apps.audit.sealing import seal_log
from apps.audit.verifying import verify_log
from apps.conftest import Cast, TenantClient, make_cast, owner_connection
from apps.crm.enums import RecordKind
from apps.crm.models import (
    Account,
    Activity,
    ChangeLog,
    Contact,
    Draft,
    Lead,
    Opportunity,
    Record,
    Task,
)
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    DraftFactory,
    LeadFactory,
    OpportunityFactory,
    TaskFactory,
    merge,
)
from apps.duplicates.models import Pair, RecordKeys
from apps.duplicates.models.pairs import key_of
from apps.duplicates.tests.pairs import make_pair
from apps.execution.exceptions import ExecutionError
from apps.execution.schemas import RecordRef
from apps.operations.privacy.erasing import erase_person
from apps.operations.privacy.people import ERASED, Person, find_person
from apps.predictions.enums import Prediction
from apps.predictions.models import Score
from apps.predictions.tests.factories import ScoreFactory
from apps.realtime.models import RealtimeSettings, TelemetryEvent, ToolCall
from apps.realtime.telemetry import take
from apps.realtime.tests.factories import batch, event, make_session
from apps.suggestions.enums import RejectReason, State
from apps.suggestions.models import Decision, Suggestion
from apps.suggestions.services import approve, reject, undo
from apps.suggestions.tests.cases import NOW, quiet_lead, scan
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.triggers.enums import ScanKind
from apps.triggers.models import Signal
from apps.triggers.services import look_around
from apps.users.models import KeptAnswer

ACTOR = Actor.for_system("tests")
NAMES = {"first_name": "Zoë", "last_name": "Quarz-Ünal"}
EMAIL, FORMER, NEXT = "zoe.q@isdom.com", "zq@former.example", "+49 30 5550177"
PHONE = "+49 30 5550199"
# What must be found nowhere, as texts that are looked for without regard to case.
TRACES = ("quarz-ünal", "zoë", EMAIL, FORMER, "5550199", "555-0199", "5550177", "likes tulips")


@pytest.fixture
def owned(committed_tenant: Tenant) -> Iterator[Tenant]:
    """The tenant, entered as the owner of the database."""
    with owner_connection():
        tenant_connection().set_tenant(committed_tenant)
        yield committed_tenant
    tenant_connection().set_tenant(committed_tenant)


def put_in_person(cast: Cast) -> Contact:
    """A contact who has left traces wherever a person types, and in what is deleted."""
    rep = cast.rep
    account = AccountFactory(name="Isdom", owner=rep, notes=f"Ask for ZOË QUARZ-ÜNAL ({PHONE}).")
    contact = ContactFactory(
        **NAMES, account=account, owner=rep, email=FORMER, phone=PHONE, title="Head of tulips",
        notes="Likes tulips", attributes={"garden": "likes tulips"},
    )  # fmt: skip
    Contact.objects.filter(pk=contact.pk).update(email=EMAIL)
    deal = OpportunityFactory(
        account=account, contact=contact, owner=rep, next_step=f"Write to <{EMAIL}>"
    )
    Opportunity.objects.filter(pk=deal.pk).update(notes="Quarz-Ünal, Zoë said: +49 (30) 555-0199")
    for _ in range(2):
        quiet_lead(rep, **NAMES, email=EMAIL, phone=PHONE, notes="likes tulips")
    Lead.objects.filter(email=EMAIL).update(converted_contact=contact)
    mail = ActivityFactory(
        owner=rep, contact=contact, counterpart_address=EMAIL, counterpart_name="Zoë Quarz-Ünal",
        subject="Zoë likes tulips", body=f"Reach me at {NEXT}", stated_details={"phone": NEXT},
        occurred_at=NOW - timedelta(days=1),
    )  # fmt: skip
    gone = ActivityFactory(owner=rep, contact=contact, body="Zoë likes tulips")
    gone.delete()
    ActivityFactory(owner=rep, counterpart_address=EMAIL, subject="Likes tulips", body="Zoë")
    TaskFactory(owner=rep, contact=contact, title="Call Zoë", description="likes tulips")
    DraftFactory(owner=rep, contact=contact, to_address=EMAIL, body="Dear Zoë, you likes tulips")
    KeptAnswer.objects.create(
        user=rep, key_hash="1", fingerprint="1", status=201, answered_at=NOW,
        body=f'{{"first_name": "Zoë", "email": "{EMAIL}"}}',
    )  # fmt: skip
    LogEntry.objects.create(
        user=cast.admin, content_type=ContentType.objects.get_for_model(mail),
        object_id=str(mail.pk), object_repr="Zoë likes tulips", action_flag=CHANGE,
    )  # fmt: skip
    LogEntry.objects.create(
        user=cast.admin, content_type=ContentType.objects.get(app_label="users", model="user"),
        object_id="1", object_repr=f"{EMAIL} was here", action_flag=CHANGE,
    )  # fmt: skip
    return contact


def decide(cast: Cast) -> None:
    """One suggestion is applied, one rejected with a note, the others wait."""
    assert scan().suggestions_created == 3
    correction = Suggestion.objects.get(goal="correct_contact")
    approve(suggestion_id=correction.pk, user=cast.rep, now=NOW)
    refused = Suggestion.objects.filter(state=State.PENDING).order_by("pk").first()
    assert refused is not None
    reject(
        suggestion_id=refused.pk, user=cast.rep, reason=RejectReason.NOT_NEEDED, now=NOW,
        note=f"Zoë Quarz-Ünal ({EMAIL}) asked not to",
    )  # fmt: skip


def put_in_somebody_else(cast: Cast) -> list[Record]:
    """People who are called and reached nearly alike, and what hangs on them."""
    other = ContactFactory(
        owner=cast.rep, first_name="Mia", last_name="Tarn", email=f"x{EMAIL}.br", phone="030 777",
        notes="likes tulips more", attributes={"garden": "roses"},
    )  # fmt: skip
    about = {"owner": cast.rep, "contact": other}
    return [
        other,
        ActivityFactory(**about, counterpart_address=f"x{EMAIL}.br", body="Mia writes"),
        TaskFactory(**about, title="Call Mia", description="at 3005550199123"),
        DraftFactory(**about, to_address="mia@isdom.com"),
        LeadFactory(owner=cast.rep, first_name="Zoé", last_name="Quarz"),
    ]


def search_everywhere(text: str) -> list[str]:
    """The columns of the schema in whose rows a text stands, whatever their type."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " JOIN information_schema.tables USING (table_schema, table_name)"
            " WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
        )
        for table, column in cursor.fetchall():
            cursor.execute(
                sql.SQL("SELECT count(*) FROM {} WHERE lower({}::text) LIKE lower(%s)").format(
                    sql.Identifier(table), sql.Identifier(column)
                ),
                [f"%{text}%"],
            )
            if cursor.fetchone()[0]:
                found.append(f"{table}.{column}")
    return sorted(found)


def run(*arguments: str) -> list[str]:
    told = StringIO()
    call_command("erase_person", "--tenant", "race", *arguments, stdout=told)
    return told.getvalue().splitlines()


def everything() -> dict[str, list[Any]]:
    """All rows of the schema."""
    rows = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        for (table,) in cursor.fetchall():
            cursor.execute(sql.SQL("SELECT to_jsonb(t) FROM {} t").format(sql.Identifier(table)))
            rows[table] = sorted(map(str, cursor.fetchall()))
    return rows


def test_nothing_of_the_person_is_left_and_a_second_run_says_so(owned: Tenant) -> None:
    cast = make_cast()
    contact = put_in_person(cast)
    decide(cast)
    # Each trace was there to be found.
    for trace in TRACES:
        assert len(search_everywhere(trace)) >= 1, trace
    counts = {model: model._default_manager.count() for model in (Contact, Lead, Activity, Task)}

    told = run("--contact", str(contact.pk), "--yes")

    assert told[0] == "Erased:"
    assert {trace: search_everywhere(trace) for trace in TRACES} == {trace: [] for trace in TRACES}
    assert {model: model._default_manager.count() for model in counts} == counts
    contact.refresh_from_db()
    assert (str(contact), contact.email, contact.do_not_contact) == (
        f"Contact {contact.pk}",
        "",
        True,
    )
    account = Account.objects.get(name="Isdom")
    assert account.notes == "Ask for [erased] ([erased])."
    assert Draft.objects.get().status == "discarded"
    assert not Suggestion.objects.filter(
        record_kind__in=["contact", "lead"], state__in=[State.PENDING, State.SNOOZED, State.FAILED]
    ).exists()
    assert [decision.note for decision in Decision.objects.exclude(note="")] == []

    assert run("--contact", str(contact.pk), "--yes") == ["Nothing is left to erase."]
    assert AuditEntry.objects.filter(event=Event.DATA_ERASED).count() == 1


def test_scores_of_the_person_go_and_others_stay(owned: Tenant) -> None:
    contact = put_in_person(make_cast())
    engaged = {"prediction": Prediction.CONTACT_ENGAGEMENT, "record_kind": "contact"}
    ScoreFactory(record_id=contact.pk, **engaged)
    other = ScoreFactory(record_id=LeadFactory().pk)
    run("--contact", str(contact.pk), "--yes")
    assert list(Score.objects.all()) == [other]
    entry = AuditEntry.objects.get(event=Event.DATA_ERASED)
    assert entry.details["by_table"]["predictions_score"] == 1


def test_whom_the_person_was_held_for_goes_and_other_pairs_stay(owned: Tenant) -> None:
    contact = put_in_person(make_cast())
    twin, others = LeadFactory(), (LeadFactory(), LeadFactory())
    for one, other in ((contact, twin), others):
        refs = RecordRef(one.kind, one.pk), RecordRef(other.kind, other.pk)
        Pair.objects.create(
            subject="person", key=key_of(*refs), survivor_kind=one.kind, survivor_id=one.pk,
            duplicate_kind=other.kind, duplicate_id=other.pk, probability=0.9, found_by="batch",
            found_at=NOW, compared_at=NOW,
        )  # fmt: skip
        RecordKeys.objects.create(record_kind=one.kind, record_id=one.pk, keys=[1])
    run("--contact", str(contact.pk), "--yes")
    assert [pair.survivor.id for pair in Pair.objects.all()] == [others[0].pk]
    assert [held.record_id for held in RecordKeys.objects.all()] == [others[0].pk]


def test_nobody_is_held_for_the_person_from_the_next_round_on(owned: Tenant) -> None:
    contact = put_in_person(make_cast())
    make_pair(ContactFactory(), contact, 0.95)
    duplicates = Signal.objects.firing().filter(trigger="contact_duplicate")
    look_around(ScanKind.INCREMENTAL, now=NOW)
    assert duplicates.count() == 1
    run("--contact", str(contact.pk), "--yes")
    look_around(ScanKind.INCREMENTAL, now=NOW)
    assert duplicates.count() == 0


def test_one_entry_with_counts_and_the_audit_log_stays_whole(owned: Tenant) -> None:
    cast = make_cast()
    contact = put_in_person(cast)
    decide(cast)
    seal_log(now=NOW)
    before = AuditEntry.objects.count()
    run("--contact", str(contact.pk), "--yes")
    seal_log(now=NOW)
    verdict = verify_log()
    assert (verdict.is_whole, verdict.unsealed) == (True, 0)
    entry = AuditEntry.objects.get(event=Event.DATA_ERASED)
    assert (entry.record_kind, entry.record_id, entry.actor_name) == (
        "contact", contact.pk, "erase_person",
    )  # fmt: skip
    assert set(entry.details) == {"rows", "by_table"}
    assert entry.details["rows"] == sum(entry.details["by_table"].values())
    assert entry.details["by_table"]["crm_contact"] == 1
    assert entry.details["by_table"]["execution_execution"] == 1
    # And what was closed says that it was.
    assert set(AuditEntry.objects.order_by("id").values_list("event", flat=True)[before:]) == {
        "suggestion.withdrawn",
        "data.erased",
    }


def test_somebody_else_is_untouched(owned: Tenant) -> None:
    cast = make_cast()
    others = put_in_somebody_else(cast)
    kept = {row: type(row)._default_manager.filter(pk=row.pk).values().get() for row in others}
    history = list(ChangeLog.objects.order_by("pk").values())
    contact = put_in_person(cast)
    run("--contact", str(contact.pk), "--yes")
    for row, values in kept.items():
        assert type(row)._default_manager.filter(pk=row.pk).values().get() == values
    assert list(ChangeLog.objects.order_by("pk").values()[: len(history)]) == history


def test_what_others_have_too_stays_with_them(owned: Tenant) -> None:
    cast = make_cast()
    twin = ContactFactory(**NAMES, owner=cast.rep, phone="0049 30 / 5550199")
    namesake = TaskFactory(contact=twin, title="Call Zoë Quarz-Ünal", owner=cast.rep)
    account = AccountFactory(phone=PHONE, notes=f"Zoë Quarz-Ünal, {EMAIL}, {PHONE}")
    person = ContactFactory(**NAMES, owner=cast.rep, email=EMAIL, phone=PHONE)
    own = TaskFactory(contact=person, title="Call Zoë Quarz-Ünal", owner=cast.rep)
    told = run("--contact", str(person.pk), "--yes")
    assert told[-1] == "Others have the same name and phone: left where it stands with them."
    for row in (twin, namesake, account, own):
        row.refresh_from_db()
    assert (twin.first_name, namesake.title, own.title) == (
        "Zoë",
        "Call Zoë Quarz-Ünal",
        "[erased]",
    )
    assert account.notes == f"Zoë Quarz-Ünal, [erased], {PHONE}"


def test_a_row_that_hangs_on_two_people_loses_the_mention_alone(owned: Tenant) -> None:
    cast = make_cast()
    person, other = ContactFactory(**NAMES, email=EMAIL), LeadFactory(owner=cast.rep)
    both = ActivityFactory(
        contact=person, lead=other, subject="Lunch", body=f"With Zoë  Quarz-Ünal, {EMAIL.upper()}!"
    )
    erase_person(RecordKind.CONTACT, person.pk, actor=ACTOR)
    both.refresh_from_db()
    assert (both.subject, both.body) == ("Lunch", "With [erased], [erased]!")


def test_without_yes_nothing_is_written(owned: Tenant) -> None:
    cast = make_cast()
    contact = put_in_person(cast)
    decide(cast)
    before = everything()
    told = run("--contact", str(contact.pk))
    assert told[0] == "Would be erased:"
    assert told[-1] == "Nothing was written. Run it again with --yes to erase."
    assert everything() == before
    # It tells counts and ids, and the same as the erasing itself.
    for trace in TRACES:
        assert not re.search(re.escape(trace), "\n".join(told), re.IGNORECASE)
    assert run("--contact", str(contact.pk), "--yes")[1:] == told[1:-1]


def test_a_lead_takes_its_contact_along(owned: Tenant) -> None:
    make_cast()
    contact = ContactFactory(**NAMES, email=EMAIL)
    lead = LeadFactory(**NAMES, email=EMAIL, converted_contact=contact)
    told = run("--lead", str(lead.pk), "--yes")
    assert told[:3] == ["Erased:", f"  contact {contact.pk}", f"  lead {lead.pk}"]
    assert (search_everywhere("zoë"), search_everywhere(EMAIL)) == ([], [])


def test_what_was_merged_is_the_same_person_whichever_is_named(owned: Tenant) -> None:
    cast = make_cast()
    lead = LeadFactory(owner=cast.rep, **NAMES, phone=PHONE)
    older = LeadFactory(owner=cast.rep, **NAMES, email=FORMER)
    merged, survivor = (ContactFactory(owner=cast.rep, **NAMES) for _ in range(2))
    other = ContactFactory(owner=cast.rep, first_name="Mia", email="mia@isdom.com")
    merge(older, lead)
    merge(lead, merged)
    merge(merged, survivor)
    people = {find_person(record.kind, record.pk) for record in (lead, older, merged, survivor)}
    assert people == {Person(frozenset({merged.pk, survivor.pk}), frozenset({lead.pk, older.pk}))}

    assert run("--contact", str(survivor.pk), "--yes")[0] == "Erased:"

    for trace in ("quarz-ünal", FORMER, "5550199"):
        assert search_everywhere(trace) == []
    other.refresh_from_db()
    assert other.email == "mia@isdom.com"
    assert Lead.everything.get(pk=older.pk).survivor == survivor


def test_whoever_was_deleted_has_a_history(owned: Tenant) -> None:
    make_cast()
    contact = ContactFactory(**NAMES, email=EMAIL, phone=PHONE)
    TaskFactory(contact=contact, title="Call Zoë")
    pk = contact.pk
    contact.delete()
    assert search_everywhere("zoë") == ["crm_changelog.changes"]
    run("--contact", str(pk), "--yes")
    assert (search_everywhere("zoë"), search_everywhere(EMAIL)) == ([], [])
    assert run("--contact", str(pk), "--yes") == ["Nothing is left to erase."]


def test_the_pages_of_what_was_erased_are_still_there(committed_tenant: Tenant) -> None:
    cast = make_cast()
    contact = put_in_person(cast)
    decide(cast)
    with owner_connection():
        tenant_connection().set_tenant(committed_tenant)
        erase_person(RecordKind.CONTACT, contact.pk, actor=ACTOR)
    tenant_connection().set_tenant(committed_tenant)
    client = TenantClient("race.localhost")
    client.force_login(cast.manager)
    rows: list[Record | Suggestion] = [*Suggestion.objects.all(), Draft.objects.get()]
    for model in (Contact, Lead, Task, Activity, Account, Opportunity):
        rows.extend(model._default_manager.all())
    for page in [row.get_absolute_url() for row in rows]:
        answer = client.get(page)
        text = answer.content.decode().lower()
        assert (page, answer.status_code) == (page, 200)
        assert (page, [trace for trace in TRACES if trace in text]) == (page, [])
    applied = Suggestion.objects.get(state=State.APPLIED)
    assert client.get(f"{applied.get_absolute_url()}undo/").status_code == 200
    with pytest.raises(ExecutionError):
        undo(suggestion_id=applied.pk, user=cast.manager, now=NOW)
    # And nothing is suggested about somebody of whom nothing is known.
    later = scan(timedelta(minutes=1))
    assert (later.status, later.suggestions_created) == ("succeeded", 0)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--contact", "999"), "There is no contact 999, and never was one."),
        (("--lead", "999"), "There is no lead 999, and never was one."),
    ],
)
def test_nobody_of_that_id(owned: Tenant, arguments: tuple[str, str], says: str) -> None:
    with pytest.raises(CommandError, match=re.escape(says)):
        run(*arguments)


def test_the_run_time_login_cannot(cast: Cast) -> None:
    contact = ContactFactory(**NAMES, email=EMAIL)
    Contact.objects.filter(pk=contact.pk).update(title="Other")
    with pytest.raises(ProgrammingError, match="permission denied"):
        erase_person(RecordKind.CONTACT, contact.pk, actor=ACTOR)
    contact.refresh_from_db()
    assert contact.email == EMAIL


def test_it_is_another_tenants_business(owned: Tenant) -> None:
    with pytest.raises(CommandError, match="There is no tenant 'nobody'"):
        call_command("erase_person", "--tenant", "nobody", "--contact", "1")
    with pytest.raises(CommandError, match="There is no tenant 'public'"):
        call_command("erase_person", "--tenant", "public", "--contact", "1")


def test_conversations_about_the_person_go_and_answers_about_them_are_emptied(
    owned: Tenant,
) -> None:
    cast = make_cast()
    zoe = ContactFactory(owner=cast.rep, **NAMES, email=EMAIL)
    about = make_conversation(cast.rep, "Who is this?")
    Conversation.objects.filter(pk=about.pk).update(record_kind="contact", record_id=zoe.pk)
    other = make_conversation(cast.rep, "Who likes tulips? Zoë Quarz-Ünal?")
    answer = make_answer(other, "It is a woman in Isdom.", f"contact:{zoe.pk}")
    erase_person(RecordKind.CONTACT, zoe.pk, actor=ACTOR)
    assert list(Conversation.objects.all()) == [other]
    answer.refresh_from_db()
    assert (answer.text, answer.sentences, answer.facts) == (ERASED, [], [])
    (asked, _) = other.messages.all()
    assert asked.text == f"Who likes tulips? {ERASED}?"


def test_what_a_call_was_answered_and_told_of_the_person_goes(owned: Tenant) -> None:
    cast = make_cast()
    zoe = ContactFactory(owner=cast.rep, **NAMES, email=EMAIL)
    session = make_session(cast.rep)
    call = ToolCall.objects.create(
        session=session, call_id="call_1", tool="record_summary", status="answered", called_at=NOW,
        latency_ms=1, answer={"facts": [{"text": "likes tulips", "record": f"contact:{zoe.pk}"}]},
    )  # fmt: skip
    RealtimeSettings.objects.create(pk=1, keeps_texts=True)
    said = event("response.done", data={"transcript": f"Zoë Quarz-Ünal, {EMAIL}, is here"})
    take(cast.rep, batch(session, said), NOW)
    erasure = erase_person(RecordKind.CONTACT, zoe.pk, actor=ACTOR)
    call.refresh_from_db()
    assert (call.tool, call.answer) == ("record_summary", {})
    assert TelemetryEvent.objects.get().data == {"transcript": f"{ERASED}, {ERASED}, is here"}
    assert (erasure.rows["realtime_toolcall"], erasure.rows["realtime_telemetryevent"]) == (1, 1)
