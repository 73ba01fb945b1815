"""What the words of a mail, of minutes or of a note amount to. English, German, French.

Expressions are bounded and look at one sentence at a time, so that no text, however long or odd, takes long.
What they miss is missed; they decide nothing but whether somebody is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from apps.crm.enums import ActivityKind, Direction
from apps.triggers.reading.buying import PURCHASE, REQUEST, asked_in_a_talk, asks_in_a_mail
from apps.triggers.reading.days import day_named, names_a_day

_WEEK = timedelta(weeks=1)
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

# To be away, to wait or to want something is no step of ours.
_NO_STEP = (
    r"(?!\s+(?:not|never|know|see|hear|wait|need|want|like|prefer|travel|leave|miss|attend|have\s+to"
    r"|take\s+(?:a|some|the|my|our)?\s*(?:leave|break|holiday|vacation|days?|time)"
    r"|be\s+(?!in\s+touch|calling|ringing|sending|writing|contacting|back\s+(?:to|with)))\b)"
)
_STEPS_DE = (
    r"melden|anrufen|zurückrufen|rufen|schicken|zuschicken|senden|zusenden|liefern|klären|prüfen|schreiben"
    r"|geben|nachfassen|nachreichen|zurückmelden|zurückkommen|zukommen"
)
# Of whom one of these is said, he calls, or is asked to.
_SOMEBODY_ELSE_DE = (
    r"will|wird|wollen|wollten?|möchten?|könnten?|können|kann|würden?|werden"
    r"|sollen?|sollten?|bitten?|bittet"
)
# What we say that we shall do; a note may leave out the "I".
_COMMITMENT = re.compile(
    rf"\b(?:i|we)(?:['’]ll|\s+will|\s+shall|\s+(?:am|are)\s+going\s+to|\s+would)\b{_NO_STEP}"
    r"|(?:^|\b(?:i|we)(?:['’]ve|\s+have)?\s+(?:also\s+)?)(?:promised|agreed)\s+to\b|\bsaid\s+(?:i|we)\b"
    r"|^(?:will|to)\s+(?:call|phone|ring|send|write|get\s+back|come\s+back|follow\s+up|check|report)\b"
    r"|^(?:call|phone|ring|get|write)\s+(?!(?:me|us)\b)(?:\w+\s+)?(?:back|again)\b"
    r"|^follow\s+up\b(?!\s+(?:on|to|from)\s+\w+['’]s\b)"
    r"|\byou\s+will\s+(?:have|get|receive|hear)\b.{0,60}\bfrom\s+(?:me|us)\b"
    r"|\b(?:ich|wir)\b.{0,40}\b(?:melde|rufe|schicke|sende|gebe|schreibe|liefere|kläre|prüfe)n?\b"
    r"|\b(?:ich|wir)\b.{0,40}\bkommen?\b.{0,40}\b(?:auf|darauf|vorbei)\b"
    rf"|\bwerden?\s+(?:ich|wir)\b.{{0,80}}\b(?:{_STEPS_DE})\b"
    rf"|\b(?:ich|wir)\s+werden?\b.{{0,80}}\b(?:{_STEPS_DE})\b"
    r"|\b(?:melde|rufe|schicke|sende|schreibe|gebe)n?\s+(?:ich|wir)\b"
    r"|\b(?:ich|wir)\s+(?:will|wollen|möchten?|kann|können|muss|müssen|sollen?)\b"
    r".{0,80}\b(?:zurückrufen|anrufen|nachfassen)\b"
    rf"|^(?!.*\b(?:{_SOMEBODY_ELSE_DE})\b).*\b(?:zurückrufen|anrufen|nachfassen)\b"
    r"|(?<!\bkein\s)(?<!\bkeinen\s)\brückruf\b(?!\s+(?:von|erhalten|bekommen|verpasst)\b)|\bwiedervorlage\b"
    r"|\b(?:je|nous)\s+(?:(?:vous|te|lui|leur|le|la|les)\s+)?"
    r"(?:rappell\w+|envoi\w+|enverr\w+|envoyons|recontact\w+|transmet\w+|écri\w+"
    r"|(?:revien|reviendr)\w+\s+vers)"
    r"|\b(?:vais|allons)\s+(?:(?:vous|te|lui|leur)\s+)?(?:rappeler|envoyer|recontacter|revenir\s+vers|écrire)"
    r"|\bà\s+rappeler\b"
    r"|(?<!\bnous\s)(?<!\bme\s)(?<!\bva\s)(?<!\bvont\s)(?<!\bveut\s)(?<!\bdoit\s)(?<!\bde\s)\brappeler\b",
    re.IGNORECASE,
)  # fmt: skip
# What they asked of us, as minutes and notes of ours tell it: it begins what is said.
_ASKED_OF_US = re.compile(
    r"(?:^|[:;,.\"“„«(–—-]\s*)(?:please\s+|bitte\s+)?"
    r"(?:(?:call|ring|phone|e-?mail|contact|write(?:\s+to)?)\s+(?:me|us|him|her|them)\b"
    r"|(?:ruf|rufen\s+sie|melde\s+dich|melden\s+sie\s+sich)\b|schick(?:en\s+sie)?\s+(?:mir|uns|ihm|ihr)\b"
    r"|(?:rappelez|rappelle|recontactez|écrivez|envoyez)-(?:moi|nous|le|la|les|lui))"
    r"|\bcall-?\s?back\s*(?::|on\b|due\b|by\b|requested\b|wanted\b)"
    r"|\b(?:wants?|wanted|asked|asks|would\s+like)\s+(?:(?:for\s+)?a\s+call|(?:me|us)\s+to\b|to\s+be\s+called)"
    r"|\b(?:möchte|bittet|bat|wünscht)\b.{0,40}\b(?:rückruf|zurückgerufen|angerufen)\b"
    r"|\bbitte\b.{0,40}\b(?:zurückrufen|anrufen)\b|\bmerci\s+de\s+(?:(?:le|la|les)\s+)?rappeler\b"
    r"|\b(?:souhaite|demande|veut)\b.{0,30}\b(?:rappel|rappelé|rappelée|recontacté)\b",
    re.IGNORECASE,
)
# Notes and minutes are written in haste: "Left voicemail, call back Tuesday", "- call back Tuesday".
_LIST_MARK = re.compile(r"^(?:[-*+•–—→>]+|\[ ?\]|\d{1,2}[.)])\s+")
_CLAUSE_BEGIN = re.compile(r"[,;:|&–—→]\s*|\s-+>?\s+|\s(?:and|but|so|und|et)\s+", re.IGNORECASE)
# What begins a clause and has no subject: whoever wrote it means to do it.
_TO_DO = re.compile(
    r"(?:(?:please|pls|then|must|reminder|remember\s+to|to)\s+)?"
    r"(?:(?:call|phone|ring|get|write)\s+(?!(?:me|us)\b)(?:\w+\s+)?(?:back|again)\b"
    r"|call-?back\b(?!\s+(?:from|received|came|was|were|had|did|missed)\b)"
    r"|follow[\s-]?up\b(?!\s+(?:to|from|of)\b|.{0,40}['’]s\b)|try\s+(?:\w+\s+)?again\b)"
    r"|will\s+(?:follow\s+up|try|chase|check\s+in|circle\s+back|touch\s+base)\b"
    r"|will\s+(?:call|phone|ring|send|e-?mail|write(?:\s+to)?|get\s+back\s+to|contact)\s+(?:him|her|them)\b"
    r"|will\s+send\s+(?!(?:me|us)\b)(?:\w+\s+){0,3}(?:quote|quotation|offer|proposal|prices|pricing|price\s+list|estimate)\b"
    r"|(?:melde\s+mich|werde\b.{0,60}\b(?:zurückrufen|anrufen|melden|schicken|senden|nachfassen))\b"
    r"|(?:rufe|schicke|sende|schreibe|kläre|prüfe)\s+(?!(?:mir|uns)\b)|wv\b"
    r"|(?:relancer|recontacter|rappelle(?:rai)?)\b",
    re.IGNORECASE,
)
_NEXT_STEP = re.compile(
    r"\b(?:next\s+(?:steps?|action)|to-?\s?do|action(?:\s+item)?|reminder)\s*[:–—-]\s*(?:to\s+|i\s+|we\s+)?"
    r"(?:call|phone|ring|send|e-?mail|write|get\s+back|follow\s+up|prepare|arrange|schedule|book|chase)\b"
    r"(?!\s+(?:me|us)\b)"
    r"|\bnächster?\s+schritte?\s*[:–—-].{0,60}\b(?:zurückrufen|anrufen|schicken|senden|nachfassen)\b",
    re.IGNORECASE,
)
# The same may be said of somebody who was named before: it is ours after something that we did.
_TO_DO_OR_THEIRS = re.compile(
    r"(?:will|shall|must|should|need\s+to|have\s+to|going\s+to|plan(?:ning)?\s+to|promised\s+to|agreed\s+to)\s+"
    r"(?:call|phone|ring|send|write|e-?mail|get\s+back|come\s+back|check|report|reach\s+out|meet|talk|speak)\b"
    r"(?!\s+(?:me|us|back\s+to\s+(?:me|us)|to\s+(?:me|us))\b)",
    re.IGNORECASE,
)
_OURS_BEFORE = re.compile(
    r"(?:(?:just|again|briefly|already|i|we|have|['’]ve)\s+)*"
    r"(?:spoke|spoken|talked|called|phoned|rang|left|tried|reached|met|sent|e-?mailed|mailed|wrote|discussed"
    r"|chatted|connected|got\s+(?:through|hold)|no\s+(?:answer|reply|one)|nobody|not\s+(?:reached|there|in)"
    r"|voice-?mail|l?vm|couldn['’]t|could\s+not|(?:good|great|quick|short|nice|first|intro)\s+(?:call|chat|talk|meeting))\b",
    re.IGNORECASE,
)
_SOMEBODY_ELSE = re.compile(r"\b(?:he|she|they|who|asked|wants?|said|says)\b", re.IGNORECASE)
# A note that tells of a step of ours: who wrote it leaves out the "I", or says it.
_STEP_TAKEN = re.compile(
    r"(?:^|\b(?:i|we)(?:['’]ve|\s+have|\s+had)?\s+(?:just\s+|already\s+)?)"
    r"(?:called|phoned|rang|rung|reached|spoke|spoken|talked|met|e-?mailed|mailed|wrote|written|sent)\b"
    r"|\b(?:this|that|it|all|everything|matter)\s+(?:is|was|has\s+been)\s+(?:all\s+)?"
    r"(?:settled|sorted|done|taken\s+care\s+of)\b"
    r"|^(?:\w+\s+){0,5}(?:angerufen|telefoniert|gesprochen|erreicht|erledigt|geklärt|geschickt|gesendet)\b"
    r"|\b(?:ich|wir)\s+haben?\b.{0,60}\b(?:angerufen|telefoniert|gesprochen|erreicht|geklärt|geschickt)\b"
    r"|\bhaben?\s+(?:ich|wir)\b.{0,60}\b(?:angerufen|telefoniert|gesprochen|erreicht|geklärt|geschickt)\b"
    r"|(?:^|\bj['’]ai\s+|\bnous\s+avons\s+)(?:l['’]ai\s+)?(?:appelé|joint|parlé|rencontré|envoyé|réglé)\w*\b"
    r"|\bc['’]est\s+(?:fait|réglé)\b",
    re.IGNORECASE,
)
_NOT_REACHED = re.compile(
    r"\b(?:not|no\s+one|nobody|no\s+answer|no\s+reply|never|tried|try|voice-?mail|mailbox|engaged|message"
    r"|without\s+success|nicht|niemand\w*|kein\w*|versucht|besetzt|anrufbeantworter|noch|hat|muss|soll"
    r"|pas|personne|messagerie|occupé|essayé)\b|n['’]t\b",
    re.IGNORECASE,
)
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
_ANSWER = re.compile(r"\s*(?:re|aw|antw|wg|fwd?|tr)\s*:", re.IGNORECASE)
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

    ``promised_on``: until when our side has promised something, or was asked for it. ``tells_of_step``: a
    note of ours that somebody was called, met or written to, or that the matter is settled. ``asks_to_buy``:
    a question for a price, an offer, a demo or a meeting, or the wish to order, in a mail, a call or a
    meeting of theirs. ``means_to_leave``: the end of a contract. ``asks_to_wait``: the matter rests for some
    weeks. ``needs_no_answer``: thanks, or a machine's reply. The last three are of mails of theirs.
    """

    promised_on: date | None = None
    tells_of_step: bool = False
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
    is_mail, is_talk = kind == ActivityKind.EMAIL, kind in {ActivityKind.CALL, ActivityKind.MEETING}
    if is_mail and direction == Direction.INBOUND:
        return _hear_mail(subject, text)
    if direction == Direction.INBOUND and not is_talk:
        return _NOTHING
    promised_on = _promised_day(text, said_on, months_first=months_first, is_mail=is_mail)
    if promised_on is None and not is_mail:
        promised_on = _promised_day(subject, said_on, months_first=months_first, is_mail=False)
        # A talk on a Tuesday that is called "Call back Tuesday" is that very call.
        if is_talk and promised_on == said_on + _WEEK:
            promised_on = None
    return Heard(
        promised_on=promised_on,
        tells_of_step=kind == ActivityKind.NOTE and _tells_of_step(text.strip() or subject),
        asks_to_buy=direction == Direction.INBOUND and _was_asked_to_sell(subject, text),
    )


