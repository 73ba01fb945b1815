"""Whether a mail or a call of theirs asks to buy. English, German, French.

One sentence at a time, so that a "not" counts only for what it stands beside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# What is sold, or brings a sale about: with a question or a wish anywhere in a mail it is a wish to buy.
PURCHASE = re.compile(
    r"\b(?:quotes?|quotation|pric(?:e|es|ing)|cost|costs|offer|proposal|estimate|demo|meet|meeting|appointment"
    r"|angebot\w*|preis\w*|kosten|kostet|termin|treffen|vorführung"
    r"|devis|prix|tarifs?|coût|offre|rendez-vous|démonstration)\b",
    re.IGNORECASE,
)
REQUEST = re.compile(
    r"\?|\b(?:please|could\s+you|can\s+you|would\s+you|would\s+like|let\s+me\s+know|send|call\s+me|need"
    r"|reach\s+out|get\s+back|confirm|waiting|urgent"
    r"|bitte|könnten\s+sie|können\s+sie|brauchen|benötigen|wollen|warten|rufen\s+sie"
    r"|merci\s+de|pouvez|pourriez|veuillez|souhait\w+|besoin|attend\w+)\b",
    re.IGNORECASE,
)  # fmt: skip
_NOT = re.compile(
    r"\b(?:not|never|no\s+longer|cannot|already|nicht|kein\w*|niemals|bereits|pas|jamais|déjà)\b|n['’]t\b",
    re.IGNORECASE,
)
# Who asks so looks around: in the development worlds one in three of those who called so meant to buy.
_LOOKS_AROUND = re.compile(
    r"\bprice\s+(?:range|idea|indication)\b|\bballpark\b|\brough\s+(?:price|idea|estimate)\b"
    r"|\bpreis(?:rahmen|spanne|vorstellung)\b|\brichtpreis\w*|\bfourchette\b|\bordre\s+de\s+(?:prix|grandeur)\b",
    re.IGNORECASE,
)
# These say more than one thing, and count only in a sentence that asks.
_IF_ASKED = re.compile(
    r"\bhow\s+much\s+(?:(?:is|are|would|will)\s+(?:it|this|that|they|one|an?|\d+)\b"
    r"|(?:it|this|that|\d+\s+\w+)\s+(?:is|are|would|will)\b|(?:for|per)\b"
    r"|(?:is|are)\s+(?:the|your)\s+(?:\w+\s+){0,2}(?:licen[cs]e|subscription|plan|package|version|product|seat)s?\b"
    r"|(?:do|does|would|will)\s+\w+.{0,40}\b(?:charge|pay)\b)"
    r"|\b(?:your|daily|hourly|monthly|annual)\s+rates?\b|\brate\s+card\b|\bdiscounts?\b"
    r"|(?<!\bclinical\s)\btrials?\b(?!\s+(?:data|results?|date|court)\b)"
    r"|\b(?:schedule|arrange|book|set\s+up|organi[sz]e)\s+(?:an?|another|some)\s+(?:\w+\s+){0,2}"
    r"(?:call|chat|talk|conversation|slot|time)\b|\b(?:have|do|jump\s+on|hop\s+on)\s+a\s+(?:\w+\s+)?call\b"
    r"|\b(?:can|could|shall|may)\s+we\s+(?:\w+\s+)?(?:talk|speak)\b"
    r"|\b(?:can|could|may|do|would)\s+(?:we|i)\s+(?:\w+\s+)?(?:buy|order|purchase|subscribe|sign\s+up)\b"
    r"|\b(?:need|want|take|like)\s+(?:\w+\s+){0,2}\d+\s+(?:licen[cs]es?|seats?|users?|units?|places?)\b"
    r"|\bwie\s+teuer\b|\bwie\s?viel\s+(?:ist|wäre|sind)\s+(?:es|das|eine?)\b|\brabatt\w*|\bkonditionen\b"
    r"|\b(?:test|probe)(?:zugang|version|lizenz|phase|abo)\b"
    r"|\b(?:können|könnten|wollen)\s+wir\b.{0,40}\b(?:telefonieren|sprechen)\b"
    r"|\b(?:gespräch|anruf|telefonat)\b.{0,30}\bvereinbaren\b"
    r"|\b(?:können|könnten|kann|könnte)\s+(?:wir|ich)\b.{0,60}\b(?:bestellen|kaufen|erwerben|beauftragen)\b"
    r"|\bcoûte\w*|\bcombien\b.{0,40}\b(?:est-ce|coût\w+|vaut|compter)\b|\bremises?\b"
    r"|\b(?:essai\s+gratuit|(?:version|période)\s+d['’]essai)\b"
    r"|\b(?:planifier|organiser|fixer|prévoir)\s+un\s+(?:appel|échange|entretien)\b"
    r"|\b(?:pouvons-nous|puis-je|peut-on)\s+(?:\w+\s+)?(?:acheter|commander|parler|échanger)\b",
    re.IGNORECASE,
)
# Who says this asks for nothing else, be it no question.
_MEANS_TO_BUY = re.compile(
    r"(?:^(?:would\s+)?|\b(?:we|i|team|company|boss|manager|management|colleagues|department)(?:['’]\w+)?\s+(?:\w+\s+){0,3})"
    r"(?:like|wants?|wish|intend|plan|planning|ready|going|decided|looking|prepared|need)\s+to\s+"
    r"(?:buy|purchase|order|place\s+an?\s+order|subscribe|sign\s+up)\b"
    r"|\blet['’]?s\s+(?:schedule|arrange|book|set\s+up)\s+an?\s+(?:\w+\s+)?(?:call|meeting|demo)\b"
    r"|\binterested\s+in\s+(?:buying|purchasing|ordering)\b"
    r"|\b(?:wir|ich)\s+(?:möchten?|wollen|will|würden?)\b.{0,80}\b(?:bestellen|kaufen|erwerben|beauftragen)\b"
    r"|\b(?:möchten?|wollen|will|würden?)\s+(?:wir|ich)\b.{0,80}\b(?:bestellen|kaufen|erwerben|beauftragen)\b"
    r"|\b(?:je|nous|on)\s+(?:voudri\w+|souhait\w+|aimeri\w+|voulons|veux)\s+(?:\w+\s+)?"
    r"(?:acheter|commander|acquérir|souscrire)\b",
    re.IGNORECASE,
)
# The same as minutes of a call tell it.
_ASKED_TO_BUY = re.compile(
    r"(?<!\bwe\s)(?<!\bi\s)\b(?:asks?|asked|asking|wants?|wanted|requests?|requested|needs?|needed"
    r"|inquir\w+|enquir\w+|would\s+like|interested)\b.{0,60}"
    r"\b(?:pric(?:e|es|ing)|costs?|quotes?|quotation|offer|proposal|estimate|demo|trial|rates|licen[cs]es"
    r"|to\s+(?:buy|order|purchase)|buying|ordering|purchasing|(?:for|arrange|schedule)\s+an?\s+(?:meeting|appointment))\b"
    r"|\b(?:pric(?:e|es|ing)|quote)\s+(?:question|enquiry|inquiry|request)\b"
    r"|\b(?:fragt\w*|möchte|will|wollte|wünscht|bittet|bat|braucht|benötigt|interessiert|erkundigt\w*)\b.{0,60}"
    r"\b(?:angebot\w*|preis\w*|kosten|demo|vorführung|bestellen|kaufen|lizenz\w*|konditionen|testzugang)\b"
    r"|\bpreisanfrage\b"
    r"|\b(?:demande|demandé|souhaite|veut|voudrait|intéressée?)\b.{0,60}"
    r"\b(?:devis|prix|tarifs?|offre|démonstration|acheter|commander|essai)\b",
    re.IGNORECASE,
)


def asks_in_a_mail(sentences: Iterable[str]) -> bool:
    """Whether a sentence of a mail of theirs says that they mean to buy."""
    return any(
        (
            _MEANS_TO_BUY.search(sentence)
            or (_IF_ASKED.search(sentence) and REQUEST.search(sentence))
        )
        and not _NOT.search(sentence)
        for sentence in sentences
    )


def asked_in_a_talk(sentences: Iterable[str]) -> bool:
    """Whether a sentence about a call of theirs says that they asked for a price, an offer or the like."""
    return any(
        (
            _ASKED_TO_BUY.search(sentence)
            or _MEANS_TO_BUY.search(sentence)
            or ("?" in sentence and (PURCHASE.search(sentence) or _IF_ASKED.search(sentence)))
        )
        and not (_NOT.search(sentence) or _LOOKS_AROUND.search(sentence))
        for sentence in sentences
    )
