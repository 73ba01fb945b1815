"""Imports write files: in tests, below the test's own folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from pytest_django import Settings

from aisha.celery import app


@pytest.fixture(autouse=True)
def media_root(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """Keep uploads and lists of problems below a folder that goes with the test."""
    root = tmp_path / "media"
    settings.MEDIA_ROOT = root
    _forget_root()
    yield root
    _forget_root()


@pytest.fixture
def eager() -> Iterator[None]:
    """Tasks run where they are sent."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


def _forget_root() -> None:
    # The tenant storage, once it is used, remembers the folder beyond a change of the setting.
    remembered = getattr(default_storage._wrapped, "__dict__", {})  # type: ignore[attr-defined]
    remembered.pop("relative_media_root", None)
