"""From a message to what it wants: patterns in English and German, the plainest first."""

from __future__ import annotations

import re

from apps.assistant.rules import persons_own, proposals, questions
from apps.assistant.rules.heard import Heard
from apps.assistant.rules.pages import hear_page
from apps.assistant.rules.wording import plain


def hear(text: str) -> Heard | None:
    """What a message wants, as far as the rules can tell; None where they cannot.

    What is to be proposed comes first: the words of a reminder may name anything. Then what only people
    do, so that no other pattern takes it for a wish.
    """
    words = plain(text)
    return (
        proposals.hear(words)
        or persons_own.hear(words)
        or hear_page(words)
        or questions.hear(words)
    )


_QUESTION = re.compile(
    r"^(?:and |und |ok(?:ay)?,? |hey,? |please |bitte )*"
    r"(?:what|who|whom|whose|when|where|which|why|how|is|are|was|were|do|does|did|has|have|any"
    r"|tell me|show|list|give me|explain|compare|count"
    r"|was|wer|wen|wem|wessen|wann|wo|welche[rsnm]?|warum|wieso|wie|ist|sind|waren?|hat|haben|gibt"
    r"|zeig|nenn|erklär|vergleich)\b",
    re.IGNORECASE,
)


def reads_like_question(text: str) -> bool:
    """Whether a message asks something, whatever it is."""
    return text.rstrip().endswith("?") or _QUESTION.match(plain(text)) is not None
