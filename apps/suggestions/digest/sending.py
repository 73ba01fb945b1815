"""Sending digests: claimed in the database first, so that nobody gets two on one day."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_event
from apps.suggestions.digest.composing import Digest, compose, message_of, write_mail
from apps.suggestions.digest.delivering import (
    LOST,
    MESSAGES,
    NEVER_AGAIN,
    UNREACHABLE,
    Outcome,
    deliver,
)
from apps.suggestions.digest.enums import DigestStatus
from apps.suggestions.digest.exceptions import (
    AlreadySentError,
    DigestNotSentError,
    MailNotSetUpError,
    NoAddressError,
    NothingToTellError,
)
from apps.suggestions.digest.models import DigestPreference, DigestSchedule, DigestSent
from apps.suggestions.digest.rules import LOST_AFTER, is_due, next_try_at
from apps.suggestions.services import may_view
from apps.tenants.enums import Module
from apps.tenants.models import Tenant
from apps.tenants.services import is_module_on, require_module
from apps.users.models import User

log = logging.getLogger(__name__)

# What may be taken up again on the same day: by the schedule, and by the person's own button.
_RETRIED = (DigestStatus.FAILED,)
_RETAKEN = (DigestStatus.FAILED, DigestStatus.NOTHING)
_SYSTEM = "Digest"


@dataclass(frozen=True, slots=True)
class Due:
    """Somebody whose hour has come, on their own calendar's day."""

    person: User
    day: date


def send_due(tenant: Tenant, now: datetime) -> list[DigestSent]:
    """Send the digests whose hour has come and those to be tried again; return what became of each.

    An unreachable mail server ends the round: the others are left to the next one.
    """
    give_up_lost(now)
    schedule = DigestSchedule.current()
    if not (schedule.is_on and settings.SENDS_MAIL and is_module_on(tenant, Module.SUGGESTIONS)):
        return []
    sent = []
    for due in _find_due(tenant, schedule, now):
        digest = compose(due.person, tenant, now)
        claimed = _claim(due, now, retakes=_RETRIED)
        if claimed is None:
            continue
        _send(claimed, digest, now, Actor.for_system(_SYSTEM))
        sent.append(claimed)
        if claimed.error_code == UNREACHABLE:
            log.warning("the mail server does not answer; the other digests wait")
            break
    return sent


def send_now(person: User, tenant: Tenant, now: datetime) -> DigestSent:
    """Send a person their own digest of today at once.

    Raises:
        MailNotSetUpError, NoAddressError, NothingToTellError, ModuleOffError: there is nothing to be done.
        AlreadySentError: they have had it, or it is on its way.
        DigestNotSentError: the mail server did not take it, or it is not known whether it did.
    """
    require_module(Module.SUGGESTIONS)
    if not settings.SENDS_MAIL:
        raise MailNotSetUpError()
    if not person.email:
        raise NoAddressError()
    give_up_lost(now)
    digest = compose(person, tenant, now)
    if not digest.parts:
        raise NothingToTellError()
    due = Due(person, person.day_at(now, tenant.zone))
    claimed = _claim(due, now, retakes=_RETAKEN, is_manual=True)
    if claimed is None:
        raise AlreadySentError(DigestSent.objects.get(person=person, local_day=due.day).claimed_at)
    _send(claimed, digest, now, Actor.for_person(person))
    if claimed.status != DigestStatus.SENT:
        raise DigestNotSentError(claimed.error_code, MESSAGES[claimed.error_code])
    return claimed


def give_up_lost(now: datetime) -> None:
    """Say of digests whose worker died that nobody knows whether they arrived."""
    lost = DigestSent.objects.filter(
        status=DigestStatus.SENDING, claimed_at__lt=now - LOST_AFTER
    ).select_related("person")
    for row in lost:
        _finish(row, Outcome(DigestStatus.UNKNOWN, LOST), now, Actor.for_system(_SYSTEM))


