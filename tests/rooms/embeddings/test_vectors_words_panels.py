"""What the Token vectors and Words views do with inputs, without a page."""

from __future__ import annotations

import dataclasses
import re

import gradio as gr
import numpy as np
import pytest

from playground.errors import BadInput, CannotLoad
from playground.models.catalog import Catalog
from playground.rooms.embeddings.sentences.work import Work
from playground.rooms.embeddings.token_vectors import example, hidden_states, view
from playground.rooms.embeddings.token_vectors import panel as vectors_panel
from playground.rooms.embeddings.token_vectors.actions import MODEL, VectorsActions
from playground.rooms.embeddings.words import actions, analogies
from playground.rooms.embeddings.words import example as words_example
from playground.rooms.embeddings.words import panel as words_panel
from playground.rooms.embeddings.words.actions import SOURCE, WordsActions
from playground.settings import Settings
from playground.system import cancellation
from playground.ui import runs
from playground.ui.context import Context
from playground.ui.controls import page_of
from playground.ui.runs import Given
from tests.figures import told, traces


@pytest.fixture
def vectors(models, catalog, tmp_path) -> VectorsActions:
    return VectorsActions(Context(Settings(cache_dir=tmp_path), catalog, models))


@pytest.fixture
def words(models, catalog, tmp_path) -> WordsActions:
    return WordsActions(Context(Settings(cache_dir=tmp_path), catalog, models))


def last(steps):
    return list(steps)[-1]


def vectors_asked(do, name, asker="", **changed):
    built = {"sentence": "Hello world", "lines": "", "word": "", "layer": 6, "model": MODEL, "by": "sentence",
             "method": "pca"}  # fmt: skip
    values = {f"token_vectors.{key}": value for key, value in (built | changed).items()}
    return list(getattr(do, name)(Given(values, "token_vectors", asker)))


def words_asked(do, name, asker="", **changed):
    built = {
        "plus": "",
        "minus": "",
        "list": "",
        "count": 10,
        "source": SOURCE,
        "neighbours": 8,
        "method": "pca",
    }
    values = {f"words.{key}": value for key, value in (built | changed).items()}
    return list(getattr(do, name)(Given(values, "words", asker)))


def shown(lines):
    """The HTML that an answer ends with."""
    *_, found = (line["html"] for line in lines if "html" in line)
    return found


def changes(lines):
    """What an answer sets."""
    return {id: value for line in lines for id, value in line.get("set", {}).items()}


BOX = "The mouse ate the cheese.\nA cat chased the mouse.\n\nClick the mouse.\nThe mouse and keyboard."


def test_layers_cost_one_pass(vectors):
    told = [
        shown(vectors_asked(vectors, "senses", layer=layer, lines=BOX, word="mouse"))
        for layer in range(-1, 7)
    ]
    assert vectors.passes == 1 and len(set(told)) == 8
    vectors_asked(vectors, "map", layer=3, lines=BOX, word="mouse", by="word")
    assert vectors.passes == 1  # another view reads the same pass


def test_a_model_folder_without_weights_is_told_as_that(models, tmp_path):
    """Its config says that it writes or encodes; without weights it does neither, and that is the reason."""
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "config.json").write_text('{"model_type": "llama", "architectures": ["LlamaModel"]}')
    context = Context(Settings(cache_dir=tmp_path), Catalog(tmp_path, tmp_path), models)
    for asked in (
        lambda: VectorsActions(context).plain(["Hello"], "plan"),
        lambda: last(VectorsActions(context).passing("plan", ["Hello"], [0])),
        lambda: Work(context).encoded(["Hello"], "plan"),
    ):
        with pytest.raises(CannotLoad, match="no_weights"):
            asked()


def test_passes_are_kept_within_bounds(vectors, monkeypatch):
    monkeypatch.setattr(vectors._kept, "limit", 10**6)
    for number in range(30):
        last(vectors.passing(MODEL, [f"sentence number {number} of a few"], [0]))
    assert 1 <= len(vectors._kept) < 30
    assert 0 < vectors._kept.size <= 10**6


def test_shipped_examples_are_what_is_computed(models, catalog):
    with models.lease(catalog.find(MODEL), "encoder", dtype="float32") as loaded:
        for place, box in enumerate(example.BOXES[:2]):
            texts, _ = hidden_states.lines(box)
            shipped, live = example.shipped(texts), hidden_states.run(loaded, texts)
            assert shipped is not None and shipped.pooling == live.pooling
            for one, other in zip(shipped.texts, live.texts, strict=True):
                for name in ("text", "tokens", "ids", "spans", "special", "fed"):
                    assert getattr(one, name) == getattr(other, name)
                for name in ("static", "layers", "pooler", "encoded"):
                    apart = np.abs(getattr(one, name) - getattr(other, name)).max()
                    assert apart < (1e-5 if place == 0 else 1e-2), name
    assert example.shipped(["Another"]) is None


