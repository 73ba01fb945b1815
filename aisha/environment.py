"""Typed readers of environment variables that fail loudly: the only place that reads ``os.environ``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


def read_text(name: str, default: str | None = None) -> str:
    """Return the variable's text; without a default, a missing or empty one is an error."""
    value = os.environ.get(name, "")
    if value:
        return value
    if default is None:
        raise ImproperlyConfigured(f"Set the environment variable {name} (see .env.example).")
    return default


def read_bool(name: str, default: bool) -> bool:
    """Return a yes/no variable; any other word is an error."""
    text = os.environ.get(name)
    if text is None:
        return default
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name}={text!r} is neither yes nor no.")


def read_int(name: str, default: int) -> int:
    """Return a whole-number variable."""
    text = os.environ.get(name, "")
    if not text:
        return default
    try:
        return int(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}={text!r} is not a whole number.") from error


def read_list(name: str, default: list[str]) -> list[str]:
    """Return a comma-separated variable as a list of stripped, non-empty parts."""
    text = os.environ.get(name)
    if text is None:
        return default
    return [part.strip() for part in text.split(",") if part.strip()]


def parse_database_url(url: str) -> dict[str, Any]:
    """Turn ``postgres://login:password@host:port/name?option=value`` into Django's settings keys.

    A socket folder goes into the query: ``postgres://aisha_app@/aisha?host=/run/postgresql``.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured("DATABASE_URL must begin with postgres:// or postgresql://.")
    options: dict[str, str] = dict(parse_qsl(parts.query))
    host = options.pop("host", None) or parts.hostname or ""
    port = options.pop("port", None) or (str(parts.port) if parts.port else "")
    return {
        "ENGINE": "django_tenants.postgresql_backend",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": port,
        "OPTIONS": options,
    }


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed over; at most one of ``is_starttls`` and ``is_tls`` holds."""

    host: str
    port: int
    user: str
    password: str
    is_starttls: bool
    is_tls: bool


# What encrypts the way to the mail server, and the port that goes with it.
_MAIL_SCHEMES = {"smtp": 587, "smtps": 465, "smtp+plain": 25}


def parse_email_url(url: str) -> MailServer:
    """Read ``smtp://login:password@host:port``.

    ``smtp`` goes on encrypted (STARTTLS) or not at all, ``smtps`` is encrypted from the first byte, and
    ``smtp+plain`` is not: for a relay on the same machine.
    """
    parts = urlsplit(url)
    port = _MAIL_SCHEMES.get(parts.scheme)
    if port is None or not parts.hostname:
        raise ImproperlyConfigured(
            "EMAIL_URL must be smtp://, smtps:// or smtp+plain:// with a host behind it."
        )
    try:
        port = parts.port or port
    except ValueError:
        # Without the address, which holds a password.
        raise ImproperlyConfigured("EMAIL_URL has no valid port.") from None
    return MailServer(
        host=parts.hostname,
        port=port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        is_starttls=parts.scheme == "smtp",
        is_tls=parts.scheme == "smtps",
    )


def celery_redis_url(redis_url: str) -> str:
    """Return the broker address in Celery's spelling: its unix sockets are ``redis+socket://``."""
    if redis_url.startswith("unix://"):
        return "redis+socket://" + redis_url.removeprefix("unix://")
    return redis_url


def origin_of(url: str) -> str:
    """Scheme, host and port of an address, as a content security policy names them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
