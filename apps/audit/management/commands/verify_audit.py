"""``manage.py verify_audit``: check the audit logs against their chains, and against exported heads."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django_tenants.utils import schema_context
from pydantic import ValidationError

from apps.audit.heads import HeadFile, find_logs
from apps.audit.verifying import TellProgress, Verdict, verify_log

# Sealed is every minute; what is older than this says that nobody seals.
LATE_S = 300


class Command(BaseCommand):
    """Verifies logs."""

    help = "Check every audit log: exit status 1 when an entry or a seal was changed, removed or slipped in."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the tenant, if not all, and the heads to compare with."""
        parser.add_argument("--tenant", help="the schema's name; all and the operators' without it")
        parser.add_argument(
            "--head", type=Path, metavar="FILE", help="what export_audit_head printed earlier"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check each log and say what was found."""
        known = _read_heads(options["head"])
        asked = options["tenant"]
        schemas, lost = find_logs()
        if asked in lost:
            raise CommandError(f"The schema of {asked!r} is gone, and its log with it.")
        if asked is not None and asked not in schemas:
            raise CommandError(f"There is no tenant {asked!r}.")
        if asked is not None and options["head"] is not None and not known[asked]:
            raise CommandError(f"{options['head']} holds no head of {asked}.")
        verdicts = {}
        for schema in [asked] if asked else schemas:
            with schema_context(schema):
                verdicts[schema] = verify_log(heads=known[schema], tell=_tell_of(schema))
            if not options["json"]:
                self._describe(
                    schema, verdicts[schema], _comparison(options["head"], known[schema])
                )
        gone = [] if asked else sorted({*known, *lost} - {*schemas})
        if options["json"]:
            told = {schema: _as_json(verdict) for schema, verdict in verdicts.items()}
            self.stdout.write(json.dumps({"logs": told, "gone": gone}))
        elif gone:
            self.stdout.write(f"Logs that are gone: {', '.join(gone)}.")
        broken = [schema for schema, verdict in verdicts.items() if not verdict.is_whole]
        if broken or gone:
            raise CommandError(f"Broken: {', '.join([*broken, *gone])}.")

    def _describe(self, schema: str, verdict: Verdict, comparison: str) -> None:
        parts = [
            _counted(verdict.seals, "seal", "seals"),
            _counted(verdict.sealed, "sealed entry", "sealed entries"),
        ]
        if verdict.unsealed:
            age = _age_text(verdict.oldest_unsealed_s or 0)
            parts.append(f"{verdict.unsealed:,} not sealed yet, the oldest {age} old")
        if comparison:
            parts.append(comparison)
        self.stdout.write(
            f"{schema}: {', '.join(parts)}: {'whole' if verdict.is_whole else 'BROKEN'}"
        )
        if (verdict.oldest_unsealed_s or 0) > LATE_S:
            self.stdout.write(
                "  Entries wait to be sealed: is beat running, or an old transaction open?"
            )
        if verdict.faults:
            self.stdout.write(f"  first: {verdict.faults[0]}")
            for fault in verdict.faults[1:]:
                self.stdout.write(f"  then: {fault}")
            left = verdict.fault_count - len(verdict.faults)
            if left:
                self.stdout.write(f"  and {left:,} more")


def _comparison(path: Path | None, heads: dict[int, str]) -> str:
    """What the log was held against, in words; empty where nothing was asked for."""
    if path is None:
        return ""
    return "compared with the exported head" if heads else "no exported head to compare with"


def _read_heads(path: Path | None) -> dict[str, dict[int, str]]:
    """The exported hashes by schema and number of the seal."""
    known: dict[str, dict[int, str]] = defaultdict(dict)
    if path is None:
        return known
    try:
        file = HeadFile.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise CommandError(f"The heads in {path} cannot be read: {error}") from error
    for head in file.heads:
        known[head.tenant][head.number] = head.hash
    return known


def _tell_of(schema: str) -> TellProgress:
    """Shows how far one log is, in one line; a short log passes without a word."""
    told = 0

    def tell(done: int, total: int) -> None:
        nonlocal told
        told += 1
        if told > 1 or done < total:
            sys.stderr.write(f"\r{schema}: seal {done:,} of {total:,}   ")
            if done >= total:
                sys.stderr.write("\n")
            sys.stderr.flush()

    return tell


def _as_json(verdict: Verdict) -> dict[str, object]:
    return {
        "is_whole": verdict.is_whole,
        "seals": verdict.seals,
        "sealed": verdict.sealed,
        "unsealed": verdict.unsealed,
        "oldest_unsealed_s": verdict.oldest_unsealed_s,
        "fault_count": verdict.fault_count,
        "faults": [
            {
                "fault": found.fault.value,
                "seal": found.seal,
                "entry": found.entry,
                "text": str(found),
            }
            for found in verdict.faults
        ],
    }


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _age_text(age_s: float) -> str:
    if age_s < 120:
        return f"{age_s:.0f} s"
    return f"{age_s / 60:,.0f} min" if age_s < 7200 else f"{age_s / 3600:,.0f} h"
