"""Signing in: the check of the password, the throttle, and what is put on record."""

from __future__ import annotations

from django.contrib.auth import authenticate, login, logout
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from apps.users.enums import PersonEvent
from apps.users.exceptions import SignInThrottledError
from apps.users.models import User
from apps.users.recorders import report
from apps.users.services import person_of

# Five tries are enough to find the right one of one's own passwords; an address may be an office.
MOST_TRIES_PER_NAME_AND_ADDRESS = 5
MOST_TRIES_PER_ADDRESS = 50
TRIES_COUNT_FOR_S = 15 * 60


def sign_in(request: HttpRequest, *, username: str, password: str) -> User | None:
    """Sign the person in and return them, or None when name and password do not fit.

    Both are on record. A failed try names the person only if there is one of that name: what was
    typed may be a password in the wrong box, so it is not kept in any form. A try is counted before
    it is checked, so that many at once cannot slip through together. That a count ran full is on record once;
    those after it are not, so that whoever goes on trying cannot fill the log.

    Raises:
        SignInThrottledError: too many tries failed of late; this one was not even checked.
    """
    by_name, by_address = _try_keys(username, _address_of(request))
    tries, tries_of_address = _count_try(by_name), _count_try(by_address)
    if tries > MOST_TRIES_PER_NAME_AND_ADDRESS or tries_of_address > MOST_TRIES_PER_ADDRESS:
        if (
            tries == MOST_TRIES_PER_NAME_AND_ADDRESS + 1
            or tries_of_address == MOST_TRIES_PER_ADDRESS + 1
        ):
            _report_failure(request, username, is_throttled=True)
        raise SignInThrottledError
    user = authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        _report_failure(request, username)
        return None
    with transaction.atomic():
        login(request, user)
        report(PersonEvent.SIGNED_IN, user)
    # The address keeps its count of the others: one good password must not pay for guessing more.
    cache.delete(by_name)
    cache.decr(by_address)
    return user


def sign_out(request: HttpRequest) -> None:
    """Sign the person out; the session is gone afterwards."""
    report(PersonEvent.SIGNED_OUT, person_of(request))
    logout(request)


def _report_failure(request: HttpRequest, username: str, *, is_throttled: bool = False) -> None:
    known = User.objects.filter(username=username).values_list("pk", flat=True).first()
    details = {"person_id": known, "address": _address_of(request)}
    report(
        PersonEvent.SIGN_IN_FAILED, None, details | ({"throttled": True} if is_throttled else {})
    )


def _count_try(key: str) -> int:
    """Raise a counter that lasts from its first try, and return it."""
    cache.add(key, 0, TRIES_COUNT_FOR_S)
    try:
        return int(cache.incr(key))
    except ValueError:
        # It ran out between the two calls: this is the first try of a new count.
        cache.set(key, 1, TRIES_COUNT_FOR_S)
        return 1


def _try_keys(username: str, address: str) -> tuple[str, str]:
    """The counters of a try: of the name from this address, and of the address.

    The cache keeps them per tenant; names are hashed, because the cache is no place for them.
    """
    name = salted_hmac("apps.users.sign_in", username.strip().casefold()).hexdigest()
    return f"sign_in:{name}:{address}", f"sign_in:{address}"


def _address_of(request: HttpRequest) -> str:
    """The caller's address as the server sees it; what a proxy says is the server's business."""
    return str(request.META.get("REMOTE_ADDR", ""))
