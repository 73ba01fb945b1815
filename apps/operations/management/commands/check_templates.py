"""`manage.py check_templates`: hold every template of ours against the rules."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.template import engines
from django.template.backends.django import DjangoTemplates

from apps.operations.template_rules import find_faults, known_url_names


class Command(BaseCommand):
    """Compile every template, and look for broken references and inline code."""

    help = "Compile every template; find broken references and inline code."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each fault; raise CommandError when there is one."""
        backend = engines["django"]
        if not isinstance(backend, DjangoTemplates):
            raise CommandError("The template engine named 'django' is not Django's.")
        root = settings.BASE_DIR / "templates"
        names = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
        url_names = known_url_names([settings.ROOT_URLCONF, settings.PUBLIC_SCHEMA_URLCONF])
        faults = [
            f"{name} {fault}"
            for name in names
            for fault in find_faults(name, backend.engine, url_names)
        ]
        for fault in faults:
            self.stderr.write(fault)
        if faults:
            raise CommandError(f"{len(faults)} faults in {len(names)} templates.")
        self.stdout.write(f"{len(names)} templates, no faults.")
