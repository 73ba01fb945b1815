"""How values look on a page: icons, money, shares, moments, table heads; the entries of the navigation.

Kept in the top room so that the templates of every app may load it:
``{% load aisha_ui %}``. Filters take a value and give text; ``None`` and ``""``
read as a dash, never as "None". Times are shown in the current time zone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from django import template
from django.forms import BaseForm
from django.http import HttpRequest
from django.template.context import Context
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.tenants.routes import address_if_any

register = template.Library()

NOT_SET = "—"
NO_BREAK_SPACE = "\u00a0"
#: Only signs that name one currency to nearly every reader; the others keep their code.
CURRENCY_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}
#: Past this many days a date says more than a distance.
DISTANT_DAYS = 30


# A page draws the same few dozen again and again.
@register.simple_tag
@lru_cache(maxsize=512)
def icon(name: str, label: str = "") -> SafeString:
    """Draw an icon of the vendored sprite.

    Without ``label`` it is decoration beside a word and hidden from screen
    readers; an icon that stands alone needs a label.
    """
    href = f"{static('vendor/lucide.svg')}#{name}"
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}"/></svg>', label, href
        )
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"/></svg>', href)


@register.simple_tag(takes_context=True)
def nav_link(
    context: Context, section: str, page: str, label: str, sign: str, *, shows_badge: bool = False
) -> str:
    """Draw one entry of the navigation; ``page`` is a route or a path, ``sign`` an icon.

    An entry whose page does not exist in this installation is left out. A tag rather than a fragment:
    every page draws a dozen.
    """
    address = page if page.startswith("/") else address_if_any(page)
    if address is None:
        return ""
    is_current = context.get("nav_section") == section
    badge = ""
    if shows_badge and context.template is not None:
        badge = context.template.engine.get_template("_nav_badge.html").render(context)
    return format_html(
        '<li><a class="nav-link" href="{}" title="{}"{}>{} <span class="nav-text">{}</span>{}</a></li>',
        address,
        label,
        SafeString(' aria-current="page"') if is_current else "",
        icon(sign),
        label,
        badge,
    )


@register.filter
def number(value: Decimal | float | int | None) -> str:
    """Group thousands: 8800 → "8,800". Decimals are kept as they are."""
    if value is None or value == "":
        return NOT_SET
    return str(number_format(value, use_l10n=True, force_grouping=True))


@register.filter
def money(amount: Decimal | float | int | str | None, currency: str = "") -> str:
    """Write an amount with its currency: 4514 USD → "4,514 $", 4514.5 → "4,514.50 $".

    Cents appear only where there are any. The space does not break.
    """
    if amount is None or amount == "":
        return NOT_SET
    try:
        exact = Decimal(str(amount)).quantize(Decimal("0.01"))
    except InvalidOperation:
        return str(amount)
    return _money_text(exact, CURRENCY_SIGNS.get(currency, currency))


# A card tells its amount in two places; there is one language.
@lru_cache(maxsize=1024)
def _money_text(exact: Decimal, sign: str) -> str:
    decimals = 0 if exact == exact.to_integral_value() else 2
    written = number_format(exact, decimal_pos=decimals, use_l10n=True, force_grouping=True)
    return f"{written}{NO_BREAK_SPACE}{sign}" if sign else str(written)


@register.filter
def percent(share_0_1: Decimal | float | None) -> str:
    """Write a share as a whole percent.

    What is not certain never reads as 0 or 100 %: such shares read "<1 %" and
    ">99 %", or a rounded probability would look like a fact.
    """
    if share_0_1 is None:
        return NOT_SET
    whole = round(share_0_1 * 100)
    if whole <= 0 < share_0_1:
        return f"<1{NO_BREAK_SPACE}%"
    if whole >= 100 and share_0_1 < 1:
        return f">99{NO_BREAK_SPACE}%"
    return f"{whole}{NO_BREAK_SPACE}%"


@register.simple_tag
def confidence(share_0_1: float | None, decisions: int) -> str:
    """Say how often people accept such suggestions, and from how many decisions that is known."""
    if share_0_1 is None:
        return "not yet measured"
    if not decisions:
        return percent(share_0_1)
    noun = "decision" if decisions == 1 else "decisions"
    counted = number_format(decisions, use_l10n=True, force_grouping=True)
    return f"{percent(share_0_1)} · {counted}{NO_BREAK_SPACE}{noun}"


# Pages tell the same few days again and again; there is one language.
@lru_cache(maxsize=1024)
def _date_text(day: date, style: str) -> str:
    return str(date_format(day, style))


def describe_day(day: date, today: date) -> str:
    """Name a day by its distance from today, or by its date when it is far."""
    distance = (day - today).days
    if distance == 0:
        return "today"
    if distance == -1:
        return "yesterday"
    if distance == 1:
        return "tomorrow"
    if 0 < distance <= DISTANT_DAYS:
        return f"in {distance} days"
    if -DISTANT_DAYS <= distance < 0:
        return f"{-distance} days ago"
    return _date_text(day, "j M" if day.year == today.year else "j M Y")


def describe_moment(moment: datetime, now: datetime) -> str:
    """Name a moment by its distance from now: minutes, hours, then days.

    ``static/js/times.js`` repeats the steps below one day, to keep an open page true.
    """
    elapsed_s = (now - moment).total_seconds()
    minutes = int(abs(elapsed_s) // 60)
    if minutes < 1:
        return "just now" if elapsed_s >= 0 else "in a moment"
    if minutes < 24 * 60:
        distance = f"{minutes} min" if minutes < 60 else f"{minutes // 60} h"
        return f"{distance} ago" if elapsed_s >= 0 else f"in {distance}"
    return describe_day(timezone.localdate(moment), timezone.localdate(now))


@register.filter
def relative_time(moment: datetime | date | None, now: datetime | None = None) -> str:
    """Show when, relative to now, with the exact time as the element's title.

    A plain date counts in days. ``now`` is for callers that hold one clock for
    the whole page; the default is the present.
    """
    if not moment:
        return NOT_SET
    now = now or timezone.now()
    if not isinstance(moment, datetime):
        return time_element(
            moment.isoformat(),
            _date_text(moment, "D j M Y"),
            describe_day(moment, timezone.localdate(now)),
        )
    local = timezone.localtime(moment)
    return time_element(
        local.isoformat(timespec="seconds"),
        f"{_date_text(local.date(), 'D j M Y')}, {local:%H:%M %Z}",
        describe_moment(moment, now),
        # Past a day the words hold until midnight; only the near ones are kept fresh by script.
        is_kept_fresh=abs(now - moment) < timedelta(days=1),
    )


def time_element(at: str, exact: str, words: str, *, is_kept_fresh: bool = False) -> SafeString:
    """The element of a moment: ``words`` are shown, ``exact`` where one points at them.

    Lists draw hundreds. All three are written from dates and our own words: there is nothing to escape.
    """
    mark = " data-relative" if is_kept_fresh else ""
    return SafeString(f'<time datetime="{at}" title="{exact}"{mark}>{words}</time>')


@register.filter
def exact_time(moment: datetime | date | None) -> str:
    """Show the exact time in the current zone, for places where order and minutes matter."""
    if not moment:
        return NOT_SET
    if not isinstance(moment, datetime):
        return format_html(
            '<time datetime="{}">{}</time>', moment.isoformat(), _date_text(moment, "j M Y")
        )
    local = timezone.localtime(moment)
    return time_element(
        local.isoformat(timespec="seconds"),
        f"{_date_text(local.date(), 'D j M Y')}, {local:%H:%M:%S %Z}",
        f"{_date_text(local.date(), 'j M Y')}, {local:%H:%M}",
    )


@register.filter
def initials(name: str) -> str:
    """Shorten a person's name to at most two letters: "Darcel Schlecht" → "DS"."""
    words = [word for word in name.replace(".", " ").replace("_", " ").split() if word]
    if not words:
        return "?"
    ends = words[:1] + words[1:][-1:]
    return "".join(word[0] for word in ends).upper()


