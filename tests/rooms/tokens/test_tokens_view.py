"""Chips: every token once, in order, characters whole."""

from __future__ import annotations

import copy
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
from playground.rooms.tokens import columns, example, view, view_lanes

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
    return tokenize.Tokenized(name, "bytes", 256, whole, columns, pieces)


def shown_text(markup: str) -> str:
    """What of the original stands in the chips: sub-chips repeat it in hex, so they are left out."""
    whole = re.sub(r"<span>(<i class=\"t[^>]*>[^<]*</i>)+</span>", "", markup)
    return html.unescape(re.sub(r"<[^>]+>", "", whole))


@given(st.text(alphabet="ab é你👍\n", max_size=12), st.lists(st.integers(0, 60), max_size=8))
def test_every_token_is_one_chip_and_every_character_is_whole(whole, cuts):
    tokenized = made(whole, cuts)
    markup = view.chips(tokenized, 0, tokenized.count, 0, len(whole))
    assert len(LEAF.findall(markup)) == tokenized.count
    assert "\ufffd" not in markup
    assert shown_text(markup) == whole


def test_an_emoji_over_four_tokens_is_one_character_with_four_sub_chips():
    tokenized = made("a👍b", [1, 2, 3, 4, 5])
    markup = view.chips(tokenized, 0, 6, 0, 3)
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
    markup = view_lanes.compare(several, lang)
    assert html.escape(text.say("tokens.legend_special", lang)) in markup
    assert markup.count('<section class="tok-lane"') == 6
    assert "\ufffd" not in markup


def test_a_long_text_comes_in_parts_that_join():
    whole = "".join(f"w{i} " for i in range(9_000))
    several = [made(whole, list(range(0, len(whole), 2)), name) for name in "ab"]
    parts = view_lanes.pages(several)
    assert parts > 1
    got = dict.fromkeys("ab", "")
    for page in range(1, parts + 1):
        markup = view_lanes.compare(several, "en", page=page)
        assert len(LEAF.findall(markup.split("tok-legend")[0])) <= view_lanes.PAGE * 1.1
        for name, lane in zip("ab", re.findall(r'role="group".*?>(.*?)<pre', markup, re.DOTALL), strict=True):
            got[name] += shown_text(lane)
    assert got == {"a": whole, "b": whole}


def test_names_and_pieces_are_escaped():
    tokenized = made("<img src=x onerror=alert(1)>", [3], name='"><script>alert(1)</script>')
    markup = view_lanes.compare([tokenized], "en")
    assert "<img" not in markup and "<script" not in markup


def test_no_tokenizer_is_a_sentence():
    assert text.say("tokens.choose_one", "en") in view_lanes.compare([], "en")


WIDTH = re.compile(r'<span class="sg"(?: dir="\w+")? style="--w:(\d+)">')
LANE = re.compile(r'role="group".*?>(.*?)<pre', re.DOTALL)


@given(
    st.text(alphabet="ab é你👍\n\u0301م", max_size=20),
    st.lists(st.lists(st.integers(0, 80), max_size=9), min_size=1, max_size=4),
)
def test_under_every_tokenizer_the_same_places_stand_beneath_each_other(whole, cuts):
    several = [made(whole, each, f"t{place}") for place, each in enumerate(cuts)]
    markup = view_lanes.compare(several, "en")
    lanes = LANE.findall(markup)
    assert len(lanes) == len(several)
    widths = [WIDTH.findall(lane) for lane in lanes]
    assert all(each == widths[0] for each in widths)  # so that they break their lines at the same places
    for lane, each in zip(lanes, several, strict=True):
        assert shown_text(lane).replace("◌", "") == whole  # an accent that begins a token stands on a ring
        begun = [tag for tag in re.findall(r'<i class="t([^"]*)"', lane) if "cont" not in tag.split()]
        assert len(begun) == each.count


def test_a_word_stays_whole_where_the_tokenizers_let_it():
    whole = "one word and anotherratherlongonewithoutanyspace"
    several = [made(whole, [1, 3, 8, 12]), made(whole, [3, 5, 8, 12])]
    rows = [(each, list(columns.items(each, 0, each.count, 0, len(whole)))) for each in several]
    edges = columns.measure(whole, rows, 0, len(whole)).edges
    parts = [whole[low:high] for low, high in itertools.pairwise(edges)]
    assert parts[:3] == ["one", " word", " and"]
    assert max(map(len, parts)) <= columns.LONG and "".join(parts) == whole


def test_the_first_ones_bytes_have_room_to_be_read():
    several = [made("a👍b", [1, 2, 3, 4, 5]), made("a👍b", [1, 5])]
    for order, wide in ((several, 6), (several[::-1], 2)):
        rows = [(each, list(columns.items(each, 0, each.count, 0, 3))) for each in order]
        assert columns.measure("a👍b", rows, 0, 3).widths == [1, wide, 1]


@pytest.mark.parametrize(
    ("text_", "runs"), [("abc", "ltr"), ("مرحبا abc", "rtl"), ("… 12", "ltr"), ("12 שלום", "rtl")]
)
def test_which_way_a_text_runs(text_, runs):
    assert columns.direction(text_) == runs


def test_a_limit_leaves_out_what_truncation_leaves_out(opened):
    whole = text.say("tokens.example_text", "en")
    r = opened("all-MiniLM-L6-v2")
    each = tokenize.tokenize(r, "all-MiniLM-L6-v2", whole)
    kept = ~view_lanes.left_out(each, 9, "right")
    own = copy.deepcopy(r.tokenizer)  # a limit stays set on a tokenizer: on the shared one it cuts every test
    assert each.encoded.ids[kept].tolist() == own(whole, truncation=True, max_length=9).input_ids
    assert view_lanes.left_out(each, 9, "left").tolist()[1:5] == [True] * 4
    assert not view_lanes.left_out(each, 0, "right").any()
    markup = view_lanes.compare([each], "en", most=9)
    assert len(re.findall(r'class="t[^"]* over"', markup)) == each.count - 9
    assert text.say("tokens.cut_off", "en", count=each.count - 9) in markup
