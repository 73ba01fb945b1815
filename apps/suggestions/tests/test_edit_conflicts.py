"""Two people edit one suggestion: who comes second loses nothing and sees what is different."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.conftest import Cast, TenantClient
from apps.crm.models import Contact
from apps.crm.tests.factories import ContactFactory
from apps.suggestions.models import Suggestion
from apps.suggestions.services import edit, rebase
from apps.suggestions.tests.test_review_edits import details_suggestion
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]


def opened(client: TenantClient, suggestion: Suggestion) -> dict[str, str]:
    """The form as the browser holds it: every field with what stands in it."""
    return fields_in(client.get(f"/suggestions/{suggestion.pk}/edit/").content.decode())


def fields_in(page: str) -> dict[str, str]:
    form = page[page.index('<form class="form"') :]
    found = re.findall(
        r'<input[^>]* name="(\w+)"[^>]*? value="([^"]*)"', form[: form.index("</form>")]
    )
    return {name: value for name, value in found if name != "csrfmiddlewaretoken"}


def posted(client: TenantClient, suggestion: Suggestion, fields: dict[str, str]) -> Any:
    return client.post(f"/suggestions/{suggestion.pk}/edit/", fields)


def by_another(cast: Cast, suggestion: Suggestion, **values: str) -> Suggestion:
    return edit(
        suggestion_id=suggestion.pk,
        user=cast.teammate,
        arguments={**suggestion.arguments, **values},
        now=timezone.now(),
    )


def test_who_comes_second_sees_both_and_saves_again_without_javascript(
    cast: Cast, client_for: ClientFor
) -> None:
    _, suggestion = details_suggestion(cast)
    client = client_for(cast.rep)
    form = opened(client, suggestion)
    assert (form["phone"], form["title"]) == ("2", "Head")
    by_another(cast, suggestion, phone="7")
    entry = AuditEntry.objects.get(event="suggestion.edited")

    answer = posted(client, suggestion, {**form, "phone": "9"})
    assert answer.status_code == 409
    page = answer.content.decode()
    at = entry.occurred_at.astimezone(ZoneInfo("Europe/Berlin"))
    sentence = (
        f"Tom Mate edited this suggestion on {at.day} {at:%b} at {at:%H:%M}, while you had it open."
    )
    assert f'<h2 class="notice-title" id="meanwhile-title">{sentence}</h2>' in page
    assert (
        "<p>Nothing was saved yet, and what you typed is still in the form."
        " Look at what is different, and save again.</p>"
    ) in page
    row = re.sub(r">\s+<", "><", page)
    assert (
        '<tr><th scope="row">Phone</th>'
        '<td data-label="When you began">2</td>'
        '<td data-label="Now"><strong>7</strong></td>'
        '<td data-label="In your form"><strong>9</strong></td></tr></tbody>'
    ) in row
    assert (
        '<p class="field-help" id="id_phone_helptext">Changed meanwhile by Tom Mate: 7</p>' in page
    )
    again = fields_in(page)
    assert (again["phone"], again["title"]) == ("9", "Head")
    suggestion.refresh_from_db()
    assert (suggestion.arguments["phone"], suggestion.edited_by) == ("7", cast.teammate)

    # The same form, sent as it stands: now the person has seen the other's edition.
    assert posted(client, suggestion, again).status_code == 302
    suggestion.refresh_from_db()
    assert (suggestion.arguments["phone"], suggestion.edited_by) == ("9", cast.rep)


def test_what_one_left_alone_is_taken_over_from_the_other(
    cast: Cast, client_for: ClientFor
) -> None:
    contact, suggestion = details_suggestion(cast)
    client = client_for(cast.rep)
    form = opened(client, suggestion)
    by_another(cast, suggestion, phone="7")
    answer = posted(client, suggestion, {**form, "title": "Chief"})
    page = re.sub(r">\s+<", "><", answer.content.decode())
    assert (
        '<td data-label="Now"><strong>7</strong></td>'
        '<td data-label="In your form"><span class="muted">taken over</span></td>'
    ) in page
    again = fields_in(answer.content.decode())
    assert (again["phone"], again["title"]) == ("7", "Chief")
    assert posted(client, suggestion, again).status_code == 302
    suggestion.refresh_from_db()
    assert suggestion.arguments == {"contact_id": contact.pk, "phone": "7", "title": "Chief"}


def test_a_third_edition_while_looking_is_shown_too(cast: Cast, client_for: ClientFor) -> None:
    _, suggestion = details_suggestion(cast)
    client = client_for(cast.rep)
    form = opened(client, suggestion)
    second = by_another(cast, suggestion, phone="7")
    again = fields_in(posted(client, suggestion, {**form, "phone": "9"}).content.decode())
    by_another(cast, second, title="Buyer in chief")
    answer = posted(client, suggestion, again)
    assert answer.status_code == 409
    changes = answer.context["page"].meanwhile.changes
    assert [(row.name, row.before, row.theirs, row.mine) for row in changes] == [
        ("title", "Head", "Buyer in chief", "")
    ]
    last = fields_in(answer.content.decode())
    assert (last["phone"], last["title"]) == ("9", "Buyer in chief")
    assert posted(client, suggestion, last).status_code == 302
    suggestion.refresh_from_db()
    assert (suggestion.arguments["phone"], suggestion.arguments["title"]) == ("9", "Buyer in chief")


def test_a_form_that_was_brought_up_to_date_meanwhile_says_by_whom(
    cast: Cast, client_for: ClientFor
) -> None:
    contact, suggestion = details_suggestion(cast)
    client = client_for(cast.rep)
    form = opened(client, suggestion)
    Contact.objects.filter(pk=contact.pk).update(phone="5")
    rebase(suggestion_id=suggestion.pk, user=cast.teammate, now=timezone.now())
    answer = posted(client, suggestion, {**form, "phone": "9"})
    meanwhile = answer.context["page"].meanwhile
    assert meanwhile.sentence.startswith("Tom Mate brought this up to date on ")
    assert meanwhile.changes == ()
    assert fields_in(answer.content.decode())["phone"] == "9"


def test_an_error_at_a_field_comes_first_and_forgets_nothing(
    cast: Cast, client_for: ClientFor
) -> None:
    _, suggestion = details_suggestion(cast)
    client = client_for(cast.rep)
    form = opened(client, suggestion)
    by_another(cast, suggestion, phone="7")
    answer = posted(client, suggestion, {**form, "phone": "9" * 500})
    assert (answer.status_code, list(answer.context["form"].errors)) == (200, ["phone"])
    kept = fields_in(answer.content.decode())
    assert kept["seen_at"] == form["seen_at"]
    answer = posted(client, suggestion, {**kept, "phone": "9"})
    (change,) = answer.context["page"].meanwhile.changes
    assert (change.before, change.theirs, change.mine) == ("2", "7", "9")


def test_what_a_form_began_with_cannot_be_made_up(cast: Cast, client_for: ClientFor) -> None:
    _, suggestion = details_suggestion(cast)
    _, other = details_suggestion(cast)
    hidden = ContactFactory(owner=cast.outsider, last_name="Secret")
    client = client_for(cast.rep)
    form, foreign = opened(client, suggestion), opened(client, other)
    by_another(cast, suggestion, phone="7")
    for started in ("", f'[{{"contact_id": {hidden.pk}}}, {{}}]', foreign["started"]):
        answer = posted(client, suggestion, {**form, "phone": "9", "started": started})
        assert answer.status_code == 409
        assert "Secret" not in answer.content.decode()
        assert answer.context["page"].meanwhile.changes == ()
        assert fields_in(answer.content.decode())["phone"] == "9"