def test_which_words_separate_is_said_from_measurement(models, catalog, vectors):
    """bank and three more part at the last layer, three others do not: as the lesson and the page say."""
    parted = {}
    with models.lease(catalog.find(MODEL), "encoder", dtype="float32") as loaded:
        for word, box in example.SENSES.items():
            passed = hidden_states.run(loaded, *hidden_states.lines(box))
            told = hidden_states.separations(passed, hidden_states.occurrences(passed, word))
            assert told[0].within == pytest.approx(1) == told[0].across  # the input matrix knows one of them
            parted[word] = told[-1].parted
    assert [word for word, yes in parted.items() if yes] == ["bank", "spring", "crane", "pitcher"]
    assert [word for word, yes in parted.items() if not yes] == ["bat", "mouse", "match"]
    for word, key in (("bank", "vec-verdict yes"), ("bat", "vec-verdict no")):
        assert key in shown(vectors_asked(vectors, "senses", lines=example.SENSES[word], word=word))


def test_the_opening_needs_no_model(vectors, words, monkeypatch):
    monkeypatch.setattr(Context, "leasing", None)
    hello, bank, word = example.BOXES
    walked = shown(vectors_asked(vectors, "walk", "open", sentence=hello))
    assert "torch.Size([1, 4, 384])" in walked
    assert "vec-verdict yes" in shown(vectors_asked(vectors, "pool", "open", sentence=hello))
    for layer in (-1, 6):
        for name in ("senses", "map"):
            assert shown(vectors_asked(vectors, name, "open", layer=layer, lines=bank, word=word))
    near = shown(words_asked(words, "near", "open", plus="king, woman", minus="man"))
    assert "queen" in near and "0.502" in near


def test_the_shipped_words_are_what_is_computed(words):
    for source in words_example.SOURCES:
        card = words.card(source)
        if card.source == "package" and not card.where:
            continue
        with words.context.models.lease(card, "words") as loaded:
            live = actions.nearest(loaded, "king, woman", "man", 10, "en")
        assert actions.shipped("en", source) == live


def test_text_of_visitors_is_never_html(vectors, words):
    nasty = "<img src=x onerror=alert(1)> bank <b>bank</b>\n<script>bank</script> \u202ebank"
    for name, word in (("walk", ""), ("pool", ""), ("senses", "bank"), ("map", "<b>"), ("senses", "<i>zz")):
        html = shown(vectors_asked(vectors, name, sentence=nasty, lines=nasty, word=word))
        assert "<img" not in html and "<script" not in html and "<i>zz" not in html
    with pytest.raises(BadInput):
        words_asked(words, "near", plus="<img src=x>")
    assert "King → king" in shown(words_asked(words, "near", plus="King", count=5))


def test_the_mask_is_seen_at_work_beside_a_longer_sentence(vectors):
    def pooled(box):
        return shown(vectors_asked(vectors, "pool", sentence=box))

    alone, beside = pooled("Hello world"), pooled("Hello world\nOne more cat sleeps on the mat today")
    assert "[PAD]" not in alone and "a second, longer sentence" in alone
    # 4 tokens beside 10: six rows of padding, of which three are shown, and nothing of them in the sum.
    assert beside.count("[PAD]</code>") == 3 and "Rows of padding: 6." in beside and "up to 10 rows" in beside
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall("<tr>(.*?)</tr>", beside)]
    assert [row[1] for row in rows[1:]][4:8] == [f'<span class="vec-pad">{cell}</span>' for cell in "000…"]

    def total(html):
        return re.search(r"<b>sum</b></td><td>Σ</td>(.*?)</tr>", html)[1]

    sums = [[float(cell) for cell in re.findall(r"[+-]\d\.\d{4}", total(html))] for html in (alone, beside)]
    assert len(sums[0]) == 5 and sums[0] == pytest.approx(sums[1], abs=1e-3)
    assert "[PAD]" not in pooled("Hello world\nYes")


def test_nothing_differs_by_nothing(vectors):
    *_, passed = vectors.passing(MODEL, ["Hello world"], [0])
    one = passed.texts[0]
    unit = hidden_states.pooled(one).unit
    exact = dataclasses.replace(passed, texts=(dataclasses.replace(one, encoded=unit),))
    assert "Exactly equal" in view.pooling(exact, "en") and "0.0e+00" not in view.pooling(exact, "en")
    near = dataclasses.replace(passed, texts=(dataclasses.replace(one, encoded=unit + np.float32(1e-6)),))
    assert "no number differs" in view.pooling(near, "en")


@pytest.mark.parametrize(
    ("box", "key"), [("", "sentence_empty"), ("x\n" * 17, "vectors_lines"), ("\ud800", "lone_surrogate")]
)
def test_bad_sentences(vectors, box, key):
    with pytest.raises(BadInput) as caught:
        vectors_asked(vectors, "walk", sentence=box)
    assert caught.value.key == f"errors.{key}"


