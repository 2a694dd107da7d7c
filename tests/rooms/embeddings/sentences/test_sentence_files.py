"""Uploads: every form and encoding, and what is broken is told and not fatal."""

from __future__ import annotations

import json

import pytest

from playground.engine.tables import delimited
from playground.errors import BadInput
from playground.rooms.embeddings.sentences import files
from playground.rooms.embeddings.sentences.files import read

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
    assert len(table.rows[0][0]) == files.CELL and table.told == {"long": 1}
    unclosed = read("a.csv", b'text,label\n"never closed,a\nshort,b\n')
    assert unclosed.column("text") == ['"never closed', "short"] and unclosed.told == {"quotes": 1}
    monkeypatch.setattr(files, "MOST", 10)
    table = read("a.txt", b"a line\n" * 25)
    assert len(table.rows) == 10 and table.told == {"over": 15}


@pytest.mark.parametrize("content", [b"", b"  \n\n", b"\0\0\0\0", bytes(range(256)) * 40,
                                     b"\x89PNG\r\n\x1a\n" + b"\0" * 50,
                                     b"text,label\n"])  # fmt: skip
def test_what_is_no_table(content):
    with pytest.raises(BadInput):
        read("a.csv", content)


# ---- quotation marks ----


def test_a_stray_quotation_mark_costs_only_its_own_line():
    tsv = read("a.tsv", b'"Open quote\tx\nsecond\ty\nthird\tz\n')
    assert tsv.rows == (('"Open quote', "x"), ("second", "y"), ("third", "z")) and tsv.told == {"quotes": 1}
    bare = read("a.tsv", '“a”\n"Open quote…\nsecond\nthird\n'.encode())
    assert [row[0] for row in bare.rows] == ["“a”", '"Open quote…', "second", "third"]
    rows = [f'"row {n}, quoted",{n}' for n in range(1000)]
    rows[500] = '"stray,500'
    table = read("a.csv", "\n".join(["text,nr", *rows, '"two\nlines",1']).encode())
    assert table.column("nr") == [*map(str, range(1000)), "1"] and table.told == {"quotes": 1}
    assert table.column("text")[499:502] == ["row 499, quoted", '"stray', "row 501, quoted"]
    assert table.column("text")[-1] == "two lines"


def test_two_stray_marks_hold_no_rows_together():
    middle = "\n".join(f"line {n},x" for n in range(delimited.SPAN + 1))
    table = read("a.csv", f'text,label\n"begins,x\n{middle}\nends",x\n'.encode())
    assert len(table.rows) == delimited.SPAN + 3 and table.told == {"quotes": 1}
    tsv = read("a.tsv", b'text\tlabel\n"begins\ta\nmiddle\ta\nends"\ta\n')
    assert len(tsv.rows) == 3 and tsv.told["quotes"] == 1
    wrong = read("a.csv", b'text,label\n"He said "hi" to me",a\nshort,b\n')
    assert wrong.column("label") == ["a", "b"] and "hi" in wrong.column("text")[0]


def test_consistent_quoting_is_followed_in_tsv_too():
    table = read("a.tsv", b'text\tlabel\n"two\nlines ""quoted"""\ta\n5" pipes\tb\n')
    assert table.rows == (('two lines "quoted"', "a"), ('5" pipes', "b")) and table.told == {}


def test_stray_marks_everywhere_take_no_longer_than_the_file_deserves(monkeypatch):
    import csv

    fed = 0

    def reader(lines, **how):
        def counted():
            nonlocal fed
            for line in lines:
                fed += len(line)
                yield line

        return real(counted(), **how)

    real = csv.reader
    monkeypatch.setattr(csv, "reader", reader)
    content = ('"open, ' + "x" * 500 + "\n") * 8_000
    table = read("a.csv", content.encode())
    assert len(table.rows) == 8_000 and table.told["quotes"] == 8_000
    assert fed < 7 * len(content)


