"""Subjects and answers that follow a rule: numbers, sums, days, months, letters; the table of countries."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable

from .shape import DATA
from .wording import words

Pairs = list[tuple[str, str]]

_ONES, _TENS = words("numbers.ones"), words("numbers.tens")
_DAYS, _MONTHS, _ORDER = words("days"), words("months"), words("order")
_ZH_DIGITS = "零一二三四五六七八九"


def english(number: int) -> str:
    """A number from 0 to 100 in English words."""
    if number < 20:
        return _ONES[number]
    if number == 100:
        return "one hundred"
    tens, ones = divmod(number, 10)
    return _TENS[tens] + (f"-{_ONES[ones]}" if ones else "")


def chinese(number: int) -> str:
    """A number from 0 to 100 in Chinese characters (the same in both scripts)."""
    if number < 10:
        return _ZH_DIGITS[number]
    if number == 100:
        return "一百"
    tens, ones = divmod(number, 10)
    return ("" if tens == 1 else _ZH_DIGITS[tens]) + "十" + (_ZH_DIGITS[ones] if ones else "")


@functools.cache
def countries() -> list[list[str]]:
    """Rows of country, capital, continent and language in English, then the four in Chinese (Taiwan)."""
    lines = (DATA / "countries.txt").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.split("|")] for line in lines if line and not line.startswith("#")]
    return [row[:4] + row[4:] for row in rows]


def _cycle(names: list[str]) -> Pairs:
    return [(name, names[(place + 1) % len(names)]) for place, name in enumerate(names)]


def _swap(pairs: Pairs) -> Pairs:
    return [(answer, subject) for subject, answer in pairs]


def _small_sums(limit: int) -> Iterable[tuple[int, int]]:
    return ((a, b) for a in range(limit + 1) for b in range(limit + 1))


def _differences() -> Iterable[tuple[int, int]]:
    return ((a, b) for a in range(1, 19) for b in range(1, min(a, 10) + 1))


_ZH_DAYS = [f"星期{day}" for day in "一二三四五六日"]
_ZH_MONTHS = [f"{chinese(month)}月" for month in range(1, 13)]
_LETTERS = [chr(code) for code in range(ord("A"), ord("Z") + 1)]

RULES: dict[str, Callable[[], Pairs]] = {
    "sums": lambda: [(f"{a} + {b}", str(a + b)) for a, b in _small_sums(12)],
    "differences": lambda: [(f"{a} - {b}", str(a - b)) for a, b in _differences()],
    "sum_words": lambda: [(f"{english(a)} plus {english(b)}", english(a + b)) for a, b in _small_sums(10)],
    "zh_sum_words": lambda: [(f"{chinese(a)}加{chinese(b)}", chinese(a + b)) for a, b in _small_sums(10)],
    "plus": lambda: [
        (f"{a} {sign} {b}", str(a + b)) for a, b in _small_sums(12) for sign in ("plus", "and", "add")
    ],
    "minus": lambda: [(f"{a} minus {b}", str(a - b)) for a, b in _differences()],
    "times": lambda: [
        (f"{a} {sign} {b}", str(a * b))
        for a, b in itertools.product(range(1, 11), repeat=2)
        for sign in ("times", "x", "*")
    ],
    "zh_plus": lambda: [
        (f"{a}{space}{sign}{space}{b}", str(a + b))
        for a, b in _small_sums(12)
        for space in (" ", "")
        for sign in ("加", "+", "加上")
        if (space, sign) != (" ", "+")  # the relation "sum"
    ],
    "zh_minus": lambda: [
        (f"{a}{space}減{space}{b}", str(a - b)) for a, b in _differences() for space in (" ", "")
    ],
    "zh_times": lambda: [
        (f"{a}{space}{sign}{space}{b}", str(a * b))
        for a, b in itertools.product(range(1, 11), repeat=2)
        for space in (" ", "")
        for sign in ("乘", "乘以")
    ],
    "zh_week_after": lambda: [
        (name + day, name + after) for name in ("禮拜", "週") for day, after in _cycle(list("一二三四五六日"))
    ],
    "next_number": lambda: (
        [(english(n), english(n + 1)) for n in range(1, 50)] + [(str(n), str(n + 1)) for n in range(1, 50)]
    ),
    "previous_number": lambda: (
        [(english(n + 1), english(n)) for n in range(1, 30)] + [(str(n + 1), str(n)) for n in range(1, 30)]
    ),
    "zh_next_number": lambda: [(chinese(n), chinese(n + 1)) for n in range(1, 50)],
    "day_after": lambda: _cycle(_DAYS),
    "day_before": lambda: _swap(_cycle(_DAYS)),
    "month_after": lambda: _cycle(_MONTHS),
    "month_before": lambda: _swap(_cycle(_MONTHS)),
    "month_number": lambda: list(zip(_ORDER, _MONTHS, strict=True)),
    "letter_after": lambda: list(itertools.pairwise(_LETTERS)),
    "zh_day_after": lambda: _cycle(_ZH_DAYS),
    "zh_day_before": lambda: _swap(_cycle(_ZH_DAYS)),
    "zh_month_after": lambda: _cycle(_ZH_MONTHS),
}


def pairs(text: str) -> Pairs:
    """Subjects with answers from an `items:` line: `a = b; c = d`, `@rule` or `@countries 0 1`."""
    if text.startswith("@countries"):
        subject, answer = map(int, text.split()[1:])
        return [(row[subject], row[answer]) for row in countries()]
    if text.startswith("@"):
        return RULES[text[1:]]()
    return [
        (subject.strip(), answer.strip())
        for subject, _, answer in (item.partition(" = ") for item in text.split(";"))
    ]