def _hear_mail(subject: str, text: str) -> Heard:
    whole = f"{subject}\n{text}"
    is_automatic = _AUTOMATIC.search(whole) is not None
    is_request = REQUEST.search(text) is not None
    asks_to_wait = _WAIT.search(whole) is not None
    # The subject of an answer is ours.
    said = text if _ANSWER.match(subject) else whole
    is_purchase = (is_request and PURCHASE.search(whole) is not None) or asks_in_a_mail(
        _sentences(said)
    )
    asks_to_buy = is_purchase and not (is_automatic or asks_to_wait or _STUDY.search(whole))
    return Heard(
        asks_to_buy=asks_to_buy,
        means_to_leave=_LEAVING.search(whole) is not None,
        asks_to_wait=asks_to_wait,
        needs_no_answer=is_automatic
        or (not (is_request or asks_to_buy) and _THANKS.search(text) is not None),
    )


def _was_asked_to_sell(subject: str, text: str) -> bool:
    whole = f"{subject}\n{text}"
    return not (_WAIT.search(whole) or _STUDY.search(whole)) and asked_in_a_talk(_sentences(whole))


def _tells_of_step(text: str) -> bool:
    return any(
        _STEP_TAKEN.search(sentence) and not _NOT_REACHED.search(sentence)
        for sentence in _sentences(text)
    )