# ---- ragged rows ----


def test_rows_without_names_lose_nothing():
    table = read("a.csv", b"short\nlonger,two\nthird,three,more\n")
    assert table.rows == (("short", "", ""), ("longer", "two", ""), ("third", "three", "more"))
    assert table.told == {"ragged": 2}
    prose = [f"Sentence {n}{', and' * (n % 4)} so on." for n in range(40)]
    table = read("a.csv", "\n".join(prose).encode())
    assert table.columns == ("",) and table.column("") == prose and table.told == {"joined": 30}
    pairs = ["1,One thing.", "0,Another, and, more.", "1,A third.", "0,A fourth."]
    table = read("a.csv", "\n".join(pairs).encode())
    assert table.rows[1] == ("0", "Another, and, more.") and table.told == {"joined": 1}


def test_commas_of_a_last_text_are_put_back():
    table = read("a.csv", b"label,text\na,Well, this, too\nb,short,\na,\n")
    assert table.column("text") == ["Well, this, too", "short", ""] and table.told == {"joined": 1}
    assert read("a.csv", b'text\nHello, world\n"x, y",z\n').rows == (("Hello, world",), ("x, y,z",))
    assert read("a.csv", b"longer,two\nshort\nthird,three,more\nx,y,z\n").columns == ("1", "2", "3")


def test_rows_without_text_are_counted():
    table = read("a.csv", b"text,label\nhello,a\n,b\n,c\nworld,\n")
    assert table.telling("text") == {"empty": 2} and table.telling("label") == {"empty": 1}
    assert table.told == {} and len(table.rows) == 4
    assert read("a.json", b'["a", "", " "]').telling("") == {"empty": 2}


# ---- broken bytes ----


def test_one_broken_byte_makes_no_other_encoding():
    content = "naïve café\n".encode() + b"a \xff b\n" + "déjà vu\n".encode()
    table = read("a.txt", content)
    assert [row[0] for row in table.rows] == ["naïve café", "a \ufffd b", "déjà vu"]
    assert table.told == {"bytes": 1}
    table = read("a.csv", b"\xef\xbb\xbf" + b"text\n" + content)
    assert table.rows[0][0] == "naïve café" and table.told == {"bytes": 1}
    chinese = (CHINESE * 5).encode()
    table = read("a.txt", chinese[:100] + b"\x80\xfe" + chinese[102:])
    assert "encoding" not in table.told and table.rows[-1][0] == CHINESE.splitlines()[-1]


def test_other_encodings_are_still_found():
    for text, encoding, told in (("L'été.", "cp1252", "Windows-1252"), ("É »", "cp1252", "Windows-1252"),
                                 ("Le café", "latin-1", "Windows-1252"), (SIMPLIFIED * 50, "gbk", "GB 18030"),
                                 (CHINESE * 50, "big5", "Big5")):  # fmt: skip
        table = read("a.txt", text.encode(encoding))
        assert table.told == {"encoding": told} and table.rows[0][0] == text.splitlines()[0]
    cut = read("a.txt", "déjà vu 早".encode()[:-1])
    assert cut.rows == (("déjà vu",),) and cut.told == {}


# ---- JSON ----


@pytest.mark.parametrize("indent", [None, 2])
def test_an_object_with_one_list_of_rows(indent):
    whole = {"version": 3, "data": [{"text": "a", "n": 1}, {"text": "b", "n": 2}], "tags": [1, 2]}
    table = read("a.json", json.dumps(whole, indent=indent).encode())
    assert table.columns == ("text", "n") and table.rows == (("a", "1"), ("b", "2")) and table.told == {}
    row = {"text": "one row", "tags": ["x", "y"]}
    assert read("a.jsonl", json.dumps(row, indent=indent).encode()).rows == (("one row", '["x", "y"]'),)
    two = {"a": ["x"], "b": ["y"]}
    assert len(read("a.json", json.dumps(two, indent=indent).encode()).rows) == 1


