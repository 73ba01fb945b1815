"""Names of companies without what says only how they are incorporated."""

from __future__ import annotations

from functools import cache

from apps.duplicates.matching.texts import fold, is_placeholder
from apps.duplicates.matching.word_lists import COMPANY_FILLERS

_JOINED_FORMS = ("股份有限公司", "有限责任公司", "有限公司", "株式会社", "合同会社", "주식회사")


def company_of(text: str) -> str:
    """A company's name, folded, without its legal form: "Müller & Söhne GmbH" is "muller sohne"."""
    bare = text
    for form in _JOINED_FORMS:
        bare = bare.replace(form, " ")
    folded = fold(bare)
    if is_placeholder(text, folded):
        return ""
    words = _without_forms(_joined_initials(folded.split()))
    kept = [word for word in words if word not in COMPANY_FILLERS]
    return " ".join(kept or words)


def has_legal_form(text: str) -> bool:
    """Whether a name ends with how a company is incorporated: "Müller GmbH"."""
    if any(form in text for form in _JOINED_FORMS):
        return True
    words = _joined_initials(fold(text).split())
    return len(_without_forms(words)) < len(words)


def are_same_words(left: str, right: str) -> bool:
    """Whether they are the same words in another order, or the same letters otherwise parted."""
    return left.replace(" ", "") == right.replace(" ", "") or sorted(left.split()) == sorted(
        right.split()
    )


def is_part_or_acronym(left: str, right: str) -> bool:
    """Whether one name is part of the other, or made of its first letters: "ibm"."""
    first, other = left.split(), right.split()
    if set(first) <= set(other) or set(other) <= set(first):
        return True
    return _is_acronym(left, other) or _is_acronym(right, first)


def _is_acronym(name: str, words: list[str]) -> bool:
    return len(words) >= 3 and name == "".join(word[0] for word in words)


def _joined_initials(words: list[str]) -> list[str]:
    """Put single letters in a row together: "s a" is "sa"."""
    joined: list[str] = []
    in_row = False
    for word in words:
        if len(word) == 1 and in_row:
            joined[-1] += word
        else:
            joined.append(word)
        in_row = len(word) == 1
    return joined


def _without_forms(words: list[str]) -> list[str]:
    """Drop legal forms from the end, as long as a name is left."""
    forms, longest = _legal_forms()
    is_dropped = True
    while is_dropped:
        is_dropped = False
        for length in range(min(longest, len(words) - 1), 0, -1):
            if " ".join(words[-length:]) in forms:
                words = words[:-length]
                is_dropped = True
                break
    return words


@cache
def _legal_forms() -> tuple[frozenset[str], int]:
    # Its table of all countries is read on first use.
    from cleanco.clean import prepare_default_terms

    forms = {
        " ".join(_joined_initials(fold(" ".join(parts)).split()))
        for _, parts in prepare_default_terms()
    } - {""}
    forms |= {"co", "co kg", "ag co kg", "gmbh co kg"}
    return frozenset(forms), max(len(form.split()) for form in forms)
