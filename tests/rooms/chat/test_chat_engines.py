"""Chat by llama.cpp: what the page and programs hear, which engine is taken, and what it cannot do."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from playground import text
from playground.models.engines import llama
from playground.rooms.chat import actions
from playground.rooms.chat.actions import Answers, engine_menu
from playground.rooms.chat.request import parse
from playground.settings import read
from playground.ui.context import Context
from playground.ui.runs import Given
from tests.models import gguf_files, saved

needs_llama = pytest.mark.skipif(not llama.available(), reason="xllamacpp is not installed on this platform")
HELLO = [{"role": "user", "content": "Once upon a time"}]


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    folder = tmp_path_factory.mktemp("engines")
    (folder / "models").mkdir()
    gguf_files.llama(folder / "models" / "tiny.gguf")
    saved.save(folder / "models" / "chatty", template=saved.TEMPLATE)
    places = ["--models-dir", str(folder / "models"), "--cache-dir", str(folder / "cache")]
    made = Context.of(read([*places, "--offline", "--device", "cpu"], {}))
    yield made
    made.models.unload("tiny.gguf")


def given(**more: Any) -> dict[str, Any]:
    return {"model": "tiny.gguf", "messages": HELLO, "max_new_tokens": 16, **more}


def heard(context: Context, **more: Any) -> dict[str, Any]:
    """A reply as the page puts it together."""
    whole: dict[str, Any] = {"text": "", "ids": [], "p": [], "n": []}
    for piece in actions.pieces(context, given(**more)):
        if "ids" in piece:
            for key in ("text", "ids", "p", "n"):
                whole[key] += piece[key]
        else:
            whole |= {key: piece[key] for key in ("prompt", "window", "done", "error") if key in piece}
    return whole


def roles(context: Context) -> set[str]:
    return {row.role for row in context.models.status() if row.name == "tiny.gguf"}


@needs_llama
def test_a_gguf_file_is_answered_by_llama_cpp_and_every_token_has_its_place(context: Context) -> None:
    found = heard(context)
    assert "error" not in found and found["done"]["engine"] == "llama.cpp" and "engine" in roles(context)
    assert len(found["ids"]) == len(found["p"]) == len(found["n"]) == found["done"]["new_tokens"]
    assert sum(found["n"]) == len(found["text"].encode("utf-16-le")) // 2
    assert any(p is not None for p in found["p"]) and all(p is None or 0 <= p <= 1 for p in found["p"])
    assert found["window"] == 256


@needs_llama
def test_either_engine_can_be_asked_for(context: Context) -> None:
    assert heard(context, engine="llama.cpp")["done"]["engine"] == "llama.cpp"
    visible = heard(context, engine="transformers")
    assert visible["done"]["engine"] == "transformers" and "causal" in roles(context)
    assert None not in visible["p"]
    # What only transformers computes is computed by it.
    assert heard(context, quantization="int8")["done"]["engine"] == "transformers"
    assert heard(context, model="chatty")["done"]["engine"] == "transformers"


def test_what_cannot_run_so_is_a_sentence(context: Context) -> None:
    assert "GGUF" in heard(context, model="chatty", engine="llama.cpp")["error"]
    assert "“magic”" in heard(context, engine="magic")["error"]


def test_without_llama_cpp_transformers_answers_and_the_menu_says_why(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llama, "PACKAGE", "no_such_package_here")
    assert heard(context)["done"]["engine"] == "transformers"
    choices, told = engine_menu(context, "tiny.gguf", "en")
    assert [value for _, value in choices] == [""] and told == text.say("chat.engine_info_missing", "en")


@needs_llama
def test_seeds_and_settings_are_heard(context: Context) -> None:
    drawn = [heard(context, temperature=1.0, seed=seed)["ids"] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    greedy = heard(context)["ids"]
    assert heard(context, temperature=1.5, top_k=1)["ids"] == greedy
    assert heard(context, repetition_penalty=1.9)["ids"] != greedy


@needs_llama
def test_alternatives_and_branches(context: Context) -> None:
    first = heard(context)
    at = next(i for i, p in enumerate(first["p"]) if p is not None)
    found = actions.alternatives(context, given(prefix=first["ids"][:at]))
    ids = [each["id"] for each in found["alternatives"]]
    assert ids[0] == first["ids"][at] and len(set(ids)) == 10
    assert found["alternatives"][0]["p"] == pytest.approx(first["p"][at], abs=0.02)
    assert all(each["chance"] is None for each in found["alternatives"])  # not told, so not made up
    assert sum(each["p"] for each in found["alternatives"]) + found["rest"] == pytest.approx(1, abs=1e-5)
    branch = heard(context, prefix=[*first["ids"][:at], ids[1]])
    assert branch["ids"][: at + 1] == [*first["ids"][:at], ids[1]] and len(branch["ids"]) > at + 1
    assert branch["p"][: at + 1] == [None] * (at + 1)


@needs_llama
def test_a_prompt_that_is_too_long_is_a_sentence(context: Context) -> None:
    long = [{"role": "user", "content": "word " * 400}]
    assert "256" in heard(context, messages=long)["error"]


@needs_llama
def test_programs_hear_what_they_were_promised(context: Context) -> None:
    *_, last = actions.answers(context, given())
    promised = {
        "reply", "done", "prompt", "prompt_tokens", "new_tokens", "seconds", "tokens_per_second",
        "stop_reason", "dropped_turns",
    }  # fmt: skip
    assert promised <= set(last) and last["done"] is True and 13 <= last["new_tokens"] <= 16


@needs_llama
def test_a_child_that_dies_costs_one_reply(context: Context) -> None:
    heard(context, max_new_tokens=1)
    card = context.catalog.find("tiny.gguf")
    running = actions.pieces(context, given(max_new_tokens=200, temperature=1.0))
    next(piece for piece in running if "ids" in piece)
    with context.models.lease(card, "engine") as loaded:
        os.kill(loaded.model.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    last = [*running][-1]
    if "done" not in last:  # it may have ended before it was killed
        assert "ended in the middle" in last["error"]
    assert heard(context)["done"]["engine"] == "llama.cpp"
    assert all(row.leases == 0 for row in context.models.status())


@needs_llama
def test_many_are_answered_together(context: Context) -> None:
    running = [actions.pieces(context, given(max_new_tokens=20)) for _ in range(6)]
    for each in running:  # each has begun before any has ended
        while "ids" not in (piece := next(each)):
            assert "waiting" not in piece and "error" not in piece, piece
    ends = [[*each][-1]["done"] for each in running]
    assert len(ends) == 6 and all(end["stop_reason"] in ("length", "eos") for end in ends)


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_the_menu_of_engines(context: Context, lang: str) -> None:
    one = engine_menu(context, "chatty", lang)
    assert [value for _, value in one[0]] == [""] and one[1] == text.say("chat.engine_info_one", lang)
    if llama.available():
        choices, told = engine_menu(context, "tiny.gguf", lang)
        assert [value for _, value in choices] == ["", "transformers"]
        assert told == text.say("chat.engine_info_both", lang)
    line = next(
        Answers(context).engine(
            Given({"chat.model": "chatty", "chat.engine": "transformers"}, "chat", "open")
        )
    )
    assert line["set"]["chat.engine"]["value"] == ""  # what is not offered is not chosen


def test_what_a_program_says_is_checked(context: Context) -> None:
    assert parse(context, given(engine="llama.cpp")).engine == "llama.cpp"
    assert parse(context, given(engine=None)).engine == "" == parse(context, given()).engine
