#!/usr/bin/env python
"""Django's command line. Commands that create or change schemas connect as the owner account."""

import os
import sys

OWNER_COMMANDS = frozenset({"migrate", "migrate_schemas", "create_tenant", "setup_demo"})


def main() -> None:
    """Choose the database account for the command, then hand over to Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aisha.settings")
    if len(sys.argv) > 1 and sys.argv[1] in OWNER_COMMANDS:
        os.environ.setdefault("AISHA_DATABASE_ACCOUNT", "owner")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
