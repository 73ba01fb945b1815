"""Policy: asked on the only road to a write, and on no other.

It is the hook for the next phase, in which some changes may be decided by rules that people have set. In
this one it has a single answer; the database holds it to that (a CHECK on its decisions).
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.execution.enums import Verdict
from apps.execution.schemas import ApprovedChange, ApprovedUndo

POLICY_VERSION = 1


@dataclass(frozen=True, slots=True)
class PolicyAnswer:
    """What policy says of one change, and by which version of the rules."""

    verdict: Verdict
    version: int


def decide(change: ApprovedChange | ApprovedUndo) -> PolicyAnswer:
    """Answer for one change. In this phase there is one answer: a person must decide.

    The change is what a later phase will look at; settings are not, so that no setting can change the answer.
    """
    return PolicyAnswer(Verdict.PERSON_MUST_DECIDE, POLICY_VERSION)
