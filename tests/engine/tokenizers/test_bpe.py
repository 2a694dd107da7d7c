"""The replay of a word ends where its library ends, and its steps are BPE's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import mistral_common
import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st
from mistral_common.tokens.tokenizers.tekken import Tekkenizer
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from playground.engine.tokenizers.bpe import LONGEST_WORD, Candidate, MergeTable, Replay, huggingface_words
from playground.engine.tokenizers.wordpiece import WordPieceReplay, wordpiece_replay
from playground.errors import BadInput
from tests.small_models import clip_of_bytes

DATA = Path(mistral_common.__file__).parent / "data"
MODELS = Path(__file__).resolve().parents[4] / "shared" / "models"
CORPUS = [
    "the lowest of the newest rivers is wider than the widest river of the north",
    "Größe, 大小, размер und naïveté; aaaaaaaa  bbbb 12345 12345 👍👍🏽",
    "a low lower lowest new newer newest wide wider widest word, and another word",
]

# Words of the training text, of many scripts, of what repeats, and of what nobody expects.
TEXTS = st.one_of(
    st.text(alphabet="aabeilnorstw ", max_size=40),
    st.text(alphabet="ab ▁", max_size=30),
    st.lists(st.sampled_from([" ", "the", "low", "est", "er", "ing", "大小", "👍🏽", "ß", "\n", "1"])).map(
        "".join
    ),
    # Nothing unassigned: what the newest Unicode calls a letter, not every library does yet, and
    # tiktoken's regular expressions and Python's then cut differently.
    st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=40),
)
hundreds = settings(max_examples=400, deadline=None)


def ids(replays: Iterable[Replay | WordPieceReplay]) -> list[int]:
    return [id for replay in replays for id in replay.ids]


def consistent(table: MergeTable, text: str) -> None:
    """What holds for every replay, whatever the tokenizer."""
    for word in table.words(text):
        replay = table.replay(word)
        before, raw = replay.start, replay.start_raw
        for step in replay.steps:
            rebuilt, at = [], 0
            while at < len(before):
                width = 2 if at in step.at else 1
                if width == 2:
                    assert before[at : at + 2] == (step.left, step.right)
                rebuilt.append(b"".join(raw[at : at + width]))
                at += width
            assert tuple(rebuilt) == step.raw and len(step.symbols) == len(step.raw)
            assert Candidate(step.left, step.right, step.rank) in step.candidates
            assert step.rank == min(candidate.rank for candidate in step.candidates)
            before, raw = step.symbols, step.raw
        assert b"".join(replay.start_raw) == b"".join(replay.raw)
        assert len(replay.ids) == len(replay.pieces) == len(replay.raw)


def bpe(merges: list[tuple[str, str]], alphabet: str, **options: Any) -> Tokenizer:
    pieces = [*alphabet, *(left + right for left, right in merges)]
    return Tokenizer(models.BPE({piece: id for id, piece in enumerate(pieces)}, merges, **options))


def test_the_paper():
    """Sennrich et al. 2016, figure 1: learned from low, lowest, newer, wider; "lower" → low er·."""
    tokenizer = bpe([("r", "·"), ("l", "o"), ("lo", "w"), ("e", "r·")], "lowernid·st")
    replay = MergeTable.from_huggingface(tokenizer).replay("lower·")
    assert replay.start == ("l", "o", "w", "e", "r", "·")
    assert [step.symbols for step in replay.steps] == [
        ("l", "o", "w", "e", "r·"),
        ("lo", "w", "e", "r·"),
        ("low", "e", "r·"),
        ("low", "er·"),
    ]
    assert [step.rank for step in replay.steps] == [0, 1, 2, 3]
    assert replay.steps[0].candidates == (Candidate("l", "o", 1), Candidate("r", "·", 0))
    assert replay.pieces == ("low", "er·")
    assert list(replay.ids) == tokenizer.encode("lower·").ids


def test_low_lower_newest_widest():
    """The classic toy: low ×5, lower ×2, newest ×6, widest ×3; first es, est, then lo, low."""
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    corpus = "low " * 5 + "lower " * 2 + "newest " * 6 + "widest " * 3
    trainer = trainers.BpeTrainer(vocab_size=24, end_of_word_suffix="</w>", show_progress=False)
    tokenizer.train_from_iterator([corpus], trainer)
    table = MergeTable.from_huggingface(tokenizer)
    replay = table.replay("lowest")
    assert [step.left + step.right for step in replay.steps] == ["es", "est</w>", "lo"]
    assert replay.pieces == ("lo", "w", "est</w>")
    assert list(replay.ids) == tokenizer.encode("lowest").ids
    assert replay.raw == (b"lo", b"w", b"est")


def test_all_places_of_a_pair_in_one_step():
    table = MergeTable.from_huggingface(bpe([("a", "a")], "ab"))
    replay = table.replay("aaabaa")
    assert len(replay.steps) == 1
    assert replay.steps[0].at == (0, 4)
    assert replay.steps[0].symbols == ("aa", "a", "b", "aa")


def test_a_merge_that_opens_a_better_one_makes_the_rest_wait():
    tokenizer = bpe([("aa", "b"), ("a", "a")], "ab")
    replay = MergeTable.from_huggingface(tokenizer).replay("aabaa")
    assert [step.at for step in replay.steps] == [(0,), (0,), (1,)]
    assert list(replay.ids) == tokenizer.encode("aabaa").ids


def test_unknown_characters():
    apart = bpe([("a", "b")], "ab?", unk_token="?")
    fused = bpe([("a", "b")], "ab?", unk_token="?", fuse_unk=True)
    dropped = bpe([("a", "b")], "ab?")
    for tokenizer, pieces in ((apart, "? ? ab ?"), (fused, "? ab ?"), (dropped, "ab")):
        replay = MergeTable.from_huggingface(tokenizer).replay("xyabz")
        assert replay.pieces == tuple(pieces.split())
        assert list(replay.ids) == tokenizer.encode("xyabz").ids
    assert MergeTable.from_huggingface(fused).replay("xéabz").raw == ("xé".encode(), b"ab", b"z")


def test_a_word_known_as_a_whole():
    merges = [("a", "b"), ("b", "c")]
    vocabulary = {"a": 0, "b": 1, "c": 2, "ab": 3, "bc": 4, "abc": 5}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, ignore_merges=True))
    table = MergeTable.from_huggingface(tokenizer)
    replay = table.replay("abc")  # merging would end at ab c
    assert (replay.whole, replay.start, replay.steps, replay.ids) == (True, ("abc",), (), (5,))
    replay = table.replay("ab")
    assert replay.whole and len(replay.steps) == 1 and replay.ids == (3,)
    assert not table.replay("abca").whole


def byte_level(corpus: list[str], size: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(corpus, trainer)
    return tokenizer


def with_fallback(corpus: list[str], **options: Any) -> Tokenizer:
    """As Llama 2: spaces as ▁, no cut into words, bytes for what is not in the vocabulary."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=["<unk>", *(f"<0x{byte:02X}>" for byte in range(256))],
        show_progress=False,
        **options,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    return tokenizer


