"""What is wrong with a template before anybody opens its page."""

import re
from collections.abc import Iterable, Iterator

from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.template.base import Node, Template
from django.template.defaulttags import URLNode
from django.template.engine import Engine
from django.template.loader_tags import ExtendsNode, IncludeNode
from django.urls import URLResolver, get_resolver

_OPENING_COMMENT = re.compile(r"\s*(\{#|\{% comment\b)")
_EXTENDS_FIRST = re.compile(r"\s*\{% extends [^%]*%\}")
# Mail programs read no style sheets, and our policy for pages does not reach them.
MAIL_FOLDER = "mail/"
_INLINE_STYLE = "a style attribute"
# Our policy, script-src 'self' and style-src 'self', makes browsers ignore each of these.
_INLINE_CODE = (
    (re.compile(r"<style\b", re.IGNORECASE), "an inline <style>"),
    (re.compile(r"<script(?![^>]*\b(src|type=\"application/json\"))", re.IGNORECASE), "a script"),
    (re.compile(r"<[a-z][^>]*\sstyle\s*=", re.IGNORECASE), _INLINE_STYLE),
    (re.compile(r"<[a-z][^>]*\son[a-z]+\s*=", re.IGNORECASE), "an event attribute"),
    (re.compile(r"javascript:", re.IGNORECASE), "a javascript: address"),
)


def find_faults(name: str, engine: Engine, url_names: frozenset[str]) -> Iterator[str]:
    """Yield what is wrong with the template `name`, in words.

    Args:
        url_names: every name that `{% url %}` may use, as `known_url_names` gives them.
    """
    try:
        template = engine.get_template(name)
    except (TemplateSyntaxError, TemplateDoesNotExist) as error:
        yield f"does not compile: {error}"
        return
    yield from find_style_faults(template.source, is_mail=name.startswith(MAIL_FOLDER))
    yield from find_broken_references(template, engine, url_names)


def find_style_faults(source: str, *, is_mail: bool = False) -> Iterator[str]:
    """Yield where a template's text breaks a rule of the house; a mail may have style attributes."""
    after_extends = _EXTENDS_FIRST.sub("", source, count=1) if _EXTENDS_FIRST.match(source) else ""
    if not _OPENING_COMMENT.match(source) and not _OPENING_COMMENT.match(after_extends):
        yield "does not open with a comment that names its context"
    for pattern, what in _INLINE_CODE:
        found = pattern.search(source)
        if found is not None and not (is_mail and what == _INLINE_STYLE):
            line = source.count("\n", 0, found.start()) + 1
            yield f"has {what} in line {line}, which our content security policy blocks"


def find_broken_references(
    template: Template, engine: Engine, url_names: frozenset[str]
) -> Iterator[str]:
    """Yield the fixed template and URL names that it refers to and that do not exist."""
    for node in _all_nodes(template):
        if isinstance(node, ExtendsNode | IncludeNode):
            part = node.parent_name if isinstance(node, ExtendsNode) else node.template
            referred = _fixed_text(part)
            if referred is not None:
                try:
                    engine.get_template(referred)
                except TemplateDoesNotExist:
                    yield f"refers to the template {referred}, which does not exist"
                except TemplateSyntaxError:
                    pass  # reported with that template itself
        elif isinstance(node, URLNode):
            url_name = _fixed_text(node.view_name)
            if url_name is not None and url_name not in url_names:
                yield f"refers to the URL {url_name}, which does not exist"


def known_url_names(urlconfs: Iterable[str]) -> frozenset[str]:
    """Every name that `{% url %}` can find in one of `urlconfs`, with its namespaces."""
    names: set[str] = set()
    for urlconf in urlconfs:
        names.update(_names_below(get_resolver(urlconf), ""))
    return frozenset(names)


def _fixed_text(expression: object) -> str | None:
    """The text that an expression always gives, or None if that depends on the context."""
    text = getattr(expression, "var", None)
    return text if isinstance(text, str) and not getattr(expression, "filters", ()) else None


def _names_below(resolver: URLResolver, prefix: str) -> Iterator[str]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            for namespace in {pattern.namespace, pattern.app_name}:
                inner = f"{prefix}{namespace}:" if namespace else prefix
                yield from _names_below(pattern, inner)
        elif pattern.name:
            yield f"{prefix}{pattern.name}"


def _all_nodes(template: Template) -> list[Node]:
    """Every node of a template, those inside blocks and conditions included."""
    return list(template.nodelist.get_nodes_by_type(Node))
