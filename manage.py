#!/usr/bin/env python
"""Django's command line. Commands that create or change schemas connect as the owner account."""

import os
import sys

OWNER_COMMANDS = frozenset(
    {
        *("migrate", "migrate_schemas", "create_tenant", "setup_demo", "erase_person"),
        "measure_discovery",
    }
)


def running_addresses() -> dict[str, str]:
    """The addresses of the embedded servers that run here, as beside `make demo`; else none."""
    if "DATABASE_URL" in os.environ:
        return {}
    from apps.operations.embedded.client import find_running, use_servers
    from apps.operations.embedded.home import find_home

    home = find_home()
    if find_running(home) is None:
        return {}
    with use_servers(home, {}) as servers:
        return servers.environment


def main() -> None:
    """Choose the database account for the command, then hand over to Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aisha.settings")
    for name, address in running_addresses().items():
        os.environ.setdefault(name, address)
    if len(sys.argv) > 1 and sys.argv[1] in OWNER_COMMANDS:
        os.environ.setdefault("AISHA_DATABASE_ACCOUNT", "owner")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
