"""Chips: every token once, in order, characters whole."""

from __future__ import annotations

import html
import itertools
import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground import text
from playground.engine.tokenizers import tokenize
from playground.engine.tokenizers.libraries import Encoded
from playground.engine.tokenizers.pieces import Piece, spans
from playground.rooms.tokens import example, view

LEAF = re.compile(r'<i class="t[ "]')


def made(whole: str, cuts: list[int], name: str = "x") -> tokenize.Tokenized:
    """A tokenizer that cuts the text's bytes at these places."""
    raw = whole.encode()
    edges = sorted({0, len(raw), *(cut % (len(raw) + 1) for cut in cuts)})
    parts = [raw[a:b] for a, b in itertools.pairwise(edges)]
    ids = np.arange(len(parts), dtype=np.int32)
    starts, ends = spans(whole, np.array([len(part) for part in parts], np.int32))
    pieces = {i: Piece(part.decode("latin-1"), part) for i, part in enumerate(parts)}
    columns = Encoded(ids, starts, ends, np.zeros(len(parts), bool))
    return tokenize.Tokenized(name, "bytes", 256, False, whole, columns, pieces)


def shown_text(markup: str) -> str:
    """What of the original stands in the chips: sub-chips repeat it in hex, so they are left out."""
    whole = re.sub(r"<span>(<i class=\"t[^>]*>[^<]*</i>)+</span>", "", markup)
    return html.unescape(re.sub(r"<[^>]+>", "", whole))


@given(st.text(alphabet="ab é你👍\n", max_size=12), st.lists(st.integers(0, 60), max_size=8))
def test_every_token_is_one_chip_and_every_character_is_whole(whole, cuts):
    tokenized = made(whole, cuts)
    markup = view.chips(tokenized, np.ones(tokenized.count, bool), 0, tokenized.count, 0, len(whole))
    assert len(LEAF.findall(markup)) == tokenized.count
    assert "\ufffd" not in markup
    assert shown_text(markup) == whole


def test_an_emoji_over_four_tokens_is_one_character_with_four_sub_chips():
    tokenized = made("a👍b", [1, 2, 3, 4, 5])
    markup = view.chips(tokenized, np.ones(6, bool), 0, 6, 0, 3)
    assert markup.count("👍") == 1
    assert list(re.findall(r">([0-9A-F]{2})<", markup)) == ["F0", "9F", "91", "8D"]


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_shipped_examples_are_what_is_computed(lang, models):
    shipped = json.loads((example.FOLDER / f"example.{lang}.json").read_text(encoding="utf-8"))
    assert shipped == json.loads(json.dumps(example.computed(lang, models)))


def test_shipped_chart_is_what_is_computed(models):
    shipped = json.loads((example.FOLDER / "example.languages.json").read_text(encoding="utf-8"))
    assert shipped == json.loads(json.dumps(example.computed_languages(models)))


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_compare_is_in_the_visitors_language(lang):
    several = example.tokenized(lang)
    markup = view.compare(several, tokenize.agreement(several), lang)
    assert html.escape(text.say("tokens.legend_special", lang)) in markup
    assert markup.count('<section class="tok-lane"') == 6
    assert "\ufffd" not in markup


def test_a_long_text_comes_in_parts_that_join():
    whole = "".join(f"w{i} " for i in range(9_000))
    several = [made(whole, list(range(0, len(whole), 2)), name) for name in "ab"]
    agreed = tokenize.agreement(several)
    parts = view.pages(several)
    assert parts > 1
    got = dict.fromkeys("ab", "")
    for page in range(1, parts + 1):
        markup = view.compare(several, agreed, "en", page=page)
        assert len(LEAF.findall(markup.split("tok-legend")[0])) <= view.PAGE * 1.1
        for name, lane in zip("ab", re.findall(r'role="group".*?>(.*?)<pre', markup, re.DOTALL), strict=True):
            got[name] += shown_text(lane)
    assert got == {"a": whole, "b": whole}


def test_names_and_pieces_are_escaped():
    tokenized = made("<img src=x onerror=alert(1)>", [3], name='"><script>alert(1)</script>')
    markup = view.compare([tokenized], [np.ones(tokenized.count, bool)], "en")
    assert "<img" not in markup and "<script" not in markup


def test_no_tokenizer_is_a_sentence():
    assert text.say("tokens.choose_one", "en") in view.compare([], [], "en")
