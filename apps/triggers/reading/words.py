"""What the words of a mail, of minutes or of a note amount to. English, German, French.

Expressions are bounded and look at one sentence at a time, so that no text, however long or odd, takes long.
What they miss is missed; they decide nothing but whether somebody is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from apps.crm.enums import ActivityKind, Direction
from apps.triggers.reading.days import day_named, names_a_day

# Of longer texts and sentences only the beginning is read.
LONGEST_TEXT = 6_000
_LONGEST_SENTENCE = 400
# What follows was written by somebody else before.
_QUOTED = re.compile(
    r"^(?:>|-{3,}|_{5,}|(?:on|am|le)\b.{4,80}(?:wrote|schrieb|a écrit)\b.{0,60}:|from:|von:|de\s?:)",
    re.IGNORECASE | re.MULTILINE,
)
# A dot after a number is part of a date.
_SENTENCE_END = re.compile(r"(?<=[!?])\s+|(?<=(?<!\d)\.)\s+|\n+")

# What we say that we shall do; a note may leave out the "I".
_COMMITMENT = re.compile(
    r"\b(?:i|we)(?:['’]ll|\s+will|\s+shall|\s+(?:am|are)\s+going\s+to|\s+would)\b"
    r"|\b(?:promised|agreed)\s+to\b|\bsaid\s+(?:i|we)\b"
    r"|^(?:will|to)\s+(?:call|phone|ring|send|write|get\s+back|come\s+back|follow\s+up|check|report)\b"
    r"|^(?:call|phone|ring|get|write)\s+(?:\w+\s+)?(?:back|again)\b|^follow\s+up\b"
    r"|\byou\s+will\s+(?:have|get|receive|hear)\b.{0,60}\bfrom\s+(?:me|us)\b"
    r"|\b(?:ich|wir)\b.{0,40}\b(?:melde|rufe|schicke|sende|komme|gebe|schreibe|liefere|kläre|prüfe|werde)n?\b"
    r"|\b(?:melde|rufe|schicke|sende|schreibe|gebe)n?\s+(?:ich|wir)\b"
    r"|\b(?:zurückrufen|anrufen|nachfassen|rückruf)\b"
    r"|\b(?:je|nous)\s+(?:(?:vous|te|lui|leur|le|la|les)\s+)?"
    r"(?:rappell\w+|envoi\w+|enverr\w+|envoyons|revien\w+|reviendr\w+|recontact\w+|transmet\w+|écri\w+)"
    r"|\b(?:à\s+rappeler|rappeler)\b",
    re.IGNORECASE,
)  # fmt: skip
_REQUEST = re.compile(
    r"\?|\b(?:please|could\s+you|can\s+you|would\s+you|would\s+like|let\s+me\s+know|send|call\s+me|need"
    r"|reach\s+out|get\s+back|confirm|waiting|urgent"
    r"|bitte|könnten\s+sie|können\s+sie|brauchen|benötigen|wollen|warten|rufen\s+sie"
    r"|merci\s+de|pouvez|pourriez|veuillez|souhait\w+|besoin|attend\w+)\b",
    re.IGNORECASE,
)  # fmt: skip
_THANKS = re.compile(
    r"\b(?:thanks|thank\s+you|received|noted|all\s+is\s+well|all\s+good|perfect|great"
    r"|i\s+will\s+write|danke|besten\s+dank|alles\s+klar|erhalten|merci|bien\s+reçu|parfait)\b",
    re.IGNORECASE,
)
_AUTOMATIC = re.compile(
    r"\b(?:automatic\s+reply|auto-?reply|out\s+of\s+(?:the\s+)?office|on\s+vacation|newsletter|unsubscribe"
    r"|off\s+the\s+list|abwesenheit\w*|nicht\s+im\s+büro|automatische\s+antwort|abmelden"
    r"|réponse\s+automatique|absence|désabonner|désinscri\w+)\b",
    re.IGNORECASE,
)
_PURCHASE = re.compile(
    r"\b(?:quotes?|quotation|pric(?:e|es|ing)|cost|costs|offer|proposal|estimate|demo|meet|meeting|appointment"
    r"|angebot\w*|preis\w*|kosten|kostet|termin|treffen|vorführung"
    r"|devis|prix|tarifs?|coût|offre|rendez-vous|démonstration)\b",
    re.IGNORECASE,
)
_WAIT = re.compile(
    r"\bon\s+hold\b|\bplease\s+wait\b|\bnothing\s+will\s+happen\s+before\b|\bpostponed?\b"
    r"|\bcome\s+back\s+to\s+(?:me|us)\s+(?:then|in|after|next)\b|\bneed\s+it\s+in\s+some\s+weeks\b"
    r"|\bverschoben\b|\bzurückgestellt\b|\berst\s+(?:im|nächste\w*|in)\b|\bpausier\w*"
    r"|\ben\s+attente\b|\breport(?:é|er)\w*|\bpas\s+avant\b",
    re.IGNORECASE,
)
_STUDY = re.compile(
    r"\b(?:thesis|student|survey|applicant|application|seminararbeit|masterarbeit|bewerbung|étudiant\w*|mémoire)\b",
    re.IGNORECASE,
)
_LEAVING = re.compile(
    r"\b(?:not|n['’]t)\b.{0,40}\b(?:renew|extend)\b"
    r"|\b(?:cancel|terminate|end|ending)\b.{0,40}\b(?:contract|agreement|subscription|account)\b"
    r"|\bgive\s+notice\b|\bnotice\s+period\b"
    r"|\bkündig\w*|\bnicht\s+verlängern\b|\bvertrag\b.{0,40}\bbeenden\b"
    r"|\brésili\w+|\bne\b.{0,30}\bpas\s+renouveler\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What one activity says.

    ``promised_on``: until when our side has promised something. ``asks_to_buy``: a question for a price, an
    offer, a demo or a meeting. ``means_to_leave``: the end of a contract. ``asks_to_wait``: the matter rests
    for some weeks. ``needs_no_answer``: thanks, or a machine's reply. The last four are of mails of theirs.
    """

    promised_on: date | None = None
    asks_to_buy: bool = False
    means_to_leave: bool = False
    asks_to_wait: bool = False
    needs_no_answer: bool = False


