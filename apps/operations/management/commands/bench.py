"""`manage.py bench [--only APP]`: measure, print a table, write bench/results.json."""

import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django_tenants.utils import schema_context, schema_exists

from apps.operations.measuring import (
    BENCH_TENANT,
    Figure,
    find_measures,
    render_table,
    take,
    write_results,
)


class Command(BaseCommand):
    """Run every app's measures in the tenant `bench`, beside their baselines."""

    help = "Measure against baselines; writes bench/results.json."
    # Before the first migration there is nothing to check against.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Which app."""
        parser.add_argument("--only", metavar="APP", help="only the measures of this app")

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure. A missed target is a figure, not an error; a measure that breaks is one."""
        try:
            measures = find_measures(options["only"])
        except LookupError as error:
            raise CommandError(str(error)) from None
        self._prepare()
        figures: list[Figure] = []
        broken = []
        with schema_context(BENCH_TENANT):
            for named in measures:
                self.stderr.write(f"{named.app}: {named.name} ...")
                try:
                    figures += take(named)
                except Exception:  # noqa: BLE001 - the others still get measured
                    traceback.print_exc()
                    broken.append(f"{named.app}: {named.name}")
        self.stdout.write(render_table(figures))
        path: Path = settings.BASE_DIR / "bench" / "results.json"
        write_results(figures, path)
        self.stdout.write(f"Written to {path.relative_to(settings.BASE_DIR)}.")
        if broken:
            raise CommandError(f"Could not be measured: {', '.join(broken)}.")

    def _prepare(self) -> None:
        """Migrate, and make the tenant: in processes of their own, as the owner account."""
        self._manage("migrate_schemas", "--verbosity", "0")
        if not schema_exists(BENCH_TENANT):
            self._manage("create_tenant", BENCH_TENANT, "--name=Bench", "--host=bench.localhost")

    def _manage(self, *arguments: str) -> None:
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]
        result = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        if result.returncode != 0:
            raise CommandError(f"manage.py {arguments[0]} failed.")
