"""What the Decoding panel shows: sentences chosen by numbers, and nothing of a text that could run."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from playground import text
from playground.engine.generation.beam_search import Beams
from playground.rooms.decoding import (
    comparison,
    example,
    view,
    view_beam_tree,
    view_experiments,
    view_filters,
)
from playground.rooms.decoding.comparison import Comparison, Token, Written
from playground.rooms.decoding.experiments import BatchTimes, CacheTimes, Machine
from playground.rooms.decoding.no_grad import GradModes
from playground.rooms.decoding.precision import Measured, Moved
from playground.rooms.decoding.repeats import Repeats, Run
from playground.ui import charts
from playground.ui.html import percent, sentences
from tests.figures import told as figure_of
from tests.figures import traces

HERE = Machine("cpu", "float32", 1)
NASTY = "<script>alert(1)</script><img src=x onerror=alert(2)>\"' &amp; \u202e"


@pytest.fixture(scope="module")
def shipped() -> Comparison:
    return example.shipped("en")


def say(key: str, **values: Any) -> str:
    return text.say(f"decoding.{key}", "en", **values)


def beginning(key: str, room: str = "decoding") -> str:
    """The words of a sentence before its first value."""
    return text.say(f"{room}.{key}", "en").split("{")[0].strip()


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_the_example_in_every_language(lang):
    found = example.shipped(lang)
    shown = view.whole(found, lang) + view_beam_tree.tree(found, lang) + view_filters.walk(found, lang)
    assert "missed" in shown and shown.count("dec-lane ln-") == 5
    assert text.say("decoding.question", lang) in shown
    assert "{" not in re.sub(r"<pre.*?</pre>", "", shown, flags=re.S)
    assert shown.count("<details") == 1 + len(found.continuation("yours").tokens)


def test_the_verdict_comes_first_and_the_race_last(shipped):
    shown = view.whole(shipped, "en")
    places = [shown.index(each) for each in ("dec-prompt", "dec-answer", "dec-lanes", "dec-race")]
    assert places == sorted(places)
    assert say("answer_yes") in shown
    greedy = shipped.continuation("greedy")
    level = {each.continuation: replace(each, tokens=greedy.tokens) for each in shipped.continuations}
    none = replace(changed(shipped, **level), partings=[])
    assert say("answer_no") in view.whole(none, "en")


def test_what_greedy_did_not_write_is_marked_token_by_token(shipped):
    greedy = shipped.continuation("greedy")
    for each in shipped.continuations:
        other = comparison.unlike(each, greedy)
        kept = [token.id for place, token in enumerate(each.tokens) if place not in other]
        rest = iter(greedy.ids)
        assert all(id in rest for id in kept), "in the same order"
        if each.continuation in ("greedy", "again"):
            continue
        lane = re.search(rf'data-lane="{each.continuation}".*?</section>', view.whole(shipped, "en"), re.S)
        assert lane and len(re.findall(r'<i class="dec-t[^"]* new', lane[0])) == len(other)
    assert comparison.unlike(greedy, greedy) == set()


def test_the_repeat_is_a_mark(shipped):
    """It was a sixth text, the same as the second one."""
    shown = view.whole(shipped, "en")
    assert 'data-lane="again"' not in shown and "✓" in shown and say("part_again") in shown
    again = replace(shipped.continuation("again"), tokens=shipped.continuation("greedy").tokens[:3])
    other = view.whole(changed(shipped, again=again), "en")
    assert "✗" in other and say("part_again_not") in other


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_the_tree_holds_every_token_that_was_followed_once(lang):
    found = example.shipped(lang)
    shown = view_beam_tree.tree(found, lang)
    drawn = re.findall(r'data-step="(\d+)" data-order="(\d+)"', shown)
    followed = [
        (str(step.index), str(order))
        for step in found.tree.steps
        for order, each in enumerate(step.candidates)
        if each.fate != "dropped"
    ]
    assert sorted(drawn) == sorted(followed)
    won = "".join(re.findall(r'<p class="dec-way won".*?</p>', shown))
    assert len(re.findall("data-step", won)) == len(found.tree.sequences[0].ids)
    data = json.loads(html.unescape(re.search(r"<pre[^>]*>(.*?)</pre>", shown, re.S)[1]))
    assert [len(each) for each in data["steps"]] == [len(step.candidates) for step in found.tree.steps]


def test_nothing_of_a_text_runs(shipped):
    def spoilt(token: Token) -> Token:
        return replace(token, text=NASTY, others=[(id, NASTY, p, c) for id, _, p, c in token.others])

    continuations = [
        replace(continuation, tokens=[spoilt(each) for each in continuation.tokens], text=NASTY)
        for continuation in shipped.continuations
    ]
    steps = [
        replace(step, candidates=[replace(each, text=NASTY, label=NASTY) for each in step.candidates])
        for step in shipped.tree.steps
    ]
    tree = replace(
        shipped.tree, steps=steps, sequences=[replace(way, text=NASTY) for way in shipped.tree.sequences]
    )
    partings = [replace(each, mine=each.mine and spoilt(each.mine)) for each in shipped.partings]
    spoiled = replace(
        shipped, text=NASTY, model=NASTY, continuations=continuations, tree=tree, partings=partings
    )
    shown = view.whole(spoiled, "en") + view_beam_tree.tree(spoiled, "en") + view_filters.walk(spoiled, "en")
    runs = [Run("greedy", 0, [1], [NASTY]), Run("seed", 1, [1], [NASTY]), Run("other", 2, [2], [NASTY])]
    shown += view_experiments.repeats(Repeats(runs, 0.0, True, HERE), "en")
    for tag in ("<script", "<img"):
        assert tag not in shown, shown[max(0, shown.find(tag) - 300) :][:400]
    assert "\u202e" not in re.sub(r"<pre.*?</pre>", "", shown, flags=re.S)
    assert not re.search(r'="[^"]*<', shown)


def changed(shipped: Comparison, **continuations: Written) -> Comparison:
    return replace(
        shipped,
        continuations=[
            continuations.get(continuation.continuation, continuation)
            for continuation in shipped.continuations
        ],
    )


def test_the_answer_is_chosen_by_the_numbers(shipped):
    greedy, beam = shipped.continuation("greedy"), shipped.continuation("beam")
    assert beginning("answer_missed") in view.whole(shipped, "en")
    same = replace(shipped, partings=[each for each in shipped.partings if each.continuation != "beam"])
    assert beginning("answer_same") in view.whole(same, "en")
    single = replace(same, plan=replace(same.plan, beams=Beams(1)))
    assert say("answer_one", greedy="", greedy_sum="")[:30] in view.whole(single, "en")
    for made in (same, single):
        sure = replace(made.continuation("yours"), tokens=greedy.tokens[:1], reason="eos")
        shown = view.whole(changed(made, yours=sure), "en")
        assert (
            say("answer_other", continuation=say("lane_yours"), other="", other_sum="", times="")[:60]
            in shown
        )
        assert beginning("answer_other") not in view.whole(made, "en")
    worse = replace(beam, tokens=[replace(token, probability=0.01) for token in beam.tokens])
    assert beginning("answer_shorter") in view.whole(changed(shipped, beam=worse), "en")
    cut = replace(beam, reason="length" if beam.ended else "eos")
    assert beginning("answer_cut") in view.whole(changed(shipped, beam=cut), "en")
    level = replace(beam, tokens=greedy.tokens, reason=greedy.reason)
    assert beginning("answer_tie") in view.whole(changed(shipped, beam=level), "en")


def test_growing_lanes_and_half_characters(shipped):
    half = Token(5, "", "E4 BD", 0.5, 0.5, 1, [(5, "", 0.5, 0.5)])
    shown = view.growing([Written("greedy", [half], "")], shipped.plan, "en")
    assert "E4 BD" in shown and shown.count("<section") == 2 and "\ufffd" not in shown


def test_the_races_marks_differ(shipped):
    """A short fall is told with as many digits as it takes."""
    sure = [replace(token, probability=0.99) for token in shipped.continuation("greedy").tokens[:4]]
    continuations = [replace(continuation, tokens=sure) for continuation in shipped.continuations]
    shown = view.whole(replace(shipped, continuations=continuations), "en")
    marks = figure_of(shown)["figure"]["layout"]["yaxis"]["ticktext"]
    assert len(marks) > 2 and len(set(marks)) == len(marks) and "−0.0" not in [*marks, view.nats(-0.001, 1)]
    assert [charts.digits(low, 0) for low in (-30, -4.35, -0.3, -0.04, 0)] == [1, 1, 1, 2, 1]


def test_counts_read_well_whatever_they_are(shipped):
    alone = replace(shipped, plan=replace(shipped.plan, beams=Beams(1)))
    shown = view.whole(
        changed(
            alone,
            first=replace(shipped.continuation("first"), tokens=shipped.continuation("first").tokens[:1]),
        ),
        "en",
    )
    assert not re.search(r"\b1 (?:tokens|beams)\b", shown)


def test_no_blank_after_a_chinese_full_stop():
    found = example.shipped("zh-TW")
    shown = view.whole(found, "zh-TW") + view_beam_tree.tree(found, "zh-TW")
    assert text.say("decoding.fate_drawn", "zh-TW", chance="x")[:4] in shown and "。 " not in shown
    assert sentences("One.", "", "Two.") == "One. Two." and sentences("一。", "二。") == "一。二。"


def test_the_tree_says_where_a_way_ends(shipped):
    shown = view_beam_tree.tree(shipped, "en")
    lost = [
        int(step) for step in re.findall(re.escape(say("tree_lost", step="@")).replace("@", r"(\d+)"), shown)
    ]
    assert lost and all(2 <= step <= len(shipped.tree.steps) for step in lost)
    one = replace(shipped, tree=replace(shipped.tree, steps=shipped.tree.steps[:1]))
    assert say("tree_lost", step="@").split("@")[0] not in view_beam_tree.tree(one, "en")


def test_percentages():
    told = {0.0: "0%", 1.0: "100%", 0.99996: "> 99.99%", 1 - 1e-9: "100%", 0.9996: "99.96%", 0.419: "41.9%",
            0.0123: "1.2%", 0.00045: "0.045%", 1e-9: "≈ 0%"}  # fmt: skip
    assert {value: percent(value) for value in told} == told
    assert view.odds(-2.153) == "11.6%" and view.odds(-33.26) == "3.6 × 10⁻¹⁵"


@pytest.mark.parametrize(
    ("cached", "plain", "key"),
    [
        ([3.0, 3.1, 3.2], [5.0, 20.0, 80.0], "cache_flat"),
        ([3.0, 5.0, 9.0], [5.0, 20.0, 80.0], "cache_rises_less"),
        ([3.0, 3.0, 3.0], [5.0, 5.0, 6.0], "cache_both_flat"),
        ([3.0, 3.0, 9.0], [2.0, 2.0, 2.5], "cache_slower"),
        ([1.0, 9.0, 20.0], [5.0, 20.0, 40.0], "cache_odd"),
    ],
)  # fmt: skip
def test_the_caches_sentence_follows_the_curve(cached, plain, key):
    shown = view_experiments.cache(CacheTimes([16, 64, 256], cached, plain, 9, HERE), "en")
    others = {"cache_flat", "cache_rises_less", "cache_both_flat", "cache_slower", "cache_odd"} - {key}
    assert beginning(key, "decoding_lab") in shown
    for other in others:
        known = beginning(other, "decoding_lab")
        assert known not in shown or beginning(key, "decoding_lab").startswith(known)
    assert text.say("decoding_lab.rounds", "en", count=9) in shown and "float32" in shown


def test_the_other_sentences():
    def told(key: str, shown: str) -> bool:
        return beginning(key, "decoding_lab") in re.sub(r"&#x27;", "'", shown)

    assert "4.0 times" in view_experiments.batch(BatchTimes([1, 8], [2.0, 4.0], 3, HERE), "en")
    assert told("batch_none", view_experiments.batch(BatchTimes([1, 8], [2.0, 15.0], 3, HERE), "en"))
    assert told("batch_short", view_experiments.batch(BatchTimes([1], [2.0], 3, HERE), "en"))
    ids = {mode: [1, 2] for mode in ("plain", "no_grad", "inference_mode")}
    held = {"plain": [1000, 2000], "no_grad": [0, 0], "inference_mode": [0, 0]}
    step = {"plain": 4.0, "no_grad": 2.0, "inference_mode": 2.0}
    shown = view_experiments.grads(GradModes(ids, step, held, 3, HERE), "en")
    assert told("grads_same", shown) and "2 kB" in shown and "2.0 times as slow" in shown
    shown = view_experiments.grads(GradModes(ids, step | {"plain": 1.0}, held, 3, HERE), "en")
    assert "no time saved" in shown
    shown = view_experiments.grads(GradModes(ids | {"no_grad": [3, 4]}, step, held, 3, HERE), "en")
    assert told("grads_other", shown)
    runs = [Run("greedy", 0, [1], ["a"]), Run("greedy", 0, [2], ["b"]), *[Run("seed", 1, [1], ["a"])] * 2]
    shown = view_experiments.repeats(Repeats([*runs, Run("other", 2, [3], ["c"])], 0.1, False, HERE), "en")
    assert told("repeats_greedy_differ", shown) and told("repeats_seed_same", shown)
    assert told("repeats_batch_other", shown)
    (bars,) = traces(shown)
    assert bars["text"] == ["1 / 1", "0 / 1", "1 / 1", "1 / 1", "0 / 1"] and bars["x"].tolist() == [
        1,
        0,
        1,
        1,
        0,
    ]
    begun = view_experiments.repeats(Repeats(runs[:1], None, True, HERE), "en")
    assert "dec-found" not in begun and "1 / 1" in begun


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_every_result_says_which_experiment_it_is(lang):
    ids = {mode: [1, 2] for mode in ("plain", "no_grad", "inference_mode")}
    made = {
        "cache": view_experiments.cache(CacheTimes([16, 64], [1.0, 1.0], [1.0, 9.0], 2, HERE), lang),
        "batch": view_experiments.batch(BatchTimes([1, 2], [1.0, 1.0], 2, HERE), lang),
        "grads": view_experiments.grads(
            GradModes(ids, dict.fromkeys(ids, 1.0), {mode: [0, 0] for mode in ids}, 2, HERE), lang
        ),
        "repeats": view_experiments.repeats(Repeats([Run("greedy", 0, [1], ["a"])], 0.0, True, HERE), lang),
        "precision": view_experiments.precisions([Measured("float32", 4, 2.0)], HERE, 1, str, lang),
    }
    for name, shown in made.items():
        assert f"<h4>{text.say(f'decoding_lab.name_{name}', lang)}</h4>" in shown


def test_precisions_that_cannot_be_had_say_why():
    rows = [
        Measured("float32", 400, 2.0, Moved(0.0, 0.0, 1.0, 9)),
        Measured("bfloat16", 200, 1.0, Moved(0.02, 0.1, 0.9, 9)),
        Measured("nf4", refused=("errors.quantization_shape", {"name": "x"})),
    ]  # fmt: skip
    shown = view_experiments.precisions(rows, HERE, 2, lambda key, values: f"{key} {values['name']}", "en")
    assert "errors.quantization_shape x" in shown and "50.0%" in shown and "90.0% of 9 positions" in shown
    assert "The fastest here is bfloat16" in shown
    charts = [figure for which in range(3) for figure in traces(shown, which)]
    assert [(each["customdata"].tolist(), each["x"].tolist()) for each in charts] == [
        (["float32", "bfloat16"], values) for values in ([400, 200], [2.0, 1.0], [0.0, 0.02])
    ]
    alone = view_experiments.precisions(rows[2:], HERE, 2, lambda key, values: "no", "en")
    assert beginning("precision_few", "decoding_lab") in alone


def test_scales_are_round_and_cover():
    assert charts.scale(-4.35, 0) == [-5, -4, -3, -2, -1, 0]
    assert charts.scale(0, 287) == [0, 100, 200, 300]
    assert charts.scale(0, 0.034) == [0, 0.01, 0.02, 0.03, 0.04]
    assert charts.scale(3, 3) == [3] and charts.scale(0, float("nan")) == [0]
    assert charts.lines([], "x", "y", "t", "en") == ""
