"""What one person's digest says today, and the mail that says it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from apps.suggestions.digest.enums import DigestStatus
from apps.suggestions.digest.links import origin_of, unsubscribe_path
from apps.suggestions.digest.models import DigestSent
from apps.suggestions.digest.sections import Content, Reader, Row, Section, all_sections
from apps.tenants.models import Tenant
from apps.users.models import User

# News of a longer absence would be a list, not a digest.
LONGEST_NEWS = timedelta(days=7)
WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that belong together; the title is empty where a section has no groups."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A section that has something to tell; ``more`` says how much of it is not shown."""

    key: str
    title: str
    groups: tuple[Group, ...]
    more: str
    path: str


@dataclass(frozen=True, slots=True)
class Digest:
    """Everything that a person's mail of one day says."""

    person: User
    tenant: Tenant
    day: str
    subject: str
    parts: tuple[Part, ...]

    @property
    def rows_count(self) -> int:
        """How many rows are shown."""
        return sum(len(group.rows) for part in self.parts for group in part.groups)


@dataclass(frozen=True, slots=True)
class Mail:
    """A digest as it is sent: subject, both texts, and where one unsubscribes."""

    subject: str
    text: str
    html: str
    unsubscribe_url: str


def compose(person: User, tenant: Tenant, now: datetime) -> Digest:
    """Ask every section, in the person's zone; a section without rows is left out."""
    with timezone.override(person.zone(tenant.zone)):
        reader = Reader(person, now, _since(person, now))
        told = [(section, section.content(reader)) for section in all_sections()]
        since = _since_words(reader)
        return Digest(
            person=person,
            tenant=tenant,
            day=date_format(timezone.localtime(now), "l, j F Y"),
            subject=_subject(reader, {section.key: content for section, content in told}, since),
            parts=tuple(
                _part(section, content, reader, since) for section, content in told if content.rows
            ),
        )


def write_mail(digest: Digest) -> Mail:
    """Write both texts; every link in them is absolute, opens a page, and changes nothing."""
    origin = origin_of(digest.tenant)
    unsubscribe_url = origin + unsubscribe_path(digest.tenant, digest.person)
    settings_url = f"{origin}{reverse('users:profile')}#digest"
    context = {
        "digest": digest,
        "origin": origin,
        "unsubscribe_url": unsubscribe_url,
        "settings_url": settings_url,
    }
    return Mail(
        subject=digest.subject,
        text=_text(digest, origin, settings_url, unsubscribe_url),
        html=render_to_string("mail/digest.html", context),
        unsubscribe_url=unsubscribe_url,
    )


def message_of(mail: Mail, person: User) -> EmailMultiAlternatives:
    """The message for the mail server, with the headers by which mail programs unsubscribe (RFC 8058)."""
    message = EmailMultiAlternatives(
        subject=mail.subject,
        body=mail.text,
        to=[person.email],
        headers={
            "List-Unsubscribe": f"<{mail.unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            # No answer by a machine (RFC 3834).
            "Auto-Submitted": "auto-generated",
        },
    )
    message.attach_alternative(mail.html, "text/html")
    return message


def _since(person: User, now: datetime) -> datetime:
    """When the person had the digest before today's; without one, a day ago."""
    before = (
        DigestSent.objects.filter(
            person=person,
            local_day__lt=timezone.localdate(now),
            status__in=[DigestStatus.SENT, DigestStatus.UNKNOWN],
        )
        .order_by("-local_day")
        .first()
    )
    if before is None:
        return now - timedelta(days=1)
    return max(before.claimed_at, now - LONGEST_NEWS)


def _since_words(reader: Reader) -> str:
    day, today = timezone.localdate(reader.since), timezone.localdate(reader.now)
    if today - day == timedelta(days=1):
        return "since yesterday"
    return f"since {date_format(day, 'D j M')}"


def _subject(reader: Reader, contents: dict[str, Content], since: str) -> str:
    """How much waits, without a word of what: subjects show on locked screens."""
    waiting = contents.get(WAITING)
    if waiting is None or not waiting.rows:
        return f"What happened {since}"
    whom = "a decision" if reader.person.sees_all else "you"
    if waiting.total == 1:
        return f"1 suggestion waits for {whom}"
    return f"{_count(waiting, waiting.total)} suggestions wait for {whom}"


def _part(section: Section, content: Content, reader: Reader, since: str) -> Part:
    title = section.title_for(reader)
    groups = groupby(content.rows, key=lambda row: row.group)
    hidden = content.total - len(content.rows)
    return Part(
        key=section.key,
        title=f"{title} {since}" if section.is_news else title,
        groups=tuple(Group(title, tuple(rows)) for title, rows in groups),
        more=f"and {_count(content, hidden)} more" if hidden > 0 else "",
        path=content.path,
    )


def _count(content: Content, number: int) -> str:
    return f"{number:,}" if content.is_counted_out else f"more than {number - 1:,}"


def _text(digest: Digest, origin: str, settings_url: str, unsubscribe_url: str) -> str:
    """The plain text, for whoever reads no HTML."""
    lines = [f"{digest.tenant.name}, {digest.day}", "", "Nothing is written before you approve it."]
    for part in digest.parts:
        lines += ["", "", part.title.upper()]
        for group in part.groups:
            lines += ["", group.title] if group.title else [""]
            for row in group.rows:
                lines.append(f"* {row.text}")
                lines += [f"  {row.note}"] if row.note else []
                lines.append(f"  {origin}{row.path}")
        if part.more:
            lines += ["", f"{part.more}: {origin}{part.path}"]
    lines += [
        "",
        "-- ",
        "Links in this mail open pages; none of them decides anything.",
        f"Choose the hour: {settings_url}",
        f"Unsubscribe: {unsubscribe_url}",
    ]
    return "\n".join(lines) + "\n"