@dataclass(frozen=True, slots=True)
class FiltersInForce:
    """How many filters narrow a list, and whether one of them goes beyond the list's own view."""

    count: int
    is_chosen: bool


@register.filter
def in_force(filters: BaseForm) -> FiltersInForce:
    """Count the filters of a bar that have a value; the search box and hidden fields are none."""
    valued = [field for field in filters.visible_fields() if field.name != "q" and field.value()]
    is_chosen = any(str(field.value()) != str(field.initial) for field in valued)
    return FiltersInForce(len(valued), is_chosen)


@register.filter
def marked(text: str, words: Sequence[str]) -> SafeString:
    """Mark each place of a text where one of the words stands, in capitals or not."""
    longest_first = sorted(filter(None, words), key=len, reverse=True)
    if not longest_first:
        return format_html("{}", text)
    # The group keeps what was split at: every other part is a match.
    pattern = f"({'|'.join(map(re.escape, longest_first))})"
    parts = enumerate(re.split(pattern, str(text), flags=re.IGNORECASE))
    as_match, as_it_is = SafeString("<mark>{}</mark>"), SafeString("{}")
    return format_html_join(
        "", "{}", ((format_html(as_match if n % 2 else as_it_is, part),) for n, part in parts)
    )


@register.simple_tag(takes_context=True)
def sort_header(context: Context, key: str, label: str, css_class: str = "") -> SafeString:
    """Draw a table head that sorts by ``key`` through the ``sort`` query parameter.

    ``sort=key`` is ascending and ``sort=-key`` descending. Following the link
    turns the order round and goes back to the first page. A view that sorts by
    default puts the order it used into the context as ``sort``.
    """
    request: HttpRequest = context["request"]
    current = str(context.get("sort") or request.GET.get("sort", ""))
    is_ascending, is_descending = current == key, current == f"-{key}"
    query = request.GET.copy()
    query.pop("page", None)
    query["sort"] = f"-{key}" if is_ascending else key
    order = "ascending" if is_ascending else "descending" if is_descending else "none"
    sign = {"ascending": "arrow-up", "descending": "arrow-down", "none": "chevrons-up-down"}[order]
    return format_html(
        '<th scope="col" class="{}" aria-sort="{}"><a class="sort" href="?{}">{}{}</a></th>',
        css_class,
        order,
        query.urlencode(),
        label,
        icon(sign),
    )
