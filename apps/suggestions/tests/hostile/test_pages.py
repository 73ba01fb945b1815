"""No attack becomes an element or an attribute of a page, a template or a formula, wherever it is shown."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

from django.conf import settings
from django.urls import reverse

from apps.conftest import ApiClient, Cast, TenantClient
from apps.crm.enums import RecordKind
from apps.crm.tests.factories import LeadFactory
from apps.suggestions.digest.composing import compose, write_mail
from apps.suggestions.enums import HeldBack
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.cases import NOW, scan
from apps.suggestions.tests.factories import SuggestionFactory, followup_arguments
from apps.suggestions.tests.hostile.planting import Planted
from apps.tenants.exports import FORMULA_SIGNS
from apps.tenants.services import current_tenant
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
ApiFor = Callable[[User], ApiClient]

MARK = "hx9"
TOKEN = re.compile(r"\b[A-Za-z0-9]{64}\b")
# Attributes that hold words for people.
WORDED = {"title", "value", "alt", "aria-label", "placeholder", "content", "data-label"}
MARKUP = (
    "<script>hx9()</script>",
    '"><img src=hx9 onerror=hx9()>',
    "' onmouseover='hx9()",
    "</p></td></textarea></title><iframe src=//hx9></iframe>",
    "<svg/onload=hx9()>",
    "javascript:hx9()",
    "{{ settings.SECRET_KEY }}{% debug %}hx9",
    "<!--hx9--><a href=javascript:hx9>x</a>",
    "hx9 https://evil.example mail mallory@evil.example",
)
EXPORTS = [
    RecordKind.LEAD, RecordKind.CONTACT, RecordKind.ACCOUNT, RecordKind.OPPORTUNITY, RecordKind.TASK,
    RecordKind.ACTIVITY,
]  # fmt: skip


class Elements(HTMLParser):
    """What of a page comes from a text that is marked, though it should be words alone."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        for name, value in attrs:
            if MARK in tag or MARK in name or (MARK in (value or "") and name not in WORDED):
                self.faults.append(f"<{tag} {name}={value}>")
            if name.startswith("on"):
                self.faults.append(f"<{tag} {name}>")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if MARK in data and self._inside in {"script", "style"}:
            self.faults.append(f"in {self._inside}")

    def handle_comment(self, data: str) -> None:
        if MARK in data:
            self.faults.append("in a comment")


def faults_of(client: TenantClient, address: str) -> list[str]:
    """What is wrong with a page."""
    answer = client.get(address)
    assert (address, answer.status_code) == (address, 200)
    # The random signs of a token may hold the mark by chance.
    page = TOKEN.sub("token", answer.content.decode())
    elements = Elements()
    elements.feed(page)
    elements.close()
    found = elements.faults
    if settings.SECRET_KEY in page:
        found.append("the secret key")
    return [f"{address}: {fault}" for fault in found]


def record_page(planted: Planted) -> str:
    return reverse(f"crm:{planted.record.kind.value}_detail", args=[planted.record.pk])


def test_every_case_is_shown_as_words(
    cast: Cast, planted: list[Planted], client_for: ClientFor, api_for: ApiFor
) -> None:
    scan()
    reps, admins, api = client_for(cast.rep), client_for(cast.admin), api_for(cast.rep)
    faults = [
        fault
        for address in (
            "/",
            "/suggestions/",
            "/suggestions/?view=held_back",
            "/leads/",
            "/deals/",
            "/search/?q=hx9",
        )
        for fault in faults_of(reps, address)
    ]
    by_record = {(s.record_kind, s.record_id): s for s in Suggestion.objects.all()}
    # All that could become an element, and one case of each place.
    first = {one.case.place: one for one in reversed(planted)}
    loud = [one for one in planted if one.case.payload.language == "markup"]
    for one in [*loud, *(one for one in first.values() if one not in loud)]:
        suggestion = by_record[one.record.kind.value, one.record.pk]
        faults += faults_of(reps, suggestion.get_absolute_url())
        faults += faults_of(reps, record_page(one))
        answer = api.get(f"/api/v1/suggestions/{suggestion.pk}/")
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
        if one in loud:
            faults += faults_of(reps, reverse("suggestions:story", args=[suggestion.pk]))
            page = reverse("admin:suggestions_suggestion_change", args=[suggestion.pk])
            faults += faults_of(admins, page)
    assert faults == []
    noted = next(one for one in loud if one.case.place == "account notes")
    assert html.escape(noted.text) in reps.get(record_page(noted)).content.decode()


def test_a_packet_that_is_hostile_throughout(
    cast: Cast, client_for: ClientFor, api_for: ApiFor
) -> None:
    """As if all that stands before it had failed: the pages still show words."""
    reps, managers, api = client_for(cast.rep), client_for(cast.admin), api_for(cast.rep)
    faults = []
    for text in MARKUP:
        lead = LeadFactory(owner=cast.rep, first_name=text, last_name="", company=text, notes=text)
        suggestion = SuggestionFactory(
            lead=lead,
            assignee=cast.rep,
            title=text,
            reason=text,
            record_label=text,
            arguments={**followup_arguments(lead), "title": text, "description": text},
            facts=[{"number": 1, "label": text, "text": text, "occurred_at": None, "record": None}],
            evidence=[{"text": text, "facts": [1]}],
            closed_because=text,
            held_back=HeldBack.NO,
            rank=2.0 if "https" in text else 1.0,
        )
        address = suggestion.get_absolute_url()
        faults += faults_of(reps, address)
        for name in ("story", "edit"):
            faults += faults_of(reps, reverse(f"suggestions:{name}", args=[suggestion.pk]))
        faults += faults_of(
            managers, reverse("admin:suggestions_suggestion_change", args=[suggestion.pk])
        )
        assert html.escape(text) in reps.get(address).content.decode()
        assert api.get(f"/api/v1/suggestions/{suggestion.pk}/").json()["title"] == text
    digest = [reverse("digest:preview"), reverse("digest:mail")]
    for address in ("/", "/suggestions/", "/suggestions/bulk/?tool=create_followup", *digest):
        faults += faults_of(reps, address)
    mail = write_mail(compose(cast.rep, current_tenant(), NOW))
    # Programs that read mail make links of addresses: signs that nobody sees stand in their way.
    assert "evil" in mail.text
    assert "evil.example" not in mail.html + mail.text + mail.subject
    assert faults == []


def test_no_cell_of_an_export_is_a_formula(
    cast: Cast, planted: list[Planted], client_for: ClientFor
) -> None:
    for text in (
        "=cmd|' /C calc'!A0",
        '=HYPERLINK("https://evil.example")',
        "@SUM(1)",
        "+1+1",
        "-2+3",
        "\t=1",
        "＝1",
    ):
        LeadFactory(owner=cast.rep, first_name=text, last_name="", company=text)
    client = client_for(cast.rep)
    for kind in EXPORTS:
        answer: Any = client.get(reverse(f"crm:{kind.value}_export"))
        text = b"".join(answer.streaming_content).decode().removeprefix("\ufeff")
        rows = list(csv.reader(io.StringIO(text)))
        assert len(rows) > 1
        formulas = [cell for row in rows for cell in row if cell.startswith(FORMULA_SIGNS)]
        assert (kind, formulas) == (kind, [])
