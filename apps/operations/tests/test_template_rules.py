"""Faults that are found in templates without opening their pages."""

import pytest
from django.template.engine import Engine

from apps.operations.template_rules import (
    find_faults,
    find_style_faults,
    known_url_names,
)

URL_NAMES = frozenset({"suggestions:queue"})


def engine_of(**sources: str) -> Engine:
    templates = {name.replace("_html", ".html"): text for name, text in sources.items()}
    return Engine(loaders=[("django.template.loaders.locmem.Loader", templates)])


def faults_of(source: str, **others: str) -> list[str]:
    return list(find_faults("page.html", engine_of(page_html=source, **others), URL_NAMES))


def test_sound_template_has_no_faults() -> None:
    source = (
        "{% extends 'base.html' %}{# Context: nothing. #}"
        "{% block a %}{% if b %}{% url 'suggestions:queue' %}{% endif %}{% endblock %}"
    )
    base = "{# Context: nothing. #}{% block a %}{% endblock %}"
    assert faults_of(source, base_html=base) == []


def test_a_mail_may_have_styles_at_its_elements_and_no_script() -> None:
    source = "{# x #}<p style='margin: 0'>a</p>"
    assert list(find_style_faults(source, is_mail=True)) == []
    assert len(list(find_style_faults(source))) == 1
    assert len(list(find_style_faults(source + "<script>1</script>", is_mail=True))) == 1


@pytest.mark.parametrize(
    "opening", ["{# Context: x. #}", "{% comment %}x{% endcomment %}", "\n{# x #}"]
)
def test_comment_may_open_the_template_in_either_form(opening: str) -> None:
    assert list(find_style_faults(opening + "<p>")) == []


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("{% if %}", "does not compile: Unexpected end of expression in if tag."),
        ("<p>", "does not open with a comment that names its context"),
        (
            "{# x #}{% include 'absent.html' %}",
            "refers to the template absent.html, which does not exist",
        ),
        (
            "{# x #}{% if a %}{% url 'suggestions:list' %}{% endif %}",
            "refers to the URL suggestions:list, which does not exist",
        ),
        (
            "{# x #}\n<p style='color: red'>",
            "has a style attribute in line 2, which our content security policy blocks",
        ),
        (
            "{# x #}<a href='#' onclick='go()'>",
            "has an event attribute in line 1, which our content security policy blocks",
        ),
        (
            "{# x #}<script>go()</script>",
            "has a script in line 1, which our content security policy blocks",
        ),
    ],
)
def test_fault_is_named(source: str, fault: str) -> None:
    assert faults_of(source) == [fault]


def test_script_file_and_data_block_are_no_inline_code() -> None:
    source = '{# x #}<script src="/a.js"></script><script type="application/json">{}</script>'
    assert list(find_style_faults(source)) == []


def test_name_that_a_filter_completes_is_not_judged() -> None:
    assert faults_of("{# x #}{% url 'crm:'|add:kind %}{% include '_'|add:kind %}") == []


def test_known_names_carry_their_namespaces() -> None:
    assert {"admin:index", "admin:login"} <= known_url_names(["aisha.urls_public"])
