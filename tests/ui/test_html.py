"""Every character is shown, none is executed."""

from __future__ import annotations

import html
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.ui.html import HIDDEN, escape, hexadecimal, island, table, visible

MARKS = re.compile(r'</?s(?: class="(?:nl|tab|sym)")?>')


@given(st.text())
def test_visible_has_no_tags_but_its_own(text):
    shown = visible(text)
    assert "<" not in MARKS.sub("", shown)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08]", shown), "nothing turns the text around it"


@given(st.text(alphabet=st.characters(blacklist_categories=["Cs", "Mn", "Mc", "Me"])))
def test_visible_loses_nothing_that_can_be_seen(text):
    plain = html.unescape(re.sub(r'<s class="sym">[^<]*</s>', "", visible(text)))
    plain = MARKS.sub("", plain)
    kept = "".join(c for c in text if not HIDDEN.match(c) or c in " \n\t")
    assert plain == kept


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (" ", "<s> </s>"),
        ("\n", '<s class="nl">\n</s>'),
        ("\t", '<s class="tab">\t</s>'),
        ("\0", '<s class="sym">␀</s>'),
        ("\u200d", '<s class="sym">ZWJ</s>'),
        ("\u202e", '<s class="sym">RLO</s>'),
        ("<b>&", "&lt;b&gt;&amp;"),
        ("\u0301", "◌\u0301"),
    ],
)
def test_known_characters(text, shown):
    assert visible(text) == shown


@given(st.text())
def test_island_holds_its_data_and_no_tag(text):
    made = island({"text": text})
    inside = made.removeprefix('<pre hidden class="pg-data">').removesuffix("</pre>")
    assert "<" not in inside
    assert json.loads(html.unescape(inside)) == {"text": text}


def test_attributes_cannot_be_left():
    assert '"' not in escape('" onmouseover="alert(1)') and "'" not in escape("' x='")


def test_small_ones():
    assert hexadecimal(b"\xe4\xbd") == "E4 BD"
    assert table(["a"], [["<i>b</i>"]]).count("<td><i>b</i></td>") == 1
    assert "<tr><td>a</td><td>b</td></tr>" in table([], [["a", "b"]], "facts")


def test_a_table_whose_cells_carry_their_columns_names():
    made = table([escape('"what"'), "n"], [["<b>a</b>", "1"]], "x", named=True)
    assert '<td data-h="&quot;what&quot;"><b>a</b></td><td data-h="n">1</td>' in made
    assert 'class="pg-table x named"' in made and "data-h" not in table(["a"], [["1"]])
