"""``manage.py evaluate_model``: what the product's own models would be worth on a table of somebody's own."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.crm.importing.exceptions import FileRefusedError
from apps.crm.importing.formats import open_path
from apps.predictions.exceptions import ExamplesRefusedError

if TYPE_CHECKING:
    from apps.predictions.estimation.evaluating import Evaluation

# A file on one's own machine may be larger than an upload.
MAX_BYTES = 4 * 1024**3


class Command(BaseCommand):
    """Evaluates the ladder on a CSV file; no database is asked."""

    help = (
        "Judge the product's own estimators on any table with known outcomes: with --time on its newest "
        "rows, else on repeated, stratified folds. Needs no database."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the file, the outcome, and how to split."""
        parser.add_argument("--csv", type=Path, required=True, metavar="FILE")
        parser.add_argument("--label", required=True, metavar="COLUMN", help="the outcome")
        parser.add_argument(
            "--positive",
            required=True,
            metavar="VALUE",
            help="what stands there when it came about",
        )
        parser.add_argument(
            "--time", metavar="COLUMN", help="learn from the earlier rows, judge on the newest"
        )
        parser.add_argument(
            "--drop",
            type=_split_names,
            default=(),
            metavar="A,B",
            help="columns not to learn from, such as those known only after the outcome",
        )
        judged = parser.add_mutually_exclusive_group()
        judged.add_argument("--folds", type=_fold_count, metavar="N", help="5 unless given")
        judged.add_argument(
            "--test-share",
            type=_share,
            metavar="S",
            help="the share of rows to judge on, such as 0.3",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Evaluate, or say in one line why not."""
        # Numerical libraries are loaded only where they are used.
        from apps.predictions.estimation.evaluating import FOLDS, evaluate
        from apps.predictions.estimation.exports import Question, read_examples

        if options["time"] and options["folds"]:
            raise CommandError("With --time the newest rows judge: give --test-share, not --folds.")
        question = Question(options["label"], options["positive"], options["time"], options["drop"])
        try:
            examples = read_examples(open_path(options["csv"]), question, max_bytes=MAX_BYTES)
            evaluation = evaluate(
                examples,
                folds=options["folds"] or FOLDS,
                test_share=options["test_share"],
                told=self._tell,
            )
        except (FileRefusedError, ExamplesRefusedError) as error:
            raise CommandError(error.message) from error
        if options["json"]:
            self.stdout.write(json.dumps(evaluation.to_json(), ensure_ascii=False))
        else:
            self.stdout.write(_render(evaluation))

    def _tell(self, done: int, total: int) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"\r{done} of {total} parts", ending="\n" if done == total else "")


def _render(evaluation: Evaluation) -> str:
    gain = 1 - evaluation.log_loss / evaluation.base_log_loss
    lines = [
        f"rows               {evaluation.rows:,}, it came about in {evaluation.base_rate:.1%}",
        f"rung               {evaluation.rung.label}",
        f"AUC                {evaluation.auc:.3f}",
        f"average precision  {evaluation.average_precision:.3f}",
        f"Brier score        {evaluation.brier:.4f}",
        f"log loss           {evaluation.log_loss:.4f}",
        f"of the base rate   {evaluation.base_log_loss:.4f}, of which is saved {gain:.1%}",
        f"calibration error  {evaluation.calibration_error:.4f}",
        f"seconds            {evaluation.seconds:.1f}",
    ]
    if not evaluation.is_served:
        lines.append("No score would be shown: nothing beats the base rate.")
    lines += [f"not learned from   {left.column}: {left.reason}" for left in evaluation.refused]
    return "\n".join(lines)


def _split_names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _fold_count(text: str) -> int:
    if not text.isdecimal() or not 2 <= int(text) <= 50:
        raise ArgumentTypeError(f"{text!r} is no number of folds from 2 to 50")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0.01 <= share <= 0.9:
        raise ArgumentTypeError(f"{text!r} is no share from 0.01 to 0.9")
    return share
