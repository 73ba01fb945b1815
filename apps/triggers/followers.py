"""What runs at the end of each scan, after its triggers: the suggestions app registers its pipeline."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace

from apps.triggers.ledger import note_stage
from apps.triggers.models import Scan
from apps.triggers.moments import ScanMoment

log = logging.getLogger(__name__)

# (scan, moment) → None.
Follower = Callable[[Scan, ScanMoment], None]
_followers: list[tuple[str, Follower]] = []


def register_follower(label: str, follower: Follower) -> None:
    """Let ``follower`` run at the end of each scan; ``label`` is shown as the stage."""
    _followers.append((label, follower))


def count_followers() -> int:
    """How many steps of a scan they are."""
    return len(_followers)


def follow_all(scan: Scan, moment: ScanMoment) -> list[str]:
    """Follow the scan, and then those that ended meanwhile and were left to this one."""
    errors = [*_follow(scan, moment)]
    scan.awaits_pipeline = bool(errors)
    if errors:
        return errors
    Scan.objects.awaiting_pipeline().filter(pk__lt=scan.pk).update(awaits_pipeline=False)
    while (left := Scan.objects.awaiting_pipeline().order_by("-pk").first()) is not None:
        late = replace(moment, now=max(moment.now, left.queued_at))
        for label, follower in _followers:
            if error := _let_follow(label, follower, left, late):
                return [error]
        left.awaits_pipeline = False
        left.save()
        Scan.objects.awaiting_pipeline().filter(pk__lt=left.pk).update(awaits_pipeline=False)
    return []


def _follow(scan: Scan, moment: ScanMoment) -> Iterable[str]:
    errors: list[str] = []
    for label, follower in _followers:
        note_stage(scan, label)
        if error := _let_follow(label, follower, scan, moment):
            errors.append(error)
        scan.steps_done += 1
    return errors


def _let_follow(label: str, follower: Follower, scan: Scan, moment: ScanMoment) -> str:
    """Let one follower run; return the error in a line, or an empty text."""
    try:
        follower(scan, moment)
    except Exception as error:
        log.exception("a scan's follower failed", extra={"scan_id": scan.pk, "follower": label})
        return f"{label}: {type(error).__name__}"
    return ""