_NOTHING = Heard()


def hear(
    *, kind: str, direction: str, subject: str, body: str, said_on: date, months_first: bool
) -> Heard:
    """Read one activity. ``said_on`` is its day in the tenant's zone."""
    text = _own_words(body)
    if kind == ActivityKind.EMAIL and direction == Direction.INBOUND:
        return _hear_mail(subject, text)
    if direction == Direction.INBOUND and kind != ActivityKind.CALL:
        return _NOTHING
    return Heard(promised_on=_promised_day(text, said_on, months_first=months_first))


def _hear_mail(subject: str, text: str) -> Heard:
    whole = f"{subject}\n{text}"
    is_automatic = _AUTOMATIC.search(whole) is not None
    is_request = _REQUEST.search(text) is not None
    is_purchase = _PURCHASE.search(whole) is not None and _STUDY.search(whole) is None
    asks_to_wait = _WAIT.search(whole) is not None
    return Heard(
        asks_to_buy=is_purchase and is_request and not (is_automatic or asks_to_wait),
        means_to_leave=_LEAVING.search(whole) is not None,
        asks_to_wait=asks_to_wait,
        needs_no_answer=is_automatic or (not is_request and _THANKS.search(text) is not None),
    )


def _promised_day(text: str, said_on: date, *, months_first: bool) -> date | None:
    """The day until which the last promise of a text is to be kept."""
    if not names_a_day(text):
        return None
    promised = (
        day_named(sentence, said_on, months_first=months_first)
        for sentence in _sentences(text)
        if _COMMITMENT.search(sentence)
    )
    return max((day for day in promised if day is not None), default=None)


def _own_words(body: str) -> str:
    """A text without what is quoted in it."""
    text = body[:LONGEST_TEXT]
    quoted = _QUOTED.search(text)
    return text[: quoted.start()] if quoted else text


def _sentences(text: str) -> Iterator[str]:
    for sentence in _SENTENCE_END.split(text):
        yield sentence.strip()[:_LONGEST_SENTENCE]
