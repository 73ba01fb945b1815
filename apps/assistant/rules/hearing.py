"""From a message to what it wants: patterns in English and German, the plainest first."""

from __future__ import annotations

import re

from apps.assistant.rules import persons_own, proposals, questions
from apps.assistant.rules.heard import Heard
from apps.assistant.rules.pages import hear_page
from apps.assistant.rules.wording import is_request, plain


def hear(text: str) -> Heard | None:
    """What a message wants, as far as the rules can tell; None where they cannot.

    What is to be proposed comes first: the words of a reminder may name anything. Then what only people
    do, so that no other pattern takes it for a wish.
    """
    words = plain(text)
    return (
        # A question is no wish, whatever it begins with.
        (None if ends_like_question(text) else proposals.hear(words))
        or persons_own.hear(words)
        or hear_page(words)
        or questions.hear(words)
    )


_QUESTION = re.compile(
    r"^(?:and |und |ok(?:ay)?,? |hey,? |please |bitte )*"
    r"(?:what|who|whom|whose|when|where|which|why|how|is|are|was|were|do|does|did|has|have|any"
    r"|tell me|remind me (?:what|who|whom|whose|which|where|why|how)|show|list|give me|explain|compare|count"
    r"|was|wer|wen|wem|wessen|wann|wo|welche[rsnm]?|warum|wieso|wie|ist|sind|waren?|hat|haben|gibt"
    r"|erinnere? mich(?: daran)?,? (?:was|wer|wen|wem|wessen|wo|welche[rsmn]?|warum|wieso|wie)"
    r"|zeig|nenn|erklär|vergleich)\b",
    re.IGNORECASE,
)


def reads_like_question(text: str) -> bool:
    """Whether a message asks something, whatever it is. “Could you see to it?” may be a wish."""
    return ends_like_question(text) or _QUESTION.match(plain(text)) is not None


def ends_like_question(text: str) -> bool:
    """Whether a message ends with the sign of a question, and is not “Could you …?”."""
    return text.rstrip().endswith("?") and not is_request(text)
