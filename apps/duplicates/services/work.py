"""What a run does, and when there is one to do."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from django.utils import timezone

from apps.duplicates.enums import PairState, RunKind, Subject
from apps.duplicates.exceptions import MatchingBusyError
from apps.duplicates.models import Matcher, MatchRun, Pair
from apps.duplicates.services.changes import Changed, match_records, read_changed
from apps.duplicates.services.judging import document_of
from apps.duplicates.services.matching import match_all
from apps.duplicates.services.settling import Settled
from apps.tenants.locks import holding
from apps.tenants.work.enums import WorkStatus
from apps.tenants.work.exceptions import WorkUnderWayError
from apps.tenants.work.runs import Tell, carry_out, close_lost, write_down
from apps.users.models import User

# What a look at everything goes through, as its stages begin.
PHASES = (
    "reading records", "reading values", "keys", "pairs", "comparing", "estimating", "writing keys",
    "explaining", "writing pairs",
)  # fmt: skip
# Looks at what changed come again and again; what they did long ago nobody asks about.
CHANGES_KEPT = timedelta(days=30)


def request_run(subject: Subject, user: User | None = None) -> MatchRun:
    """Write down that all records of a subject are to be compared; the caller sends it to a worker.

    Raises:
        WorkUnderWayError: it waits or is being done already.
    """
    close_lost(timezone.now(), MatchRun)
    return write_down(MatchRun(kind=RunKind.FULL, subject=subject, requested_by=user))


def request_night() -> list[MatchRun]:
    """Write down a look at everything for each subject, where nobody is at it."""
    runs = []
    for subject in Subject:
        with suppress(WorkUnderWayError):
            runs.append(request_run(subject))
    return runs


def carry_out_run(run: MatchRun, *, now: datetime, watch: Tell | None = None) -> None:
    """Do a run to its end: progress, stopping and what came of it stand in its row."""
    carry_out(run, lambda tell: _act(run, now, tell), watch)


def match_changed(now: datetime) -> list[MatchRun]:
    """Compare what changed since the last look; returns the looks at everything that are needed instead.

    Where somebody is at a subject already, it is left to them.
    """
    wanted = []
    for subject in Subject:
        with holding(_lock_name(subject)) as is_ours:
            is_done = not is_ours or _match_changed(subject, now)
        if not is_done:
            with suppress(WorkUnderWayError):
                wanted.append(request_run(subject))
    return wanted


def let_pairs_go(now: datetime) -> None:
    """Let no pair stand open any more: switched off, nobody keeps what triggers rest on.

    What a person decided stays; the rest is found again when somebody looks.
    """
    Pair.objects.open().update(state=PairState.GONE, is_likely=False, cluster=None, compared_at=now)


def forget_old_looks(now: datetime) -> None:
    """Remove what the ledger says of looks at changes long ago."""
    old = MatchRun.objects.filter(kind=RunKind.CHANGES, queued_at__lt=now - CHANGES_KEPT)
    old.delete()


def _match_changed(subject: Subject, now: datetime) -> bool:
    """Compare what changed, if that is enough; says whether it was."""
    matcher = Matcher.objects.current(subject)
    changed = read_changed(subject)
    if matcher is None or changed is None or changed.is_too_much(matcher):
        return False
    document = document_of(matcher)
    if document is None:
        return False
    settled, compared = match_records(subject, changed, matcher, document, now=now)
    if changed.refs:
        _note(subject, changed, settled, compared, now)
    return True


def _note(
    subject: Subject, changed: Changed, settled: Settled, compared: int, now: datetime
) -> None:
    """Put a look at changes on the ledger."""
    MatchRun.objects.create(
        kind=RunKind.CHANGES,
        subject=subject,
        status=WorkStatus.SUCCEEDED,
        queued_at=now,
        started_at=now,
        finished_at=timezone.now(),
        records_compared=compared,
        pairs_found=settled.found,
        pairs_gone=settled.gone,
        message=f"{len(changed.refs):,} changed records were compared.",
    )


def _act(run: MatchRun, now: datetime, tell: Tell) -> str:
    subject = Subject(run.subject)

    def tell_stage(stage: str) -> None:
        begun = [number for number, phase in enumerate(PHASES) if stage.startswith(phase)]
        MatchRun.objects.filter(pk=run.pk).update(stage=stage[:60])
        tell(begun[-1] if begun else 0, len(PHASES))

    with holding(_lock_name(subject)) as is_ours:
        if not is_ours:
            raise MatchingBusyError()
        outcome = match_all(subject, now=now, tell=tell_stage)
    MatchRun.objects.filter(pk=run.pk).update(
        stage="",
        records_compared=outcome.records,
        pairs_found=outcome.settled.found,
        pairs_gone=outcome.settled.gone,
    )
    return (
        f"{outcome.records:,} records were compared: {outcome.likely:,} likely pairs,"
        f" {outcome.settled.found:,} new and {outcome.settled.gone:,} gone."
    )


def _lock_name(subject: Subject) -> str:
    return f"matching:{subject.value}"
