"""Policy: asked on the only road to a write."""

from __future__ import annotations

from dataclasses import dataclass

from apps.execution.enums import Risk, Verdict

POLICY_VERSION = 1


@dataclass(frozen=True, slots=True)
class PolicyAnswer:
    """What policy says of one change, and by which version of the rules."""

    verdict: Verdict
    version: int


def decide(*, tool: str, risk: Risk) -> PolicyAnswer:
    """Answer for one change. In this phase there is one answer: a person must decide.

    The arguments are what a later phase will look at; settings are not among them, so that no setting can
    change the answer.
    """
    return PolicyAnswer(Verdict.PERSON_MUST_DECIDE, POLICY_VERSION)
