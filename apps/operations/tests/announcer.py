"""A program that tells open pages of changes, and wakes no worker to scan other tests' tenants."""

from __future__ import annotations

import os
import signal
import threading

import django


def main() -> None:
    """Listen until SIGTERM."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aisha.settings")
    django.setup()
    from apps.operations.management.commands.watch_changes import announce_suggestions

    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: asked.set())
    announce_suggestions(asked)


if __name__ == "__main__":
    main()
