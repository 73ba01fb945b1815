"""How values look on a page, and that every icon that a template names is in the sprite."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone

from apps.tenants.templatetags import aisha_ui

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (Decimal("4514.00"), "USD", "4,514\u00a0$"),
        (Decimal("4514.5"), "USD", "4,514.50\u00a0$"),
        (Decimal("-1234567.891"), "EUR", "-1,234,567.89\u00a0€"),
        (0, "GBP", "0\u00a0£"),
        ("26768", "CHF", "26,768\u00a0CHF"),
        (12.5, "", "12.50"),
        ("about 5k", "USD", "about 5k"),
        (None, "USD", "—"),
        ("", "USD", "—"),
    ],
)
def test_money_carries_its_currency(
    amount: Decimal | float | str | None, currency: str, written: str
) -> None:
    assert aisha_ui.money(amount, currency) == written


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0.7234, "72\u00a0%"),
        (0.0, "0\u00a0%"),
        (1.0, "100\u00a0%"),
        (None, "—"),
    ],
)
def test_percent_is_whole(share: float | None, written: str) -> None:
    assert aisha_ui.percent(share) == written


@pytest.mark.parametrize(
    ("share", "written"),
    [(0.001, "<1\u00a0%"), (0.9999, ">99\u00a0%"), (Decimal("0.004"), "<1\u00a0%")],
)
def test_fault_25_an_uncertain_share_never_reads_as_certain(
    share: float | Decimal, written: str
) -> None:
    assert aisha_ui.percent(share) == written


@pytest.mark.parametrize(
    ("share", "decisions", "written"),
    [
        (0.7234, 48, "72\u00a0% · 48\u00a0decisions"),
        (0.5, 1, "50\u00a0% · 1\u00a0decision"),
        (0.5, 1200, "50\u00a0% · 1,200\u00a0decisions"),
        (None, 48, "not yet measured"),
        (0.7, 0, "70\u00a0%"),
        (None, 0, "not yet measured"),
    ],
)
def test_confidence_says_from_how_many_decisions(
    share: float | None, decisions: int, written: str
) -> None:
    assert aisha_ui.confidence(share, decisions) == written


@pytest.mark.parametrize(
    ("value", "written"), [(8800, "8,800"), (0, "0"), (Decimal("1234.5"), "1,234.5"), (None, "—")]
)
def test_number_groups_thousands(value: Decimal | int | None, written: str) -> None:
    assert aisha_ui.number(value) == written


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=-59), "in a moment"),
        (timedelta(minutes=1), "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=1), "1 h ago"),
        (timedelta(hours=23, minutes=59), "23 h ago"),
        (timedelta(hours=24), "yesterday"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(days=30), "30 days ago"),
        (timedelta(days=31), "22 Oct"),
        (timedelta(days=400), "18 Oct 2025"),
        (-timedelta(minutes=12), "in 12 min"),
        (-timedelta(hours=24), "tomorrow"),
        (-timedelta(days=11), "in 11 days"),
        (-timedelta(days=60), "21 Jan 2027"),
    ],
)
def test_moments_are_named_by_their_distance(ago: timedelta, words: str) -> None:
    with timezone.override(UTC):
        assert aisha_ui.describe_moment(NOW - ago, NOW) == words


def test_days_are_counted_in_the_current_zone() -> None:
    # Late on Friday in UTC is Saturday in Berlin: on Sunday only one midnight lies between.
    moment = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    with timezone.override(UTC):
        assert aisha_ui.describe_moment(moment, NOW) == "2 days ago"
    with timezone.override(ZoneInfo("Europe/Berlin")):
        assert aisha_ui.describe_moment(moment, NOW) == "yesterday"


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (TODAY, "today"),
        (date(2026, 11, 21), "yesterday"),
        (date(2026, 11, 23), "tomorrow"),
        (date(2026, 11, 13), "9 days ago"),
        (date(2027, 3, 12), "12 Mar 2027"),
    ],
)
def test_days_are_named_by_their_distance(day: date, words: str) -> None:
    assert aisha_ui.describe_day(day, TODAY) == words


def test_relative_time_gives_the_exact_time_in_the_persons_zone() -> None:
    with timezone.override(ZoneInfo("Europe/Berlin")):
        assert aisha_ui.relative_time(NOW - timedelta(hours=3), NOW) == (
            '<time datetime="2026-11-22T10:00:00+01:00" title="Sun 22 Nov 2026, 10:00 CET"'
            " data-relative>3 h ago</time>"
        )
        assert aisha_ui.relative_time(NOW - timedelta(days=5), NOW) == (
            '<time datetime="2026-11-17T13:00:00+01:00" title="Tue 17 Nov 2026, 13:00 CET">'
            "5 days ago</time>"
        )


def test_relative_time_of_a_day_counts_from_the_persons_date() -> None:
    late = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    with timezone.override(ZoneInfo("Europe/Berlin")):
        assert aisha_ui.relative_time(date(2026, 11, 23), late) == (
            '<time datetime="2026-11-23" title="Mon 23 Nov 2026">today</time>'
        )


def test_exact_time_is_in_the_current_zone() -> None:
    with timezone.override(ZoneInfo("Europe/Berlin")):
        assert aisha_ui.exact_time(NOW) == (
            '<time datetime="2026-11-22T13:00:00+01:00" title="Sun 22 Nov 2026, 13:00:00 CET">'
            "22 Nov 2026, 13:00</time>"
        )
    assert aisha_ui.exact_time(TODAY) == '<time datetime="2026-11-22">22 Nov 2026</time>'


def test_a_missing_time_is_a_dash() -> None:
    assert aisha_ui.relative_time(None) == "—"
    assert aisha_ui.exact_time(None) == "—"


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Darcel Schlecht", "DS"),
        ("anna.snelling", "AS"),
        ("Ana Maria de la Cruz", "AC"),
        ("Cher", "C"),
        ("", "?"),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert aisha_ui.initials(name) == letters


def test_icon_beside_a_word_is_hidden_and_alone_is_named() -> None:
    assert aisha_ui.icon("check") == (
        '<svg class="icon" aria-hidden="true"><use href="/static/vendor/lucide.svg#check"/></svg>'
    )
    assert aisha_ui.icon("x", '"Dismiss"') == (
        '<svg class="icon" role="img" aria-label="&quot;Dismiss&quot;">'
        '<use href="/static/vendor/lucide.svg#x"/></svg>'
    )


def render_sort_header(query: str, **context: str) -> str:
    request = RequestFactory().get(f"/deals/{query}")
    template = Template('{% load aisha_ui %}{% sort_header "amount" "Amount" "number" %}')
    return template.render(Context({"request": request, **context}))


def test_sort_header_turns_the_order_round_and_goes_to_the_first_page() -> None:
    html = render_sort_header("?sort=amount&page=3&q=isdom")
    assert html.startswith(
        '<th scope="col" class="number" aria-sort="ascending">'
        '<a class="sort" href="?sort=-amount&amp;q=isdom">Amount<svg'
    )
    assert "#arrow-up" in html


def test_sort_header_starts_ascending_and_knows_a_default_order() -> None:
    assert 'aria-sort="none"><a class="sort" href="?sort=amount">' in render_sort_header("")
    assert 'aria-sort="descending"><a class="sort" href="?sort=amount">' in render_sort_header(
        "", sort="-amount"
    )


def test_every_icon_that_a_template_names_is_in_the_sprite() -> None:
    folder = Path(settings.BASE_DIR)
    sprite = (folder / "static/vendor/lucide.svg").read_text()
    drawn = set(re.findall(r'<symbol id="([a-z0-9-]+)"', sprite))
    used = {"arrow-up", "arrow-down", "chevrons-up-down"}  # by sort_header
    for template in (folder / "templates").rglob("*.html"):
        text = template.read_text()
        used |= set(re.findall(r'{% icon "([a-z0-9-]+)"', text))
        used |= set(re.findall(r'\bsign="([a-z0-9-]+)"', text))
        used |= set(re.findall(r'\bsign\|default:"([a-z0-9-]+)"', text))
    assert used - drawn == set()
    assert len(used) > 20, "the search found no icons: the tag must have changed"


def read_tokens(side: int) -> dict[str, tuple[int, int, int]]:
    """The colour tokens of the stylesheet: side 0 is light, 1 is dark."""
    css = (Path(settings.BASE_DIR) / "static/css/aisha.css").read_text()
    pairs = re.findall(r"--([a-z0-9-]+): light-dark\(#([0-9a-f]{6}), #([0-9a-f]{6})\);", css)
    return {
        name: tuple(bytes.fromhex(colours[side]))  # type: ignore[misc]
        for name, *colours in pairs
    }


def contrast(first: tuple[int, int, int], second: tuple[int, int, int]) -> float:
    """The contrast ratio of WCAG 2.2."""

    def luminance(colour: tuple[int, int, int]) -> float:
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in (value / 255 for value in colour)
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("side", [0, 1], ids=["light", "dark"])
def test_text_reads_on_every_ground_that_it_stands_on(side: int) -> None:
    token = read_tokens(side)
    grounds = ["surface", "surface-2", "hover"]
    stands_on = {
        "text": [*grounds, "accent-soft", "good-soft", "warn-soft", "bad-soft"],
        "text-muted": [*grounds, "accent-soft", "warn-soft", "bad-soft"],
        "accent": ["surface", "surface-2"],
        "accent-strong": ["surface", "surface-2", "accent-soft"],
        "on-accent": ["accent", "accent-strong"],
        "good": ["surface", "good-soft"],
        "warn": ["surface", "warn-soft"],
        "bad": ["surface", "bad-soft"],
    }
    pale = {
        (text, ground): round(contrast(token[text], token[ground]), 2)
        for text, places in stands_on.items()
        for ground in places
        if contrast(token[text], token[ground]) < 4.5
    }
    assert pale == {}


@pytest.mark.parametrize("side", [0, 1], ids=["light", "dark"])
def test_lines_that_carry_meaning_are_seen(side: int) -> None:
    token = read_tokens(side)
    faint = {
        (line, ground): round(contrast(token[line], token[ground]), 2)
        for line in ("line-strong", "focus", "accent", "good", "warn", "bad")
        for ground in ("surface", "surface-2")
        if contrast(token[line], token[ground]) < 3
    }
    assert faint == {}


@pytest.mark.parametrize(
    ("text", "words", "written"),
    [
        ("Isdom GTX", ["isd"], "<mark>Isd</mark>om GTX"),
        ("Isdom GTX", ["x", "gtx", "dom"], "Is<mark>dom</mark> <mark>GTX</mark>"),
        ("a.b <c>", [".", "<"], "a<mark>.</mark>b <mark>&lt;</mark>c&gt;"),
        ("<b>", [], "&lt;b&gt;"),
        ("<b>", [""], "&lt;b&gt;"),
        ("{0} {}", ["{}"], "{0} <mark>{}</mark>"),
        ("", ["x"], ""),
    ],
)
def test_matches_are_marked_and_everything_stays_text(
    text: str, words: list[str], written: str
) -> None:
    assert aisha_ui.marked(text, words) == written
