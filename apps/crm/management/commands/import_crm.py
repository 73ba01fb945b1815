"""``manage.py import_crm``: bring a file of records into a tenant."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.audit.enums import Origin
from apps.audit.schemas import Actor
from apps.crm.importing.exceptions import ImportingError, MappingError
from apps.crm.importing.fields import PLURALS
from apps.crm.importing.mapping import MappingFile
from apps.crm.importing.runs import ImportProgress
from apps.crm.importing.services import ImportSummary, import_file
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant


class Command(BaseCommand):
    """Imports records."""

    help = (
        "Import records from a CSV file. All or nothing; rows with errors are left out and listed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the tenant, the kind and the file."""
        parser.add_argument("file", type=Path, help="the CSV file")
        parser.add_argument("--tenant", required=True, help="the schema's name, such as acme")
        parser.add_argument(
            "--kind", required=True, choices=sorted(PLURALS), help="what the rows are"
        )
        parser.add_argument(
            "--source",
            default="",
            help="the system the ids belong to; else the one that is recognised",
        )
        parser.add_argument(
            "--mapping", type=Path, help="a JSON file: column → field (docs/import.md)"
        )
        parser.add_argument(
            "--errors", type=Path, help="write the list of problems to this CSV file"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="do everything, then roll it back"
        )
        parser.add_argument(
            "--json", action="store_true", help="print the result as one JSON object"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import the file, or say why not."""
        tenant = (
            Tenant.objects.filter(schema_name=options["tenant"])
            .exclude(schema_name="public")
            .first()
        )
        if tenant is None:
            raise CommandError(f"There is no tenant {options['tenant']!r}.")
        tenant_connection().set_tenant(tenant)
        try:
            summary = import_file(
                kind=options["kind"],
                path=options["file"],
                source=options["source"],
                actor=Actor.for_system("import_crm", Origin.API),
                mapping=_read_mapping(options["mapping"]),
                progress=_show_progress,
                dry_run=options["dry_run"],
            )
        except ImportingError as error:
            raise CommandError(error.message) from error
        if options["errors"] and summary.errors_path:
            with default_storage.open(summary.errors_path, "rb") as problems:
                options["errors"].write_bytes(problems.read())
        if options["json"]:
            self.stdout.write(json.dumps({**asdict(summary), "kind": summary.kind.value}))
        else:
            self._describe(summary)

    def _describe(self, summary: ImportSummary) -> None:
        for note in summary.notes:
            self.stdout.write(note)
        outcome = "Would be imported" if summary.is_dry_run else "Imported"
        self.stdout.write(
            f"{outcome}: {summary.rows_created:,} created, {summary.rows_changed:,} changed, "
            f"{summary.rows_unchanged:,} unchanged, {summary.rows_refused:,} refused of "
            f"{summary.rows_total:,} rows; {summary.rows_warned:,} with a value left out."
        )
        if summary.errors_path:
            with default_storage.open(summary.errors_path, "r") as problems:
                for line in [line for _, line in zip(range(11), problems, strict=False)][1:]:
                    self.stdout.write(f"  {line.strip()}")
            self.stdout.write("All problems: on the import's page, or with --errors FILE.csv.")


def _show_progress(progress: ImportProgress) -> None:
    total = "" if progress.rows_total is None else f" of {progress.rows_total:,}"
    sys.stderr.write(f"\r{progress.phase}: {progress.rows_done:,}{total} rows   ")
    if progress.phase == "writing":
        sys.stderr.write("\n")
    sys.stderr.flush()


def _read_mapping(path: Path | None) -> MappingFile | None:
    if path is None:
        return None
    try:
        return MappingFile.parse(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise MappingError(f"The mapping file {path} cannot be read: {error}.") from error