def with_affixes() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token="?", continuing_subword_prefix="##", end_of_word_suffix="$"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(
        vocab_size=200,
        special_tokens=["?"],
        continuing_subword_prefix="##",
        end_of_word_suffix="$",
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


TRAINED = {
    "byte-level": byte_level(CORPUS, 400),
    "byte fallback": with_fallback(CORPUS),
    "few characters": with_fallback(CORPUS, limit_alphabet=9),
    "prefix and suffix": with_affixes(),
}
TABLES = {name: MergeTable.from_huggingface(tokenizer) for name, tokenizer in TRAINED.items()}


@pytest.mark.parametrize("name", TRAINED)
@hundreds
@given(text=TEXTS)
def test_agrees_with_tokenizers(name, text):
    # The special tokens' own spelling is no word.
    if any(token.content in text for token in TRAINED[name].get_added_tokens_decoder().values()):
        return
    expected = TRAINED[name].encode(text, add_special_tokens=False)
    replays = TABLES[name].replay_text(text)
    assert ids(replays) == expected.ids
    assert [piece for replay in replays for piece in replay.pieces] == expected.tokens
    consistent(TABLES[name], text)


@hundreds
@given(text=TEXTS)
def test_byte_level_keeps_every_byte(text):
    replays = TABLES["byte-level"].replay_text(text)
    assert b"".join(raw for replay in replays for raw in replay.raw) == text.encode()


@hundreds
@given(
    merges=st.lists(st.tuples(*[st.sampled_from(["a", "b", "c", "ab", "ba", "aa", "abc", "aab"])] * 2)),
    word=st.text(alphabet="abc", max_size=25),
)
def test_any_list_of_merges(merges, word):
    """Also lists no training would give: a later merge with a better rank, two ways to a piece."""
    pieces = ["a", "b", "c", "ab", "ba", "aa", "abc", "aab"]
    pieces = list(dict.fromkeys([*pieces, *(left + right for left, right in merges)]))
    tokenizer = Tokenizer(models.BPE({piece: id for id, piece in enumerate(pieces)}, merges))
    assert list(MergeTable.from_huggingface(tokenizer).replay(word).ids) == tokenizer.encode(word).ids


TEKKEN = Tekkenizer.from_file(DATA / "tekken_240911.json")
RANKS = MergeTable.from_ranks(
    TEKKEN._model._mergeable_ranks, TEKKEN._model._pat_str, TEKKEN.num_special_tokens
)


@hundreds
@given(text=TEXTS)
def test_agrees_with_tekken(text):
    replays = RANKS.replay_text(text)
    assert ids(replays) == TEKKEN.encode(text, bos=False, eos=False)
    assert b"".join(raw for replay in replays for raw in replay.raw) == text.encode()
    consistent(RANKS, text)


def test_tekken_in_steps():
    hello, world = RANKS.replay_text("hello world")
    assert (hello.pieces, world.pieces) == (("hello",), ("Ġworld",))
    assert world.start == ("Ġ", "w", "o", "r", "l", "d") and world.start_raw[0] == b" "
    assert world.whole and [step.symbols[-1] for step in world.steps][-1] == "Ġworld"


MISTRAL = sentencepiece.SentencePieceProcessor(model_file=str(DATA / "tokenizer.model.v1"))
SCORES = MergeTable.from_sentencepiece(MISTRAL)


@hundreds
@given(text=TEXTS)
def test_agrees_with_sentencepiece(text):
    replays = SCORES.replay_text(text)
    assert ids(replays) == MISTRAL.encode(text)
    assert [piece for replay in replays for piece in replay.pieces] == MISTRAL.encode(text, out_type=str)
    consistent(SCORES, text)


@pytest.mark.parametrize("spaces", range(1, 60))
def test_runs_of_spaces_have_equal_scores(spaces):
    """▁▁ … all have one score: of equal candidates the leftmost, whatever the pair."""
    for text in (" " * spaces, "a" + " " * spaces + "b"):
        assert ids(SCORES.replay_text(text)) == MISTRAL.encode(text)


def test_sentencepiece_spells_bytes_only_at_the_end():
    (replay,) = SCORES.replay_text("a\x00b")
    assert replay.start == ("▁", "a", "\x00", "b")
    assert replay.pieces == ("▁a", "<0x00>", "b")
    assert replay.raw == (b" a", b"\x00", b"b")


def handmade(type: str = "BPE") -> sentencepiece.SentencePieceProcessor:
    """A model without bytes, with a user-defined piece: a, b, ab, <x>, unknown the rest."""
    from sentencepiece.sentencepiece_model_pb2 import ModelProto, TrainerSpec

    entries = [
        ("<unk>", 0.0, "UNKNOWN"),
        ("a", -3.0, "NORMAL"),
        ("b", -4.0, "NORMAL"),
        ("ab", -1.0, "NORMAL"),
    ]
    entries += [("<x>", 0.0, "USER_DEFINED"), ("▁", -5.0, "NORMAL"), ("a<x>", -1.0, "NORMAL")]
    entries += [("ba", -1.0, "NORMAL")]
    model = ModelProto()
    for piece, score, kind in entries:
        model.pieces.add(piece=piece, score=score, type=ModelProto.SentencePiece.Type.Value(kind))
    model.trainer_spec.model_type = TrainerSpec.ModelType.Value(type)
    model.normalizer_spec.name = "identity"
    return sentencepiece.SentencePieceProcessor(model_proto=model.SerializeToString())


@hundreds
@given(text=st.lists(st.sampled_from(["a", "b", "aba", "<x>", " ", "é", "z"])).map("".join))
def test_user_defined_and_unknown_pieces(text):
    processor = handmade()
    replays = MergeTable.from_sentencepiece(processor).replay_text(text)
    assert ids(replays) == processor.encode(text)
    assert [p for replay in replays for p in replay.pieces] == processor.encode(text, out_type=str)


def test_only_bpe():
    with pytest.raises(BadInput) as caught:
        MergeTable.from_huggingface(Tokenizer(models.WordPiece({"[UNK]": 0})))
    assert (caught.value.key, caught.value.values) == ("errors.not_bpe", {"algorithm": "WordPiece"})
    for type in ("Unigram", "Word", "Char"):
        with pytest.raises(BadInput) as caught:
            MergeTable.from_sentencepiece(handmade(type.upper()))
        assert (caught.value.key, caught.value.values) == ("errors.not_bpe", {"algorithm": type})


def test_bytes_and_blanks_of_a_word_by_any_spelling():
    """CLIP's </w> and a blank that is written _ are no bytes of the text; é is two."""
    clip = MergeTable.from_huggingface(clip_of_bytes().backend_tokenizer)
    (photo, cafe) = clip.replay_text("Photo é")
    assert (photo.pieces, photo.raw) == (("photo</w>",), (b"photo",))
    assert (cafe.start, cafe.raw) == (("Ã", "©</w>"), (b"\xc3", b"\xa9"))
    line = bpe([("_", "a"), ("b", "▁")], "ab_▁")
    line.pre_tokenizer = pre_tokenizers.Metaspace(replacement="_", prepend_scheme="never")
    (a, b) = MergeTable.from_huggingface(line).replay_text("b▁ a")
    assert (a.raw, b.raw) == (("b▁".encode(),), (b" a",))


@pytest.mark.parametrize("table", [TABLES["byte-level"], RANKS, SCORES])
def test_limits(table):
    assert table.replay("x" * LONGEST_WORD).ids
    with pytest.raises(BadInput) as caught:
        table.replay("x" * (LONGEST_WORD + 1))
    assert (caught.value.key, caught.value.values) == (
        "errors.word_too_long",
        {"limit": LONGEST_WORD},
    )
    assert table.replay_text("") == ()
    for act in (table.words, table.replay, table.replay_text):
        with pytest.raises(BadInput) as caught:
            act("ab\ud83d")
        assert caught.value.key == "errors.lone_surrogate"
        assert caught.value.values == {"code": "U+D83D", "position": 2}


def bert(longest: int = 100) -> Tokenizer:
    pieces = ["[UNK]", "un", "##aff", "##able", "aff", "a", "##a", "##f", "大", "##n", "u"]
    vocabulary = {piece: id for id, piece in enumerate(pieces)}
    model = models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=longest)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def test_wordpiece_of_the_bert_readme():
    """ "unaffable" → un ##aff ##able, the example in BERT's tokenization.py."""
    replay = wordpiece_replay(bert(), "unaffable")
    assert [step.accepted for step in replay.steps] == ["un", "##aff", "##able"]
    assert replay.steps[0].tried[:2] == ("unaffable", "unaffabl")
    assert replay.steps[0].tried[-1] == "un" and len(replay.steps[0].tried) == 8
    assert (replay.pieces, replay.ids) == (("un", "##aff", "##able"), (1, 2, 3))
    lost = wordpiece_replay(bert(), "unx")
    assert (lost.pieces, lost.ids, lost.steps[-1].accepted) == (("[UNK]",), (0,), None)
    assert lost.steps[-1].tried == ("##x",)


