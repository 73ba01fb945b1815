"""``manage.py find_duplicates``: the product's own matcher on a table of somebody's own."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.crm.importing.exceptions import FileRefusedError
from apps.crm.importing.formats import open_path
from apps.duplicates.exceptions import TableRefusedError
from apps.duplicates.matching.plausibility import LEAST_FIELDS
from apps.execution.signs import with_unseen_named

if TYPE_CHECKING:
    from apps.duplicates.evaluation.evaluating import Evaluation, ToldPair

# A file on one's own machine may be larger than an upload.
MAX_BYTES = 4 * 1024**3
# As a shell tells that a program was interrupted.
_INTERRUPTED = 130
# So many reasons are told for each pair.
_REASONS = 4
# So many columns that are not compared are named.
_LEFT_OUT = 20
# Below it too much is wrong to be believed unseen.
_GOOD_PRECISION = 0.9
_USUAL_WEIGHTS = (
    "weights     the usual ones: the table is too small, or teaches none that make sense"
)


class Command(BaseCommand):
    """Finds duplicates in a CSV file; no database is asked."""

    help = (
        "Find the rows of any table that are about the same person or company. Columns are recognised by "
        "their names and values unless --columns names them. With --truth the result is measured. Needs "
        "no database."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the file and what its columns are."""
        parser.add_argument("--csv", type=Path, required=True, metavar="FILE")
        parser.add_argument(
            "--columns",
            default="",
            metavar="FIELD=COLUMN,…",
            help="such as given=first_name,surname=last_name,email=mail; recognised if left out",
        )
        parser.add_argument(
            "--truth",
            metavar="COLUMN",
            help="rows with the same value here are the same (of FEBRL's ids, as rec-12-dup-0, the number)",
        )
        parser.add_argument("--id", metavar="COLUMN", help="what rows are called in the answer")
        parser.add_argument(
            "--region",
            type=_region,
            metavar="CH",
            help="the country in which telephone numbers are dialled and dates written",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Find, or say in one line why not."""
        # Numerical libraries are loaded only where they are used.
        from apps.duplicates.evaluation.evaluating import evaluate
        from apps.duplicates.evaluation.exports import Question

        try:
            evaluation = evaluate(
                open_path(options["csv"]),
                Question(options["columns"], options["truth"], options["id"]),
                region=options["region"] or "",
                max_bytes=MAX_BYTES,
                told=self._tell,
            )
        except (FileRefusedError, TableRefusedError) as error:
            raise CommandError(_shown(error.message)) from error
        except KeyboardInterrupt:
            self.stderr.write("\nStopped.")
            sys.exit(_INTERRUPTED)
        finally:
            self._tell("")
        if options["json"]:
            self.stdout.write(json.dumps(evaluation.to_json(), ensure_ascii=False))
        else:
            self.stdout.write(_render(evaluation))

    def _tell(self, stage: str) -> None:
        if self.stderr.isatty():
            # Over what was told before.
            self.stderr.write(f"\r\x1b[K{stage}", ending="")
        elif stage:
            self.stderr.write(stage)


def _render(evaluation: Evaluation) -> str:
    found, accuracy = evaluation.found, evaluation.accuracy
    columns = ", ".join(
        f"{field}={_shown(name)}" for field, name in evaluation.export.columns.items()
    )
    lines = [
        f"rows        {evaluation.export.table.size:,}",
        f"columns     {columns}",
        *_render_left_out(evaluation.export.left_out),
        f"compared    {_counted(found.compared, 'pair')}",
        f"threshold   {found.document.threshold:.3f}, chosen without the truth",
        *([] if found.document.is_estimated else [_USUAL_WEIGHTS]),
        f"pairs       {found.likely:,} from there on, in {_counted(len(evaluation.groups), 'group')}",
        *([] if found.likely else [_render_nothing(evaluation)]),
    ]
    lines += [
        f"not looked up by {dropped.rule}: {dropped.keys:,} keys that too many rows share"
        for dropped in found.dropped
    ]
    if accuracy is not None:
        lines += [
            f"precision   {accuracy.precision:.4f}",
            f"recall      {accuracy.recall:.4f}",
            f"F1          {accuracy.f1:.4f}, at best {accuracy.best_f1:.4f}",
            f"F1 of groups {accuracy.cluster_f1:.4f}",
        ]
    elif found.likely:
        lines += [_render_estimate(evaluation), *map(_render_pair, evaluation.strongest())]
    lines.append(f"seconds     {evaluation.seconds:.1f}, {evaluation.peak_mb:,} MB at most")
    return "\n".join(lines)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _render_left_out(names: Sequence[str]) -> list[str]:
    """What is not compared, so that somebody can name it."""
    if not names:
        return []
    shown = ", ".join(map(_shown, names[:_LEFT_OUT]))
    more = f" and {len(names) - _LEFT_OUT:,} more" if len(names) > _LEFT_OUT else ""
    return [f"left out    {shown}{more}; --columns names what is to be compared"]


def _render_nothing(evaluation: Evaluation) -> str:
    said = "nothing     no two rows are likely enough to be the same"
    few = len(evaluation.export.columns) < LEAST_FIELDS
    return f"{said}; so few columns may not suffice to tell" if few else said


def _render_estimate(evaluation: Evaluation) -> str:
    if not evaluation.found.document.is_estimated:
        return "estimated   nothing: the usual weights do not know this table"
    precision, recall = evaluation.expected_precision, evaluation.expected_recall
    said = f"estimated   precision {precision:.2f} and recall {recall:.2f}, by the matcher itself"
    return said if precision >= _GOOD_PRECISION else f"{said}: look at each pair"


def _render_pair(pair: ToldPair) -> str:
    reasons = ", ".join(
        f"{item.field.label.lower()} {item.level} ({item.bits:+.1f})"
        for item in pair.comparison.strongest[:_REASONS]
    )
    return f"  {pair.comparison.probability:.4f}  {_shown(pair.left)} and {_shown(pair.right)}: {reasons}"


def _shown(text: str) -> str:
    """A text of the file on one line, without what would steer a terminal."""
    return with_unseen_named(" ".join(text.split()))


def _region(text: str) -> str:
    if len(text) != 2 or not text.isalpha() or not text.isascii():
        raise ArgumentTypeError(f"{text!r} is no country's two letters, such as CH")
    return text.upper()
