"""Endpoints: making, changing, switching and removing them, their secrets, and messages sent by hand.

All of it is for administrators and on record; the log never holds a secret, nor an address beyond its host,
because many an address is a secret itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_event
from apps.suggestions.webhooks.addresses import problem_of
from apps.suggestions.webhooks.collecting import begin_reading
from apps.suggestions.webhooks.enums import TEST, DeliveryState, EventKind, OffBecause
from apps.suggestions.webhooks.exceptions import (
    EndpointChangedError,
    EndpointOffError,
    InvalidEndpointError,
    NotDeadError,
    WebhookNotFoundError,
    WebhookPermissionError,
)
from apps.suggestions.webhooks.models import WebhookDelivery, WebhookEndpoint
from apps.suggestions.webhooks.posting import OFF
from apps.suggestions.webhooks.rules import GRACE
from apps.suggestions.webhooks.signing import new_secret
from apps.tenants.secrets import reseal, seal, unseal
from apps.users.models import User

CHANGE_PERMISSION = "suggestions.change_webhookendpoint"
VIEW_PERMISSION = "suggestions.view_webhookendpoint"
# How the audit log names these settings.
SETTING = "webhooks"
NAMES = ("name", "url", "events")
# An address has a check of its own.
_CHECKED = ("name", "events")
MOST_ENDPOINTS = 20
_SYSTEM = "Webhooks"


@dataclass(frozen=True, slots=True)
class NewSecret:
    """An endpoint with the secret that it has now, which is told this once."""

    endpoint: WebhookEndpoint
    secret: str


def add_endpoint(
    *,
    user: User,
    name: str,
    url: str,
    events: Sequence[str],
    now: datetime,
    origin: Origin = Origin.PERSON,
) -> NewSecret:
    """Make an endpoint, switched on.

    Raises:
        WebhookPermissionError: the person's role does not include it.
        InvalidEndpointError: a value is missing or wrong, the address leads where nothing is sent, or there
            are enough of them.
    """
    _require(user)
    row = WebhookEndpoint(
        name=name, url=url, events=_ordered(events), listens_since=now, created_by=user
    )
    secret = new_secret()
    row.sealed_secret = seal(secret)
    _check(row, is_new_address=True)
    with transaction.atomic():
        if WebhookEndpoint.objects.count() >= MOST_ENDPOINTS:
            raise InvalidEndpointError({"name": [f"There are {MOST_ENDPOINTS} webhooks already."]})
        begin_reading()
        row.save()
        _record(Actor.for_person(user, origin), row, "added", fields=list(NAMES))
    return NewSecret(row, secret)


def change_endpoint(
    *,
    user: User,
    endpoint_id: int,
    values: Mapping[str, Any],
    revision_read: int | None = None,
    origin: Origin = Origin.PERSON,
) -> WebhookEndpoint:
    """Set what is named in ``values``; what is so already is not written.

    Raises:
        WebhookPermissionError, WebhookNotFoundError, InvalidEndpointError: refused.
        EndpointChangedError: it is no longer at ``revision_read``.
    """
    _require(user)
    with transaction.atomic():
        row = _locked(endpoint_id)
        if revision_read is not None and revision_read != row.revision:
            raise EndpointChangedError(row.revision)
        wanted = {name: values[name] for name in NAMES if name in values}
        if "events" in wanted:
            wanted["events"] = _ordered(wanted["events"])
        changed = [name for name, value in wanted.items() if getattr(row, name) != value]
        if not changed:
            return row
        for name in changed:
            setattr(row, name, wanted[name])
        _check(row, is_new_address="url" in changed)
        if "url" in changed:
            # How another address fared says nothing about this one.
            row.failing_since = None
        row.revision += 1
        row.save()
        _record(Actor.for_person(user, origin), row, "changed", fields=[*changed])
    return row


def replace_secret(
    *, user: User, endpoint_id: int, now: datetime, origin: Origin = Origin.PERSON
) -> NewSecret:
    """Make a new secret; the former one signs beside it for a day, so that the receiver can change over.

    Raises:
        WebhookPermissionError, WebhookNotFoundError: refused.
    """
    _require(user)
    secret = new_secret()
    with transaction.atomic():
        row = _locked(endpoint_id)
        row.sealed_former_secret, row.former_secret_until = row.sealed_secret, now + GRACE
        row.sealed_secret = seal(secret)
        row.save()
        _record(Actor.for_person(user, origin), row, "secret replaced")
    return NewSecret(row, secret)


def switch(
    *,
    user: User,
    endpoint_id: int,
    is_on: bool,
    now: datetime,
    origin: Origin = Origin.PERSON,
) -> WebhookEndpoint:
    """Switch an endpoint on, from now on, or off; what waits for one that is switched off is given up.

    Raises:
        WebhookPermissionError, WebhookNotFoundError: refused.
    """
    _require(user)
    with transaction.atomic():
        row = _locked(endpoint_id)
        if row.is_enabled == is_on:
            return row
        actor = Actor.for_person(user, origin)
        if not is_on:
            _switch_off(row, OffBecause.PERSON, now, actor)
            return row
        begin_reading()
        row.is_enabled, row.off_because, row.off_at = True, OffBecause.NO, None
        row.listens_since, row.failing_since = now, None
        row.save()
        _record(actor, row, "switched on")
    return row


def switch_off_by_itself(endpoint_id: int, why: OffBecause, now: datetime) -> None:
    """Switch off an endpoint that is gone or fails for days, on record as nobody's wish."""
    with transaction.atomic():
        row = WebhookEndpoint.objects.select_for_update().filter(pk=endpoint_id).first()
        if row is not None and row.is_enabled:
            _switch_off(row, why, now, Actor.for_system(_SYSTEM))


