"""Programs of ours run beside a test, on a copy of the test database that they may commit to."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from aisha.environment import parse_database_url
from apps.operations.processes import PROJECT_ROOT

PATIENCE_S = 90


@pytest.fixture
def copied_database(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[dict[str, str]]:
    """A copy of the test database that other processes may commit to: environment variables for them."""
    with django_db_blocker.unblock():
        name = connection.settings_dict["NAME"]
        copy = f"{name}_programs"
        # A database that is copied must have no other session.
        connection.close()
        with _as_owner("postgres") as cursor:
            _drop(cursor, copy)
            cursor.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{name}"')
        connection.settings_dict["NAME"] = copy
        try:
            yield {
                "DATABASE_URL": _at_database(settings.DATABASE_URL, copy),
                "DATABASE_OWNER_URL": _at_database(settings.DATABASE_OWNER_URL, copy),
            }
        finally:
            connection.close()
            connection.settings_dict["NAME"] = name
            with _as_owner("postgres") as cursor:
                _drop(cursor, copy)


def _drop(cursor: psycopg.Cursor, name: str) -> None:
    """Drop a database; sessions that a killed program has left behind are ended.

    Not at once: to end a process of the server's own, an autovacuum, takes a superuser. A plain DROP waits.
    """
    try:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
    except psycopg.errors.ObjectInUse:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def celery(
    command: str, *options: str, env: dict[str, str]
) -> AbstractContextManager[subprocess.Popen[str]]:
    """Run a Celery program for the length of the block; only a worker's output is kept."""
    return program(
        "-m", "celery", "-A", "aisha", command, "--loglevel", "INFO", *options,
        env=env, is_read=command == "worker",
    )  # fmt: skip


@contextmanager
def program(
    *arguments: str, env: dict[str, str], is_read: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """Run Python with these arguments for the length of the block; after ``PATIENCE_S`` it is killed."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=PROJECT_ROOT,
        env={**os.environ, **env, "AISHA_DATABASE_ACCOUNT": "app", "LOG_LEVEL": "INFO"},
        stdout=subprocess.PIPE if is_read else subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        text=True,
    )
    alarm = threading.Timer(PATIENCE_S, process.kill)
    alarm.start()
    try:
        yield process
    finally:
        alarm.cancel()
        process.kill()
        process.communicate()


@contextmanager
def _as_owner(database: str) -> Iterator[psycopg.Cursor]:
    account = parse_database_url(settings.DATABASE_OWNER_URL)
    with (
        psycopg.connect(
            dbname=database,
            user=account["USER"],
            password=account["PASSWORD"] or None,
            host=account["HOST"] or None,
            port=account["PORT"] or None,
            autocommit=True,
        ) as session,
        session.cursor() as cursor,
    ):
        yield cursor


def _at_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