def _promised_day(text: str, said_on: date, *, months_first: bool, is_mail: bool) -> date | None:
    """The day until which the last promise of a text is to be kept.

    What a mail of ours asks for, we do not owe; what minutes and notes say was asked of us, we do.
    """
    if not names_a_day(text):
        return None
    promised = (
        _day_of_promise(
            _LIST_MARK.sub("", sentence), said_on, months_first=months_first, is_mail=is_mail
        )
        for sentence in _sentences(text)
        if names_a_day(sentence)
    )
    return max((day for day in promised if day is not None), default=None)


def _day_of_promise(
    sentence: str, said_on: date, *, months_first: bool, is_mail: bool
) -> date | None:
    """The day of what a sentence promises: the first one behind these words, else before them."""
    for expression in (_COMMITMENT,) if is_mail else (_COMMITMENT, _ASKED_OF_US, _NEXT_STEP):
        if found := expression.search(sentence):
            behind = day_named(sentence[found.start() :], said_on, months_first=months_first)
            return behind or day_named(sentence, said_on, months_first=months_first)
    begin = None if is_mail else _begin_of_step(sentence)
    # What stands before another clause is the day of something else: "Met on Monday, will call back".
    return (
        None if begin is None else day_named(sentence[begin:], said_on, months_first=months_first)
    )


def _begin_of_step(sentence: str) -> int | None:
    """Where a clause without a subject begins that says what we are going to do."""
    for begin in (0, *(found.end() for found in _CLAUSE_BEGIN.finditer(sentence))):
        if _TO_DO.match(sentence, begin):
            return begin
        if _TO_DO_OR_THEIRS.match(sentence, begin):
            before = sentence[:begin]
            if not before or (_OURS_BEFORE.match(before) and not _SOMEBODY_ELSE.search(before)):
                return begin
    return None


def _own_words(body: str) -> str:
    """A text without what is quoted in it."""
    text = body[:LONGEST_TEXT]
    quoted = _QUOTED.search(text)
    return text[: quoted.start()] if quoted else text


def _sentences(text: str) -> Iterator[str]:
    for sentence in _SENTENCE_END.split(text):
        yield sentence.strip()[:_LONGEST_SENTENCE]
