"""Uploads: every form and encoding, and what is broken is told and not fatal."""

from __future__ import annotations

import pytest

from playground.errors import BadInput
from playground.subjects import sentence_files
from playground.subjects.sentence_files import read

CHINESE = "今天下午會下大雨，記得帶傘。\n我們的球隊在延長賽輸了。\n這家餐廳的水餃皮薄餡多。\n"
SIMPLIFIED = "今天下午会下大雨，记得带伞。\n我们的球队在加时赛输了。\n这家餐厅的水饺皮薄馅多。\n"
LATIN = "Le café est fermé.\nÜber den Wolken.\nEl niño comió.\n"


@pytest.mark.parametrize(
    ("text", "encoding", "told"),
    [(LATIN, "utf-8", ""), (LATIN, "utf-8-sig", ""), (LATIN, "utf-16", ""), (LATIN, "utf-16-le", "UTF-16-LE"),
     (LATIN, "latin-1", "Windows-1252"), (LATIN, "cp1252", "Windows-1252"), (CHINESE, "utf-8", ""),
     (CHINESE, "big5", "Big5"), (SIMPLIFIED, "gbk", "GB 18030"), (CHINESE, "utf-16", "")],
)  # fmt: skip
def test_encodings(text, encoding, told):
    table = read("file.txt", text.encode(encoding))
    assert [row[0] for row in table.rows] == text.splitlines()
    assert table.told.get("encoding", "") == told


def test_csv_ragged_quoted_formulas_and_html():
    content = (
        'id,text,label\n1,"=HYPERLINK(""http://x"")",a\n2,<img src=x onerror=alert(1)>\n'
        '3,"two\nlines",b,extra,more\n'
        "\n4,plain,a\n"
    )
    table = read("rows.csv", content.encode())
    assert table.columns == ("id", "text", "label")
    assert table.column("text") == [
        '=HYPERLINK("http://x")',
        "<img src=x onerror=alert(1)>",
        "two lines",
        "plain",
    ]
    assert table.column("label") == ["a", "", "b", "a"]
    assert table.told == {"ragged": 2}
    assert table.guess() == ("text", "label")
    with pytest.raises(BadInput):
        table.column("nothing")


def test_columns_are_guessed():
    rows = "\n".join(
        f"{number};This is a sentence, number {number}.;{'xy'[number % 2]}" for number in range(20)
    )
    table = read("a.csv", f"nr;satz;kind\n{rows}".encode())
    assert table.guess() == ("satz", "kind")
    bare = read("a.tsv", b"A first sentence.\t1\nA second one.\t2\n")
    assert bare.columns == ("1", "2") and len(bare.rows) == 2
    assert read("a.csv", b"text,text\na,b\n").columns == ("text", "text+")


def test_json_lines():
    table = read(
        "a.jsonl", '{"text": "早安", "n": 1}\nnot json\n{"text": null, "label": ["x"]}\n[1]\n'.encode()
    )
    assert table.columns == ("text", "n", "label") and table.told == {"broken": 2}
    assert table.rows == (("早安", "1", ""), ("", "", '["x"]'))
    assert read("a.json", b'["a", "b", ""]').rows == (("a",), ("b",))
    for wrong in (b"[" * 100_000, b"5\n6\n", b"nothing at all", b"[1, 2"):
        with pytest.raises(BadInput):
            read("a.json", wrong)


def test_json_lines_with_other_line_ends_and_half_a_character():
    table = read("a.jsonl", '{"text": "a\u2028b\u2029c\u0085d"}\r\n{"text": "e"}\r\n'.encode())
    assert table.rows == (("a b c d",), ("e",)) and table.told == {}
    table = read("a.jsonl", b'{"text": "hi \\ud800 there"}\n{"\\udfff": "' + b"\\ud800" * 20_000 + b'"}\n')
    assert table.rows[0][0] == "hi ? there" and table.told == {"long": 1}
    str((table.columns, table.rows)).encode()


def test_a_giant_cell_and_too_many_rows(monkeypatch):
    table = read("a.csv", b'text,label\n"' + b"x" * 300_000 + b'",a\nshort,b\n')
    assert len(table.rows[0][0]) == sentence_files.CELL and table.told == {"long": 1}
    unclosed = read("a.csv", b'text,label\n"never closed,a\nshort,b\n')
    assert len(unclosed.rows) == 1
    monkeypatch.setattr(sentence_files, "MOST", 10)
    table = read("a.txt", b"a line\n" * 25)
    assert len(table.rows) == 10 and table.told == {"over": 15}


@pytest.mark.parametrize("content", [b"", b"  \n\n", b"\0\0\0\0", bytes(range(256)) * 40,
                                     b"\x89PNG\r\n\x1a\n" + b"\0" * 50,
                                     b"text,label\n"])  # fmt: skip
def test_what_is_no_table(content):
    with pytest.raises(BadInput):
        read("a.csv", content)