def test_texts_among_objects_are_kept():
    table = read("a.jsonl", b'{"n": 1, "text": "a"}\n"alone"\n5\n{"n": 2, "text": "b"}\n')
    assert table.columns == ("n", "text") and table.told == {"broken": 1}
    assert table.rows == (("1", "a"), ("", "alone"), ("2", "b"))
    table = read("a.json", b'["x", {"satz": "a longer one"}, 7]')
    assert table.rows == (("x",), ("a longer one",)) and table.told == {"broken": 1}


def test_deep_json_stays_a_sentence():
    for deep in (b'{"data": ' * 50_000, b'{"data":' + b"[" * 100_000, b'{"a": 1}\n' + b"[" * 100_000):
        try:
            assert read("a.json", deep).told == {"broken": 1}
        except BadInput as error:
            assert error.key == "errors.rows_json"


# ---- told apart by what is in them ----


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "sep=;\ntext;label\nHello, world;a\nGood night;b\n"),
        ("a.txt", "sep=;\ntext;label\nHello, world;a\nGood night;b\n"),
        ("a.txt", "text\tlabel\nHello, world\ta\nGood night\tb\n"),
        ("a.tsv", 'sep=,\ntext,label\n"Hello, world",a\nGood night,b\n'),
        ("a.csv", "text|label\rHello, world|a\rGood night|b"),
        ("a.txt", '{"text": "Hello, world", "label": "a"}\n{"text": "Good night", "label": "b"}\n'),
        ("a.csv", '{"text": "Hello, world", "label": "a"}\n{"text": "Good night", "label": "b"}\n'),
        ("a.txt", '[{"text": "Hello, world", "label": "a"},\n {"text": "Good night", "label": "b"}]'),
    ],
)
def test_a_table_is_one_whatever_its_name(name, content):
    table = read(name, content.encode())
    assert table.columns == ("text", "label") and table.rows == (("Hello, world", "a"), ("Good night", "b"))
    assert table.told == {}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_where_files_end_them_and_nowhere_else(end):
    """A form feed and U+2028 stand within a line; ``str.splitlines`` would cut there."""
    lines = ["one\x0ctwo", "three\u2028four\x85five", "[1] a note, not JSON", "text, and so on"]
    table = read("a.txt", end.join(lines).encode())
    assert [row[0] for row in table.rows] == ["one two", "three four five", *lines[2:]]
    quoted = read("a.csv", end.join(["text,label", '"one, two",a', "three,b", ""]).encode())
    assert quoted.rows == (("one, two", "a"), ("three", "b")) and quoted.told == {}


def test_marks_within_marks():
    table = read("a.csv", b'"text","label"\n"He said "hi", and went","a"\n"No","b"\n')
    assert table.rows == (('He said "hi", and went', "a"), ("No", "b")) and table.told == {}
    table = read("a.csv", b'text,n,label\n"He "hi", and",5,a\n"The "b"",6,"c"\n')
    assert table.told == {"quotes": 1, "ragged": 1}  # the comma after the mark may as well end the cell
    assert table.rows[1] == ('The "b"', "6", "c")
    table = read("a.csv", b'"text","label"\n"The "best" one","a"\n"12" and 7"","b"\n"Plain","c"\n')
    assert table.rows == (('The "best" one', "a"), ('12" and 7"', "b"), ("Plain", "c")) and table.told == {}


def test_utf_16_without_a_mark_may_be_chinese_all_through():
    for encoding in ("utf-16-le", "utf-16-be"):
        table = read("a.txt", CHINESE.encode(encoding))
        assert table.told == {"encoding": encoding.upper()} and len(table.rows) == 3
    for wrong in (b"a,b\0,c\n", b"text\n\0\x01\x02\x03 abcdefgh" * 3):
        with pytest.raises(BadInput) as caught:
            read("a.csv", wrong)
        assert caught.value.key == "errors.file_not_text"
