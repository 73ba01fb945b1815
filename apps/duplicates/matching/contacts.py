"""Ways to reach somebody, made comparable: e-mail addresses, telephone numbers, websites."""

from __future__ import annotations

import re
from functools import cache

from apps.duplicates.matching.texts import fold, is_placeholder
from apps.duplicates.matching.word_lists import (
    FREE_MAIL,
    NO_DOMAINS,
    NO_MAILBOXES,
    NO_PHONES,
    ROLE_MAILBOXES,
    SECOND_LEVEL_LABELS,
)

_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://|^//")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")
_PLAIN_PHONE = re.compile(r"\+[\d\s./-]+")
_NOT_DIGIT = re.compile(r"\D+")
_DIGIT = re.compile(r"\d+")
_NOT_LETTER = re.compile(r"[\W\d_]+")
_SIMILAR = 0.85


def email_of(text: str) -> str:
    """An e-mail address in lower case, without what follows a plus sign.

    A mailbox that several people read (info@, sales@) is nobody's and counts as not known.
    """
    found = _ADDRESS.search(text)
    if found is None:
        return ""
    local, _, domain = found.group().lower().strip(".'\"()[]").rpartition("@")
    local = local.removeprefix("mailto:").partition("+")[0] or local
    if domain == "googlemail.com":
        domain = "gmail.com"
    if domain == "gmail.com":
        local = local.replace(".", "")
    is_nobodys = local in NO_MAILBOXES or local in ROLE_MAILBOXES
    return "" if is_nobodys or domain in NO_DOMAINS or "." not in domain else f"{local}@{domain}"


def local_part(email: str) -> str:
    """What stands before the @."""
    return email.partition("@")[0]


def letters_of_local(email: str) -> str:
    """The letters before the @, if there are enough of them to be somebody's: five."""
    letters = _NOT_LETTER.sub("", local_part(email))
    return letters if len(letters) >= 5 else ""


def without_number(email: str) -> str:
    """An address without the digits before the @, by which namesakes are told apart."""
    local, _, domain = email.partition("@")
    letters = _DIGIT.sub("", local)
    return f"{letters}@{domain}" if letters else ""


def are_near_locals(left: str, right: str) -> bool:
    """Whether what stands before the @ is the same but for a letter, or for two of eight and more.

    In a company many addresses differ by an initial.
    """
    # Loaded where the first two addresses are compared.
    from rapidfuzz.distance import OSA

    one, other = sorted((local_part(left), local_part(right)), key=len)
    limit = 0 if len(one) < 4 else 1 if len(one) < 8 else 2
    if not one or without_number(left) == without_number(right):
        return False
    return OSA.distance(one, other, score_cutoff=limit) <= limit


def are_similar_locals(left: str, right: str) -> bool:
    """Whether what stands before the @ is similar, too, by Jaro and Winkler."""
    from rapidfuzz.distance import JaroWinkler

    one, other = sorted((local_part(left), local_part(right)))
    return bool(one) and JaroWinkler.similarity(one, other) >= _SIMILAR


def own_domain(email: str) -> str:
    """The domain of an address, where it is a company's own; empty where everybody may have one."""
    domain = email.rpartition("@")[2]
    return "" if domain in FREE_MAIL else registered_domain(domain)


def registered_domain(host: str) -> str:
    """What of a host name was registered: "shop.acme.co.uk" is "acme.co.uk"."""
    labels = host.split(".")
    length = (
        3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in SECOND_LEVEL_LABELS else 2
    )
    return ".".join(labels[-length:])


def website_of(text: str) -> str:
    """The registered domain of a website's address."""
    host = _SCHEME.sub("", text.strip().lower()).partition("/")[0].partition("?")[0]
    host = host.rpartition("@")[2].partition(":")[0].removeprefix("www.").rstrip(".")
    if not host.isascii():
        host = _in_ascii(host)
    if not _HOST.fullmatch(host) or host in NO_DOMAINS or host in FREE_MAIL:
        return ""
    return registered_domain(host)


def _in_ascii(host: str) -> str:
    """A host name as name servers know it; empty where it is none."""
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return ""


def domain_name(domain: str) -> str:
    """A domain without its ending: "acme" of "acme.co.uk"."""
    return domain.partition(".")[0]


def phone_of(text: str, region: str) -> str:
    """A telephone number's digits in E.164, without its plus; ``region`` (ISO 3166) is where it is dialled.

    A number that cannot be read so is left as its digits; fewer than six, or all
    alike, are none.
    """
    digits = _NOT_DIGIT.sub("", text)
    if len(digits) < 6 or len(set(digits)) == 1 or digits in NO_PHONES:
        return ""
    if text.startswith("+") and _PLAIN_PHONE.fullmatch(text) and _is_complete(digits):
        return digits
    return _parsed(text, region) or digits


def phone_ending(phone: str) -> str:
    """The last seven digits: the same line however the number was written."""
    return phone[-7:] if len(phone) >= 7 else ""


def _is_complete(digits: str) -> bool:
    """Whether it is a country's code and a number without the zero that is dialled inside the country."""
    for length in (1, 2, 3):
        if digits[:length] in _country_codes():
            return 8 <= len(digits) <= 15 and digits[length] != "0"
    return False


@cache
def _country_codes() -> frozenset[str]:
    # Its tables of all countries are read on first use.
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    return frozenset(str(code) for code in COUNTRY_CODE_TO_REGION_CODE)


def _parsed(text: str, region: str) -> str:
    from phonenumbers import (
        NumberParseException,
        PhoneNumberFormat,
        format_number,
        is_possible_number,
        parse,
    )

    try:
        number = parse(text, region or None)
    except NumberParseException:
        return ""
    if not is_possible_number(number):
        return ""
    return format_number(number, PhoneNumberFormat.E164).removeprefix("+").partition(";")[0]


def title_of(text: str) -> str:
    """A job title made comparable."""
    folded = fold(text)
    return "" if is_placeholder(text, folded) else folded
