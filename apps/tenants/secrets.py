"""Secrets of tenants, sealed before they are stored."""

from __future__ import annotations

import base64
import hashlib
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from apps.tenants.exceptions import SecretUnreadableError


def seal(secret: str) -> str:
    """Encrypt a secret for storage, with the newest key."""
    return _box().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Return the secret.

    Raises:
        SecretUnreadableError: none of the keys in force sealed it.
    """
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SecretUnreadableError() from None


def reseal(sealed: str) -> str:
    """Seal again with the newest key what any key in force has sealed.

    Raises:
        SecretUnreadableError: none of the keys in force sealed it.
    """
    try:
        return _box().rotate(sealed.encode()).decode()
    except InvalidToken:
        raise SecretUnreadableError() from None


def _box() -> MultiFernet:
    return _box_of(tuple(settings.SECRET_SEALING_KEYS) or (settings.SECRET_KEY,))


@cache
def _box_of(passphrases: tuple[str, ...]) -> MultiFernet:
    # Long random texts: one hash makes a key of them, and stretching would add nothing.
    return MultiFernet(
        Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"aisha.seal:{text}".encode()).digest()))
        for text in passphrases
    )