@hundreds
@given(text=st.one_of(st.text(alphabet="unafble 大,X", max_size=40), TEXTS))
def test_agrees_with_wordpiece(text):
    for tokenizer in (bert(), bert(longest=4)):
        if "[UNK]" in text:
            return
        replays = [wordpiece_replay(tokenizer, word) for word in huggingface_words(tokenizer, text)]
        assert ids(replays) == tokenizer.encode(text).ids


def test_wordpiece_refuses():
    with pytest.raises(BadInput) as caught:
        wordpiece_replay(TRAINED["byte-level"], "a")
    assert (caught.value.key, caught.value.values) == ("errors.not_wordpiece", {"algorithm": "BPE"})
    with pytest.raises(BadInput, match="word_too_long"):
        wordpiece_replay(bert(), "a" * 201)
    with pytest.raises(BadInput, match="lone_surrogate"):
        wordpiece_replay(bert(), "\udc00")


@pytest.fixture(scope="module")
def real(request):
    file = MODELS / request.param / "tokenizer.json"
    if not file.exists():
        pytest.skip(f"no {file.parent.name} in ../shared/models")
    tokenizer = Tokenizer.from_file(str(file))
    return tokenizer, MergeTable.from_huggingface(tokenizer)


@pytest.mark.real
@pytest.mark.parametrize("real", ["gpt2", "llama-2-tinyllama", "qwen1.5", "stories260K"], indirect=True)
@hundreds
@given(text=TEXTS)
def test_agrees_with_real_tokenizers(real, text):
    tokenizer, table = real
    if any(token.content in text for token in tokenizer.get_added_tokens_decoder().values()):
        return
    assert ids(table.replay_text(text)) == tokenizer.encode(text, add_special_tokens=False).ids
    consistent(table, text)


@pytest.mark.real
@pytest.mark.parametrize("real", ["gpt2"], indirect=True)
def test_gpt2_known_values(real):
    _, table = real
    assert ids(table.replay_text("👍")) == [41840, 235]
    assert ids(table.replay_text("0" * 17)) == [8269, 10535, 830]
    assert ids(table.replay_text("0" * 16)) == [25645]


@pytest.mark.real
@pytest.mark.parametrize("real", ["llama-2-tinyllama"], indirect=True)
def test_llama_known_values(real):
    _, table = real
    assert ids(table.replay_text("你好，世界")) == [29871, 30919, 31076, 30214, 30793, 30967]
    assert ids(table.replay_text("Greetings!")) == [4122, 300, 886, 29991]
