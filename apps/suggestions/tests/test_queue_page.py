"""The review queue as pages: what is shown to whom, and what a decision answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.conftest import Cast, TenantClient
from apps.crm.models import Lead, Task
from apps.crm.tests.factories import LeadFactory
from apps.suggestions.enums import HeldBack, State
from apps.suggestions.facets import FACETS
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.cases import put_in
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.models import Tenant
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]

NAMED_IN_BAR = (
    "can_decide", "refusal", "stale", "reject_reasons", "snooze_choices", "stop_scopes", "stop_days",
    "may_reassign", "kept_query", "can_edit", "takes_parts", "undoable_until", "csrf_token",
)  # fmt: skip


def own(cast: Cast, **values: object) -> Suggestion:
    return SuggestionFactory(assignee=cast.rep, lead=LeadFactory(owner=cast.rep), **values)


def test_a_rep_sees_their_own_team_and_unassigned_but_not_others(
    cast: Cast, client_for: ClientFor
) -> None:
    own(cast, title="Mine to decide")
    SuggestionFactory(assignee=cast.teammate, title="A teammate's")
    SuggestionFactory(assignee=None, title="Nobody's")
    SuggestionFactory(assignee=cast.outsider, title="Another team's")
    client = client_for(cast.rep)
    mine = client.get("/suggestions/").content.decode()
    team = client.get("/suggestions/?view=team").content.decode()
    unassigned = client.get("/suggestions/?view=unassigned").content.decode()
    assert ("Mine to decide" in mine, "A teammate" in mine, "Nobody&#x27;s" in mine) == (
        True,
        False,
        False,
    )
    assert ("A teammate&#x27;s" in team, "Another team" in team) == (True, False)
    assert ("Nobody&#x27;s" in unassigned, "Mine to decide" in unassigned) == (True, False)


def test_a_manager_sees_everyones(cast: Cast, client_for: ClientFor) -> None:
    SuggestionFactory(assignee=cast.outsider, title="Another team's")
    page = client_for(cast.manager).get("/suggestions/").content.decode()
    assert "Another team&#x27;s" in page


def test_the_card_of_another_team_is_a_404(cast: Cast, client_for: ClientFor) -> None:
    other = SuggestionFactory(assignee=cast.outsider)
    client = client_for(cast.rep)
    assert client.get(f"/suggestions/{other.pk}/").status_code == 404
    for verb in ("approve", "reject", "snooze", "rebase", "reopen"):
        assert (
            client.post(f"/suggestions/{other.pk}/{verb}/", {"reason": "not_needed"}).status_code
            == 404
        )
    other.refresh_from_db()
    assert other.state == State.PENDING


def test_another_tenants_card_is_a_404(
    cast: Cast, globex: Tenant, globex_cast: Cast, client_for: ClientFor
) -> None:
    with globex:
        foreign = SuggestionFactory.create_batch(3, assignee=None)[-1]
    client = client_for(cast.manager)
    assert client.get(f"/suggestions/{foreign.pk}/").status_code == 404
    assert client.post(f"/suggestions/{foreign.pk}/approve/").status_code == 404


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/suggestions/", 12),
        ("/suggestions/?risk=low&age=week", 12),
        ("/suggestions/?view=done", 8),
    ],
)
def test_query_count_does_not_grow_with_cards(
    cast: Cast, client_for: ClientFor, path: str, expected: int
) -> None:
    client = client_for(cast.rep)
    counts = []
    for total in (1, 3):
        while Suggestion.objects.count() < total:
            own(cast)
        # The first look at a card is put on record; it is not counted here.
        client.get(path)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        counts.append(len(queries))
    # Two of them set the search path, one asks whether the rules write in a model's place.
    assert counts == [expected, expected]


def test_held_back_ones_are_listed_and_counted(cast: Cast, client_for: ClientFor) -> None:
    own(cast, title="In the queue")
    own(cast, title="Kept for later", held_back=HeldBack.DAILY_CAP)
    client = client_for(cast.rep)
    queue = client.get("/suggestions/").content.decode()
    assert "Kept for later" not in queue
    assert (
        "1 more is held back</a>: above the limit per person and day,"
        " or of a kind that is hardly ever wanted." in queue
    )
    assert "Kept for later" in client.get("/suggestions/?view=held_back").content.decode()


def test_search_narrows_the_list(cast: Cast, client_for: ClientFor) -> None:
    own(cast, title="Call the bakery")
    own(cast, title="Call the bank")
    page = client_for(cast.rep).get("/suggestions/?q=bakery").content.decode()
    assert ("Call the bakery" in page, "Call the bank" in page) == (True, False)


def test_the_filters_are_folded_and_empty_until_something_is_asked(
    cast: Cast, client_for: ClientFor
) -> None:
    own(cast)
    client = client_for(cast.rep)
    blank = client.get("/suggestions/?view=team").content.decode()
    again = client.get("/suggestions/?view=team&q=+&goal=").content.decode()
    for page in (blank, again):
        assert '<details class="queue-filters" >' in page
        assert page.count(" selected>Any</option>") == len(FACETS)
        assert '<input type="hidden" name="view" value="team">' in page
        assert ">Clear</a>" not in page


def test_filters_show_what_was_asked_and_what_is_wrong_with_it(
    cast: Cast, client_for: ClientFor
) -> None:
    own(cast)
    client = client_for(cast.rep)
    page = client.get(
        "/suggestions/?view=team&q=%3Cb%3E&urgency=2&goal=never&page=2"
    ).content.decode()
    assert '<details class="queue-filters" open>' in page
    assert 'value="&lt;b&gt;"' in page
    assert '<option value="2" selected>' in page
    assert "Select a valid choice. never is not one of the available choices." in page
    assert (
        '<a class="button button-small button-quiet" href="/suggestions/?view=team">Clear</a>'
        in page
    )
    assert "Goal: <bdi>" not in page
    # What narrows the list is told beside it, and each can be dropped; where nothing is wrong, it is folded.
    assert 'href="/suggestions/?view=team&amp;urgency=2&amp;goal=never"' in page
    right = client.get("/suggestions/?view=team&q=%3Cb%3E&urgency=2").content.decode()
    assert '<details class="queue-filters" >' in right
    assert right.count('<span class="visually-hidden">Drop </span>') == 2
    assert "Search: <bdi>“&lt;b&gt;”</bdi>" in right
    # The next person's form is blank again.
    assert "never" not in client.get("/suggestions/").content.decode()


def test_filters_that_nothing_fits_lead_back_to_the_view(cast: Cast, client_for: ClientFor) -> None:
    own(cast)
    page = client_for(cast.rep).get("/suggestions/?view=team&q=nowhere").content.decode()
    assert "Nothing matches these filters" in page
    assert '<a class="button" href="/suggestions/?view=team">Clear the filters</a>' in page


def test_a_card_keeps_the_view_when_it_is_opened(cast: Cast, client_for: ClientFor) -> None:
    suggestion = own(cast, title="Call <b>Kim</b>")
    page = client_for(cast.rep).get("/suggestions/?view=mine&q=Kim").content.decode()
    address = f"/suggestions/{suggestion.pk}/?view=mine&amp;q=Kim"
    assert page.count(f'href="{address}"') == 1
    assert page.count(f'hx-get="{address}"') == 1
    assert "Call &lt;b&gt;Kim&lt;/b&gt;" in page
    assert "<b>Kim" not in page


def test_the_detail_shows_change_reason_and_evidence(cast: Cast, client_for: ClientFor) -> None:
    suggestion = own(cast)
    page = client_for(cast.rep).get(f"/suggestions/{suggestion.pk}/").content.decode()
    assert "Nobody has been in touch for weeks." in page
    assert "The lead is open" in page
    assert "New task" in page
    assert "not yet measured" in page


def test_the_detail_leads_to_the_records_score_and_why(cast: Cast, client_for: ClientFor) -> None:
    suggestion = own(cast)
    why = f"/leads/{suggestion.record_id}/score/"
    page = client_for(cast.rep).get(f"/suggestions/{suggestion.pk}/").content.decode()
    assert f'href="{why}" hx-get="{why}"' in page
    assert client_for(cast.rep).get(why).status_code == 200


def test_approving_goes_on_to_the_next_card(cast: Cast, client_for: ClientFor) -> None:
    first, second = own(cast, rank=2.0), own(cast, rank=1.0)
    client = client_for(cast.rep)
    answer = client.post(
        f"/suggestions/{first.pk}/approve/", {"seen_at": first.refreshed_at.isoformat()}
    )
    assert (answer.status_code, answer["Location"]) == (302, f"/suggestions/{second.pk}/")
    first.refresh_from_db()
    assert first.state == State.APPLIED
    assert Task.objects.filter(lead_id=first.record_id).count() == 1


def test_htmx_gets_the_queue_and_the_new_address(cast: Cast, client_for: ClientFor) -> None:
    first, second = own(cast, rank=2.0), own(cast, rank=1.0)
    answer = client_for(cast.rep).post(
        f"/suggestions/{first.pk}/reject/?view=mine",
        {"reason": "not_needed"},
        headers={"HX-Request": "true", "HX-Target": "queue"},
    )
    assert answer.status_code == 200
    assert answer["HX-Push-Url"] == f"/suggestions/{second.pk}/?view=mine"
    assert "1 left." in answer.content.decode()


@pytest.mark.parametrize(
    ("who", "view", "left"),
    [
        ("manager", "", "4"), ("manager", "?view=mine", "1"), ("manager", "?view=done", "4"),
        ("rep", "", "0"), ("rep", "?view=team", "3"), ("rep", "?view=unassigned", "2"),
        ("rep", "?view=team&q=nothing", "3"), ("rep", "?view=done", "0"),
    ],
)  # fmt: skip
def test_what_is_left_is_said_of_the_view_one_works_in(
    cast: Cast, client_for: ClientFor, who: str, view: str, left: str
) -> None:
    decided = own(cast, title="Decided")
    SuggestionFactory(assignee=cast.teammate)
    SuggestionFactory.create_batch(2, assignee=None)
    SuggestionFactory(assignee=cast.manager)
    answer = client_for(getattr(cast, who)).post(
        f"/suggestions/{decided.pk}/reject/{view}",
        {"reason": "not_needed"},
        headers={"HX-Request": "true", "HX-Target": "queue"},
    )
    assert f"Rejected: Decided. {left} left." in answer.content.decode()


def test_a_packet_refreshed_since_it_was_seen_is_not_approved(
    cast: Cast, client_for: ClientFor
) -> None:
    suggestion = own(cast)
    seen_at = suggestion.refreshed_at.isoformat()
    Suggestion.objects.filter(pk=suggestion.pk).update(
        refreshed_at=suggestion.refreshed_at + timedelta(minutes=5)
    )
    answer = client_for(cast.rep).post(
        f"/suggestions/{suggestion.pk}/approve/",
        {"seen_at": seen_at},
        headers={"HX-Request": "true", "HX-Target": "queue"},
    )
    assert answer.status_code == 409
    assert "brought up to date while you looked at it" in answer.content.decode()
    assert Task.objects.count() == 0


def test_a_stale_one_shows_what_changed_and_by_whom(cast: Cast, client_for: ClientFor) -> None:
    suggestion = own(cast)
    Lead.objects.filter(pk=suggestion.record_id).update(status="unqualified")
    client = client_for(cast.rep)
    answer = client.post(
        f"/suggestions/{suggestion.pk}/approve/",
        {"seen_at": suggestion.refreshed_at.isoformat()},
        headers={"HX-Request": "true", "HX-Target": "queue"},
    )
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Working" in page
    assert "Unqualified" in page
    assert Task.objects.count() == 0


def test_the_second_person_is_told_who_was_first(cast: Cast, client_for: ClientFor) -> None:
    suggestion = own(cast)
    client_for(cast.teammate).post(
        f"/suggestions/{suggestion.pk}/reject/", {"reason": "not_needed"}
    )
    answer = client_for(cast.rep).post(
        f"/suggestions/{suggestion.pk}/approve/",
        {"seen_at": suggestion.refreshed_at.isoformat()},
        headers={"HX-Request": "true", "HX-Target": "queue"},
    )
    assert answer.status_code == 409
    suggestion.refresh_from_db()
    assert suggestion.reviewed_at is not None
    at = f"{suggestion.reviewed_at.astimezone(ZoneInfo('Europe/Berlin')):%-d %b %H:%M}"
    assert f"This suggestion is already rejected by Tom Mate, {at}." in answer.content.decode()


def test_an_approval_that_does_not_say_what_was_seen_is_refused(
    cast: Cast, client_for: ClientFor
) -> None:
    suggestion = own(cast)
    for fields in ({}, {"seen_at": ""}, {"seen_at": "yesterday"}):
        answer = client_for(cast.rep).post(
            f"/suggestions/{suggestion.pk}/approve/",
            fields,
            headers={"HX-Request": "true", "HX-Target": "queue"},
        )
        assert answer.status_code == 422
    suggestion.refresh_from_db()
    assert (suggestion.state, Task.objects.count()) == (State.PENDING, 0)


def test_an_unknown_reason_is_refused(cast: Cast, client_for: ClientFor) -> None:
    suggestion = own(cast)
    answer = client_for(cast.rep).post(
        f"/suggestions/{suggestion.pk}/reject/",
        {"reason": "because"},
        headers={"HX-Request": "true", "HX-Target": "queue"},
    )
    assert answer.status_code == 422
    suggestion.refresh_from_db()
    assert suggestion.state == State.PENDING


def test_snoozing_until_tomorrow_means_eight_in_the_persons_morning(
    cast: Cast, client_for: ClientFor
) -> None:
    suggestion = own(cast)
    client_for(cast.rep).post(f"/suggestions/{suggestion.pk}/snooze/", {"until": "tomorrow"})
    suggestion.refresh_from_db()
    assert suggestion.state == State.SNOOZED
    assert suggestion.snoozed_until is not None
    local = suggestion.snoozed_until.astimezone(
        cast.rep.zone(Tenant.objects.get(schema_name="acme").zone)
    )
    assert (local.hour, local.minute) == (8, 0)
    assert local.date() > timezone.localdate()


def test_what_could_not_be_written_says_why_and_until_when_it_can_be_tried_again(
    cast: Cast, client_for: ClientFor
) -> None:
    why, until = "the database refused it (DiskFull).", timezone.now() + timedelta(days=3)
    failed = put_in(own(cast, closed_because=why, expires_at=until), State.FAILED, cast.rep)
    page = client_for(cast.rep).get(f"/suggestions/{failed.pk}/").content.decode()
    head = page[page.index('class="detail-badges"') :]
    assert f"Not written: {why}" in head
    assert "expires <time" in head[: head.index("</p>")]
    assert "Try again" in head


def test_decisions_are_posts(cast: Cast, client_for: ClientFor) -> None:
    suggestion = own(cast)
    client = client_for(cast.rep)
    for verb in ("approve", "reject", "snooze", "rebase", "reopen"):
        assert client.get(f"/suggestions/{suggestion.pk}/{verb}/").status_code == 405


def test_a_stranger_is_sent_to_sign_in(anonymous_client: TenantClient) -> None:
    answer = anonymous_client.get("/suggestions/")
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in/?next=/suggestions/")


def test_what_is_held_back_says_why_and_so_does_what_is_on_trial(
    cast: Cast, client_for: ClientFor
) -> None:
    own(cast, title="Kept for later", held_back=HeldBack.DAILY_CAP)
    quiet = own(cast, title="Hardly wanted", held_back=HeldBack.QUIET)
    tried = own(cast, title="To be tried", is_on_trial=True)
    client = client_for(cast.rep)
    view = client.get("/suggestions/?view=held_back").content.decode()
    for said in (HeldBack.DAILY_CAP.label, HeldBack.QUIET.label):
        assert str(said).replace("'", "&#x27;") in view
    assert "On trial" in client.get("/suggestions/").content.decode()
    detail = client.get(f"/suggestions/{quiet.pk}/").content.decode()
    assert "Held back: Such suggestions are hardly ever wanted." in detail
    detail = client.get(f"/suggestions/{tried.pk}/").content.decode()
    assert "shown to learn whether such suggestions are wanted" in detail


def test_the_decisions_are_those_of_the_suggestion_at_hand(
    cast: Cast, client_for: ClientFor
) -> None:
    """They are drawn once for all of a kind."""
    client = client_for(cast.rep)
    for suggestion in (own(cast), own(cast), own(cast, state=State.WITHDRAWN)):
        answer = client.get(f"/suggestions/{suggestion.pk}/?view=team&q=a%26(token)(seen+at)")
        shown = {name: answer.context[name] for name in NAMED_IN_BAR} | {"suggestion": suggestion}
        bar = render_to_string("suggestions/_decision_bar.html", shown)
        assert bar in answer.content.decode()