def _find_due(tenant: Tenant, schedule: DigestSchedule, now: datetime) -> Iterator[Due]:
    """People who want one, may see suggestions, have an address, and whose hour has come."""
    people = list(User.objects.filter(is_active=True).exclude(email="").order_by("id"))
    wishes = {wish.person_id: wish for wish in DigestPreference.objects.all()}
    rows = _rows_by_day(now)
    calendar = tenant.calendar if schedule.working_days_only else None
    for person in people:
        wish = wishes.get(person.pk) or DigestPreference(person=person)
        zone = person.zone(tenant.zone)
        day = now.astimezone(zone).date()
        row = rows.get((person.pk, day))
        send_at = wish.send_at or schedule.send_at
        if row is None:
            is_wanted = is_due(now, send_at=send_at, zone=zone, calendar=calendar)
        else:
            is_wanted = row.next_try_at is not None and row.next_try_at <= now
        if wish.is_on and is_wanted and may_view(person):
            yield Due(person, day)


def _rows_by_day(now: datetime) -> dict[tuple[int, date], DigestSent]:
    """What became of today's digests so far, by person and day; somewhere it is another day."""
    days = [(now + timedelta(days=shift)).date() for shift in (-1, 0, 1)]
    rows: Iterable[DigestSent] = DigestSent.objects.filter(local_day__in=days)
    return {(row.person_id, row.local_day): row for row in rows}


def _claim(
    due: Due, now: datetime, *, retakes: tuple[DigestStatus, ...], is_manual: bool = False
) -> DigestSent | None:
    """Take the person's day for this worker; None when another has it, or nothing is left to do.

    Committed before the mail server is asked: a second worker finds the row, whatever becomes of this one.
    """
    row, is_new = DigestSent.objects.get_or_create(
        person=due.person,
        local_day=due.day,
        defaults={
            "status": DigestStatus.SENDING,
            "claimed_at": now,
            "is_manual": is_manual,
        },
    )
    if is_new:
        return row
    waiting = DigestSent.objects.filter(pk=row.pk, status__in=retakes)
    if not is_manual:
        waiting = waiting.filter(next_try_at__lte=now)
    moved = waiting.update(
        status=DigestStatus.SENDING,
        claimed_at=now,
        finished_at=None,
        next_try_at=None,
        error_code="",
        is_manual=is_manual,
        attempts=F("attempts") + 1,
    )
    if not moved:
        return None
    row.refresh_from_db()
    return row


def _send(row: DigestSent, digest: Digest, now: datetime, actor: Actor) -> None:
    """Hand the mail over and write down what became of it; outside any transaction."""
    row.rows_count = digest.rows_count
    if not digest.parts:
        _finish(row, Outcome(DigestStatus.NOTHING), now, actor)
        return
    outcome = deliver(message_of(write_mail(digest), digest.person))
    _finish(row, outcome, now, actor)


def _finish(row: DigestSent, outcome: Outcome, now: datetime, actor: Actor) -> None:
    """Write down how it ended, on record, unless somebody has done so since it was claimed."""
    row.status, row.error_code, row.finished_at = outcome.status, outcome.code, now
    row.next_try_at = None
    if outcome.status == DigestStatus.FAILED and outcome.code not in NEVER_AGAIN:
        row.next_try_at = next_try_at(now, row.attempts)
    with transaction.atomic():
        ours = DigestSent.objects.filter(
            pk=row.pk, status=DigestStatus.SENDING, claimed_at=row.claimed_at
        )
        moved = ours.update(
            status=row.status,
            error_code=row.error_code,
            finished_at=row.finished_at,
            next_try_at=row.next_try_at,
            rows_count=row.rows_count,
        )
        if moved and row.status != DigestStatus.NOTHING:
            record_event(actor, _entry(row))


def _entry(row: DigestSent) -> Entry:
    details: dict[str, Detail] = {
        "person_id": row.person_id,
        "day": row.local_day.isoformat(),
        "rows": row.rows_count,
        "attempt": row.attempts,
    }
    if row.status == DigestStatus.SENT:
        return Entry(Event.DIGEST_SENT, details=details)
    details |= {"code": row.error_code, "will_be_tried_again": row.next_try_at is not None}
    return Entry(Event.DIGEST_FAILED, details=details)
