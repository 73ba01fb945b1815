"""A question that nothing came of is asked once, until the signal, the facts or the readers change."""

from __future__ import annotations

from datetime import timedelta

from apps.audit.models import AuditEntry
from apps.audit.schemas import Actor
from apps.brain.models import BrainCall
from apps.conftest import Cast
from apps.crm.models import Activity, Contact
from apps.crm.tests.factories import ActivityFactory, ContactFactory
from apps.suggestions.models import NothingProposed, Suggestion
from apps.suggestions.pipeline.run import bring_up_to_date
from apps.suggestions.tests.cases import NOW, quiet_lead, scan
from apps.tenants.enums import Role
from apps.tenants.tests.watching import watching_statements
from apps.triggers.models import Signal, Silence
from apps.users.models import User

LATER = timedelta(minutes=1)
MUCH_LATER = timedelta(minutes=2)


def bounce(contact: Contact, owner: User, hours_ago: int = 48) -> Activity:
    activity: Activity = ActivityFactory(
        owner=owner,
        contact=contact,
        activity_kind="email",
        direction="outbound",
        delivery="bounced",
        counterpart_address=contact.email,
        occurred_at=NOW - timedelta(hours=hours_ago),
    )
    return activity


def bounced_for_another_team(cast: Cast) -> Contact:
    """A conflict that only a message proves which the contact's owner may not see."""
    contact: Contact = ContactFactory(owner=cast.rep, email="ana@isdom.example")
    bounce(contact, cast.outsider)
    return contact


def asked() -> list[tuple[int, int]]:
    """Tasks and proposals of every call to the Brain, in turn."""
    return list(BrainCall.objects.order_by("pk").values_list("tasks_count", "proposals_count"))


def test_the_second_scan_asks_nothing(cast: Cast) -> None:
    contact = bounced_for_another_team(cast)
    scan()
    assert asked() == [(1, 0)]
    mark = NothingProposed.objects.get()
    assert (mark.record_kind, mark.record_id, mark.goal, mark.asked_at) == (
        "contact", contact.pk, "correct_contact", NOW,
    )  # fmt: skip
    scan(LATER)
    scan(timedelta(days=1))
    assert asked() == [(1, 0)]
    assert AuditEntry.objects.filter(event="proposal.dropped").count() == 1
    assert AuditEntry.objects.filter(event="brain.called").count() == 1
    assert NothingProposed.objects.get().asked_at == NOW
    assert Signal.objects.firing().count() == 1
    assert Suggestion.objects.count() == 0


def test_what_else_awaits_is_asked_without_it(cast: Cast) -> None:
    bounced_for_another_team(cast)
    scan()
    quiet_lead(cast.rep)
    assert scan(LATER).suggestions_created == 1
    assert asked() == [(1, 0), (1, 1)]


def test_a_changed_signal_is_asked_again(cast: Cast) -> None:
    contact = bounced_for_another_team(cast)
    scan()
    # Again one that the owner may not see: the facts are the same, the signal is not.
    bounce(contact, cast.outsider, hours_ago=24)
    scan(LATER)
    assert asked() == [(1, 0), (1, 0)]
    assert NothingProposed.objects.get().asked_at == NOW + LATER
    scan(MUCH_LATER)
    assert len(asked()) == 2


def test_evidence_that_may_be_seen_makes_the_suggestion(cast: Cast) -> None:
    contact = bounced_for_another_team(cast)
    scan()
    bounce(contact, cast.teammate, hours_ago=24)
    assert scan(LATER).suggestions_created == 1
    assert asked() == [(1, 0), (1, 1)]
    assert Suggestion.objects.get().arguments == {
        "contact_id": contact.pk,
        "email_status": "bounced",
    }


def test_another_owner_is_asked_for(cast: Cast) -> None:
    contact = bounced_for_another_team(cast)
    scan()
    Contact.objects.filter(pk=contact.pk).update(owner=cast.outsider)
    assert scan(LATER).suggestions_created == 1
    assert Suggestion.objects.get().assignee == cast.outsider


def test_a_reader_who_joins_the_team_is_asked_for_though_the_signal_is_the_same(cast: Cast) -> None:
    bounced_for_another_team(cast)
    scan()
    before = Signal.objects.get()
    User.objects.filter(pk=cast.outsider.pk).update(team=cast.rep.team)
    assert scan(LATER).suggestions_created == 1
    assert Signal.objects.get().refreshed_at == before.refreshed_at
    assert asked() == [(1, 0), (1, 1)]


def test_other_tools_make_another_question(cast: Cast) -> None:
    bounced_for_another_team(cast)
    scan()
    Silence.objects.create(tool="update_contact", until=NOW + LATER + LATER)
    scan(LATER)
    scan(LATER)
    assert asked() == [(1, 0), (1, 0)]
    scan(timedelta(hours=1))
    assert len(asked()) == 3


def test_a_signal_that_fires_anew_is_asked_again(cast: Cast) -> None:
    contact = bounced_for_another_team(cast)
    scan()
    Contact.objects.filter(pk=contact.pk).update(email="other@isdom.example")
    scan(LATER)
    assert Signal.objects.firing().count() == 0
    Contact.objects.filter(pk=contact.pk).update(email="ana@isdom.example")
    scan(MUCH_LATER)
    assert asked() == [(1, 0), (1, 0)]


def test_an_open_suggestion_whose_evidence_is_gone_is_asked_about_once(cast: Cast) -> None:
    contact: Contact = ContactFactory(owner=cast.rep, email="ana@isdom.example")
    own = bounce(contact, cast.rep)
    scan()
    Activity.objects.filter(pk=own.pk).update(owner=cast.outsider)
    Signal.objects.update(refreshed_at=NOW + LATER)
    for minutes in (1, 2, 3):
        assert scan(timedelta(minutes=minutes)).suggestions_refreshed == 0
    assert asked() == [(1, 1), (1, 0)]
    suggestion = Suggestion.objects.get()
    actor = Actor.for_person(cast.rep)
    assert not bring_up_to_date(suggestion, actor=actor, now=NOW + timedelta(minutes=4))
    assert len(asked()) == 2


def test_the_note_is_written_by_the_ai(cast: Cast) -> None:
    bounced_for_another_team(cast)
    with watching_statements() as statements:
        scan()
    assert statements.accounts_of('INSERT INTO "suggestions_nothingproposed"') == {Role.AI.value}