def test_tiny_maps_and_missing_words(vectors, words):
    one = shown(vectors_asked(vectors, "map", lines="x", method="umap"))
    assert [len(each["x"]) for each in traces(one)] == [1] and "1: x</span>" in one
    same = shown(vectors_asked(vectors, "map", layer=-1, lines="a\na\na", word="a", by="word"))
    (three,) = traces(same)
    assert len(three["x"]) == 3 and three["name"] == "a" and told(same)["more"]["marked"] == [0, 1, 2]
    missing = shown(vectors_asked(vectors, "senses", lines=BOX, word="zebra"))
    assert "mouse" in missing and "vec-matrix" not in missing
    alone = told(shown(words_asked(words, "map", list="king", neighbours=0, method="umap")))["more"]
    assert alone["labels"] == ["king"] and alone["named"] == alone["marked"] == [0]
    assert "dinner" in shown(words_asked(words, "compare", list="breakfast cereal dinner lunch"))
    assert "minilm-words" in shown(words_asked(words, "about"))
    for listed in ("", "king"):
        with pytest.raises(BadInput):
            words_asked(words, "compare", list=listed)
    with pytest.raises(BadInput, match="name_empty"):
        words_asked(words, "near", source=None)


def test_another_model_moves_the_layer_to_its_last(vectors):
    other = "token_vectors.model"
    assert changes(vectors_asked(vectors, "walk", other)) == {
        "token_vectors.layer": {"maximum": 6, "value": 6}
    }
    for by in ("open", "token_vectors.layer"):  # what was chosen stays
        assert "value" not in changes(vectors_asked(vectors, "walk", by, layer=2)).get(
            "token_vectors.layer", {}
        )
    assert "layer 6 of 6" in shown(vectors_asked(vectors, "walk", layer=900))


def test_menus_and_what_is_offered(vectors, words):
    assert (MODEL, MODEL) in changes(vectors_asked(vectors, "opening"))["token_vectors.model"]["choices"]
    assert (SOURCE, SOURCE) in changes(words_asked(words, "opening"))["words.source"]["choices"]
    changed = changes(vectors_asked(vectors, "sample", "#vec-sample-mouse"))
    assert changed == {"token_vectors.lines": example.SENSES["mouse"], "token_vectors.word": "mouse"}
    assert changes(words_asked(words, "offered_sum", "#wrd-sum-2")) == {
        "words.plus": "paris, japan", "words.minus": "france"
    }  # fmt: skip
    assert changes(words_asked(words, "offered_list", "#wrd-list-1")) == {"words.list": "king, queen"}
    assert changes(words_asked(words, "back", "#wrd-stop", source="large")) == {"words.source": SOURCE}
    for do, name, ask in ((vectors, "sample", vectors_asked), (words, "offered_sum", words_asked),
                          (words, "offered_list", words_asked)):  # fmt: skip
        for by in ("#vec-sample-x", "#wrd-sum-99", "#wrd-list-x", "open", ""):
            assert not changes(ask(do, name, by)), by


@pytest.mark.parametrize("build", [vectors_panel.build, words_panel.build])
def test_every_action_is_given_what_it_reads(vectors, build):
    """As the page posts it: no control more, none less."""
    with gr.Blocks() as page, gr.Tabs(), gr.Tab("embeddings"):
        build(vectors.context)
    held = page_of(page)
    for name, action in held.actions.items():
        answer = runs.find(page, name)
        assert answer is not None
        by = action.on[0] if action.on else "open"
        lines = list(answer({id: held.controls[id].default for id in action.needs}, by))
        assert lines and not any("error" in line for line in lines), name


class Left:
    """Says after so many questions that nobody waits any more."""

    def __init__(self, after: float = float("inf")) -> None:
        self.after, self.asked = after, 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.asked > self.after


def test_a_pass_ends_within_a_layer_when_nobody_waits(models, catalog):
    """Counted: it asks before every layer, and at the first no nothing more is computed."""
    with models.lease(catalog.find(MODEL), "encoder", dtype="float32") as loaded:
        computed: list[object] = []
        handles = [
            each.register_forward_hook(lambda module, *_: computed.append(module))
            for each in loaded.model.modules()
        ]
        whole = Left()
        with cancellation.when(whole):
            hidden_states.run(loaded, ["Hello world"])
        count, left = len(computed), Left(whole.asked // 4)
        computed.clear()
        with cancellation.when(left), pytest.raises(cancellation.Abandoned):
            hidden_states.run(loaded, ["Hello world"])
        assert whole.asked >= 12 and left.asked == left.after + 1 and 0 < len(computed) < count / 2
        for handle in handles:
            handle.remove()
        assert hidden_states.run(loaded, ["Hello world"]).texts  # nothing of it stays in the model


def test_words_end_between_two_blocks_when_nobody_waits(words, monkeypatch):
    monkeypatch.setattr(analogies, "BLOCK", 500)
    with words.context.models.lease(words.card(SOURCE), "words") as loaded:
        count = len(loaded.model.vectors)
        for work in (
            lambda: analogies.similar(loaded, ["king"]),
            lambda: analogies.spellings(loaded, "kingg"),
            lambda: analogies.around(loaded, ["king", "queen"], 5),
        ):
            loaded.memo.clear()
            whole = Left()
            with cancellation.when(whole):
                work()
            assert whole.asked >= count / 500
            loaded.memo.clear()
            left = Left(whole.asked // 2)
            with cancellation.when(left), pytest.raises(cancellation.Abandoned):
                work()
            assert left.asked == left.after + 1