def remove_endpoint(*, user: User, endpoint_id: int, origin: Origin = Origin.PERSON) -> None:
    """Remove an endpoint with all its messages.

    Raises:
        WebhookPermissionError, WebhookNotFoundError: refused.
    """
    _require(user)
    with transaction.atomic():
        row = _locked(endpoint_id)
        _record(Actor.for_person(user, origin), row, "removed")
        row.delete()


def queue_test(*, user: User, endpoint_id: int, now: datetime) -> WebhookDelivery:
    """Make a message that says nothing but that it is a test.

    Raises:
        WebhookPermissionError, WebhookNotFoundError, EndpointOffError: refused.
    """
    _require(user)
    with transaction.atomic():
        row = _locked(endpoint_id)
        if not row.is_enabled:
            raise EndpointOffError()
        return WebhookDelivery.objects.create(
            endpoint=row, kind=TEST, occurred_at=now, next_attempt_at=now
        )


def send_again(*, user: User, delivery_id: int, now: datetime) -> WebhookDelivery:
    """Queue a message that was given up, with all its attempts before it, under the same id.

    Raises:
        WebhookPermissionError, WebhookNotFoundError: refused.
        EndpointOffError, NotDeadError: it cannot be sent now, or need not.
    """
    _require(user)
    delivery = WebhookDelivery.objects.select_related("endpoint").filter(pk=delivery_id).first()
    if delivery is None:
        raise WebhookNotFoundError()
    if not delivery.endpoint.is_enabled:
        raise EndpointOffError()
    dead = WebhookDelivery.objects.dead().filter(pk=delivery_id)
    if not dead.update(**_queued_anew(now)):
        raise NotDeadError()
    delivery.refresh_from_db()
    return delivery


def send_all_again(*, user: User, endpoint_id: int, now: datetime) -> int:
    """Queue all messages to an endpoint that were given up, tests aside; return how many.

    Raises:
        WebhookPermissionError, WebhookNotFoundError, EndpointOffError: refused.
    """
    _require(user)
    with transaction.atomic():
        row = _locked(endpoint_id)
        if not row.is_enabled:
            raise EndpointOffError()
        dead = WebhookDelivery.objects.dead().filter(endpoint=row).exclude(kind=TEST)
        return dead.update(**_queued_anew(now))


def secrets_of(endpoint: WebhookEndpoint, now: datetime) -> list[str]:
    """What the endpoint's messages are signed with at present, the newest first.

    Raises:
        SecretUnreadableError: none of the sealing keys in force opens it.
    """
    secrets = [unseal(endpoint.sealed_secret)]
    if endpoint.former_secret_until is not None and now < endpoint.former_secret_until:
        secrets.append(unseal(endpoint.sealed_former_secret))
    return secrets


def reseal_secrets(actor: Actor) -> int:
    """Seal all stored secrets anew with the newest sealing key, on record; return how many endpoints.

    Raises:
        SecretUnreadableError: none of the sealing keys in force opens one; all are left as they are.
    """
    with transaction.atomic():
        rows = list(WebhookEndpoint.objects.select_for_update().order_by("id"))
        for row in rows:
            row.sealed_secret = reseal(row.sealed_secret)
            if row.sealed_former_secret:
                row.sealed_former_secret = reseal(row.sealed_former_secret)
            row.save(update_fields=["sealed_secret", "sealed_former_secret"])
            _record(actor, row, "secret sealed anew")
    return len(rows)


def _require(user: User) -> None:
    if not user.has_perm(CHANGE_PERMISSION):
        raise WebhookPermissionError()


def _locked(endpoint_id: int) -> WebhookEndpoint:
    row = WebhookEndpoint.objects.select_for_update().filter(pk=endpoint_id).first()
    if row is None:
        raise WebhookNotFoundError()
    return row


def _ordered(events: Sequence[str]) -> list[str]:
    """Each once, in the order of the list; what is not in it stays, to be refused."""
    known = [kind.value for kind in EventKind if kind.value in events]
    return [*known, *dict.fromkeys(event for event in events if event not in known)]


def _check(row: WebhookEndpoint, *, is_new_address: bool) -> None:
    problems: dict[str, list[str]] = {}
    try:
        row.clean_fields(exclude=[f.name for f in row._meta.fields if f.name not in _CHECKED])
    except ValidationError as error:
        problems |= error.message_dict
    if is_new_address and (problem := problem_of(row.url)):
        problems["url"] = [problem]
    if problems:
        raise InvalidEndpointError(problems)


def _switch_off(row: WebhookEndpoint, why: OffBecause, now: datetime, actor: Actor) -> None:
    row.is_enabled, row.off_because, row.off_at = False, why, now
    row.save()
    waiting = row.deliveries.filter(state=DeliveryState.QUEUED)
    given_up = waiting.update(
        state=DeliveryState.DEAD, next_attempt_at=None, finished_at=now, error_code=OFF
    )
    _record(actor, row, "switched off", because=why.value, given_up=given_up)


def _queued_anew(now: datetime) -> dict[str, Any]:
    return {
        "state": DeliveryState.QUEUED,
        "attempts": 0,
        "next_attempt_at": now,
        "finished_at": None,
    }


def _record(actor: Actor, row: WebhookEndpoint, change: str, **more: Detail) -> None:
    details: dict[str, Detail] = {
        "setting": SETTING,
        "endpoint_id": row.pk,
        "change": change,
        "host": urlsplit(row.url).hostname or "",
        **more,
    }
    record_event(actor, Entry(Event.SETTINGS_CHANGED, details=details))
