"""Training is the library's, the same each time, and always ends: a tokenizer or a known error."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from playground.errors import BadInput, DoesNotFit, PlaygroundError, TookTooLong
from playground.rooms.tokens import training
from playground.rooms.tokens.training import ALGORITHMS, LARGEST_VOCABULARY, LONGEST_TEXT, Trained, train

# Words, each as often as no other.
WORDS = (
    "the newest lowest river winding around mountains, naïve 大小 👍🏽 whispers quietly resting"
    " lower wider widest mounting rounds quiet restless winds whispering slowest slower newer"
)
CORPUS = "\n".join(" ".join([word] * (70 - 3 * place)) for place, word in enumerate(WORDS.split()))
SIZES = {"bpe": 300, "wordpiece": 80, "unigram": 40}
SLOW = "ab" * 100_000  # one word: minutes of work, so far as anyone waited


@pytest.fixture
def children(monkeypatch) -> list[subprocess.Popen]:
    """Every process that training starts."""
    started = []

    class Watched(subprocess.Popen):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            started.append(self)

    monkeypatch.setattr(training.subprocess, "Popen", Watched)
    return started


def gone(children: list[subprocess.Popen]) -> bool:
    return len(children) == 1 and children[0].returncode is not None


def instead(monkeypatch, program: str) -> None:
    monkeypatch.setattr(training, "COMMAND", (sys.executable, "-c", program))


def model(trained: Trained) -> dict:
    return json.loads(trained.tokenizer_json)["model"]


def refused(text: str, algorithm: str = "bpe", vocabulary: int = 300) -> BadInput:
    with pytest.raises(BadInput) as caught:
        train(text, algorithm, vocabulary, seconds=30)
    return caught.value


def test_bpe_is_the_library_s():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|endoftext|>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator([CORPUS], trainer)
    trained = train(CORPUS, "bpe", 300, seconds=30)
    assert model(trained) == json.loads(tokenizer.to_str())["model"]
    assert trained.vocabulary == 300 and trained.characters == len(CORPUS)
    assert trained.learned == [left + right for left, right in model(trained)["merges"]]


def test_wordpiece_is_the_library_s():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=2000, special_tokens=specials, show_progress=False)
    tokenizer.train_from_iterator([CORPUS], trainer)
    trained = train(CORPUS, "wordpiece", 2000, seconds=30)
    # All merges done, ties no longer matter for how a known word is cut: as a whole.
    for text in (CORPUS, "The theft of 小 rivers"):
        ours = Tokenizer.from_str(trained.tokenizer_json).encode(text).tokens
        assert ours == tokenizer.encode(text).tokens
    entries = sorted(model(trained)["vocab"], key=model(trained)["vocab"].get)
    assert entries[:5] == specials
    assert entries[len(entries) - len(trained.learned) :] == trained.learned
    assert "mountains" in trained.learned and not set(specials) & set(trained.learned)


def test_unigram_is_the_library_s():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Replace(Regex(r"[\t\n\r]"), " ")
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=40, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator([CORPUS], trainer)
    theirs = dict(map(tuple, json.loads(tokenizer.to_str())["model"]["vocab"]))
    trained = train(CORPUS, "unigram", 40, seconds=30)
    ours = dict(map(tuple, model(trained)["vocab"]))
    assert ours.keys() == theirs.keys()
    # Dropped characters share scores 0.0001 apart, whose order is the library's only by chance.
    assert all(abs(ours[piece] - theirs[piece]) < 0.01 for piece in ours)
    assert trained.learned == sorted(ours.keys() - {"<unk>"}, key=lambda p: (-ours[p], p))


def test_classic_toy():
    """low ×5, lower ×2, newest ×6, widest ×3 (Sennrich et al. 2016, algorithm 1): es, then est."""
    corpus = " ".join(["low"] * 5 + ["lower"] * 2 + ["newest"] * 6 + ["widest"] * 3)
    trained = train(corpus, "bpe", 300, seconds=30)
    assert trained.learned[:2] == ["es", "est"]
    assert trained.vocabulary < 300  # no pair is left


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_same_input_same_tokenizer(algorithm):
    ties = "one two three four five six seven eight nine ten eleven twelve\n" * 2 + "äöü ßab cd?"
    for text, size in ((CORPUS, SIZES[algorithm]), (ties, SIZES[algorithm] + 20)):
        results = {train(text, algorithm, size, seconds=30).tokenizer_json for _ in range(6)}
        assert len(results) == 1


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_vocabulary_size(algorithm):
    for more in (0, 10):
        size = SIZES[algorithm] + more
        trained = train(CORPUS, algorithm, size, seconds=30)
        assert trained.vocabulary == size
        assert Tokenizer.from_str(trained.tokenizer_json).get_vocab_size() == size


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_transformers_reads_it(algorithm, tmp_path):
    trained = train(CORPUS, algorithm, SIZES[algorithm], seconds=30)
    file = tmp_path / "tokenizer.json"
    file.write_text(trained.tokenizer_json, encoding="utf-8")
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(file))
    assert len(tokenizer) == SIZES[algorithm]
    text = "the newest river"
    assert tokenizer.decode(tokenizer(text).input_ids) == text
    if algorithm == "bpe":
        for text in (CORPUS, " \n\n\tלום 🏳️‍🌈 \x00 e\u0301  ", "<|endoftext|> ."):
            assert tokenizer.decode(tokenizer(text).input_ids) == text


@pytest.mark.parametrize("algorithm", ["bpe", "wordpiece"])
def test_time_limit_kills(algorithm, children):
    began = time.monotonic()
    with pytest.raises(TookTooLong) as caught:
        train(SLOW, algorithm, 1000, seconds=0.7)
    assert time.monotonic() - began < 20  # of the minutes that it would take
    assert (caught.value.key, caught.value.values) == ("errors.training_too_long", {"seconds": 0.7})
    assert gone(children)


def test_time_limit_kills_a_child_that_never_reads(monkeypatch, children):
    instead(monkeypatch, "import time; time.sleep(60)")
    with pytest.raises(TookTooLong):
        train("x" * LONGEST_TEXT, "bpe", 1000, seconds=0.3)
    assert gone(children)


def test_no_time_at_all(children):
    with pytest.raises(TookTooLong):
        train("a", "bpe", 300, seconds=0)
    assert gone(children)


def test_stop(children):
    stop = threading.Event()
    threading.Timer(0.4, stop.set).start()
    began = time.monotonic()
    with pytest.raises(TookTooLong) as caught:
        train(SLOW, "bpe", 1000, seconds=60, stop=stop)
    assert time.monotonic() - began < 20  # of the minutes that it would take
    assert (caught.value.key, caught.value.values) == ("errors.training_stopped", {})
    assert gone(children)


def test_progress():
    shares: list[float] = []
    train(CORPUS, "bpe", 300, seconds=30, progress=shares.append)
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert all(0 <= share <= 1 for share in shares)


def test_an_error_in_progress_leaves_no_child(children):
    def leave(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(SLOW, "bpe", 1000, seconds=60, progress=leave)
    assert gone(children)


def test_no_child_left_behind(children):
    train("some text", "bpe", 300, seconds=30)
    assert gone(children)
    assert children[0].stdin.closed and children[0].stdout.closed and children[0].stderr.closed


def test_many_at_once():
    results: list[str] = []
    threads = [
        threading.Thread(target=lambda: results.append(train(CORPUS, "bpe", 300, seconds=60).tokenizer_json))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and len(set(results)) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps the limit on address space")
def test_memory_limit(monkeypatch, children):
    hungry = (
        "from playground.rooms.tokens import training as t; import sys, json\n"
        "t._limit(json.load(sys.stdin)['seconds']); bytearray(t.MEMORY)"
    )
    instead(monkeypatch, hungry)
    with pytest.raises(DoesNotFit) as caught:
        train("a", "bpe", 300, seconds=30)
    assert caught.value.key == "errors.training_out_of_memory"
    assert caught.value.values == {"megabytes": 1024}
    assert gone(children)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps the limit on address space")
def test_memory_limit_within_the_library(monkeypatch):
    """Rust aborts where Python raises; the trainer reserves memory for the whole vocabulary."""
    instead(
        monkeypatch,
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 28,) * 2)\n"
        "from playground.rooms.tokens import training as t; t._bpe('a b c', 1 << 24)",
    )
    with pytest.raises(DoesNotFit):
        train("a", "bpe", 300, seconds=30)


def test_an_answer_too_long(monkeypatch):
    instead(
        monkeypatch,
        "from playground.rooms.tokens import training as t; t.LARGEST_ANSWER = 9; t._main()",
    )
    with pytest.raises(DoesNotFit):
        train("a", "bpe", 300, seconds=30)


def test_a_broken_child_is_no_visitor_s_error(monkeypatch):
    instead(monkeypatch, "raise SystemExit('broken')")
    with pytest.raises(RuntimeError, match="broken"):
        train("a", "bpe", 300, seconds=30)


def test_the_child_loads_little():
    """Neither torch nor gradio nor numpy: it starts in a twentieth of a second."""
    program = (
        "import io, json, sys; from playground.rooms.tokens import training as t\n"
        "job = dict(text='a b', algorithm='unigram', vocabulary=9, seconds=9)\n"
        "sys.stdin = io.StringIO(json.dumps(job)); t._main()\n"
        "sys.exit(' '.join({'torch', 'gradio', 'numpy', 'transformers'} & set(sys.modules)) or 0)"
    )
    subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        cwd=training.ROOT,
        capture_output=True,
    )


def test_bad_input():
    assert refused("").key == "errors.training_text_empty"
    assert refused(" \n\t\x00", "wordpiece").key == "errors.training_text_empty"
    error = refused("x" * (LONGEST_TEXT + 1))
    assert error.key == "errors.training_text_too_long"
    assert error.values == {"length": LONGEST_TEXT + 1, "limit": LONGEST_TEXT}
    error = refused("ab\ud83d c")
    assert error.key == "errors.lone_surrogate"
    assert error.values == {"code": "U+D83D", "position": 2}
    error = refused("x", vocabulary=LARGEST_VOCABULARY + 1)
    assert error.key == "errors.vocabulary_too_large"
    assert error.values == {"vocabulary": LARGEST_VOCABULARY + 1, "largest": LARGEST_VOCABULARY}
    error = refused("x", "words")
    assert (error.key, error.values) == ("errors.unknown_algorithm", {"algorithm": "words"})


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("text", [CORPUS, "abc def", "a", "x y z\n\n0", "大小 ab"])
def test_the_smallest_vocabulary(algorithm, text):
    """One less is refused with the number; the number itself works."""
    for vocabulary in (-1, 0, 1):
        error = refused(text, algorithm, vocabulary)
        assert error.key == "errors.vocabulary_too_small"
    smallest = error.values["smallest"]
    assert error.values == {"vocabulary": 1, "smallest": smallest}
    assert refused(text, algorithm, smallest - 1).values["smallest"] == smallest
    given = train(text, algorithm, smallest, seconds=30).vocabulary
    # Unigram counts on one piece of several characters, which short texts do not give.
    assert given == smallest or (algorithm == "unigram" and given == smallest - 1)


WEIRD = st.one_of(
    st.text(max_size=80),
    st.builds(lambda c, n: c * n, st.characters(exclude_categories=["Cs"]), st.integers(1, 500)),
    st.text(alphabet=" \n\r\t\x00\u2028\u3000\u200d▁#", min_size=1, max_size=30),
    st.lists(st.sampled_from(["👍🏽", "👨‍👩‍👧", "🇹🇼", "سلام", "שלום", "e\u0301", "\x00", "▁", "\ufeff"])).map(
        " ".join
    ),
    st.lists(st.sampled_from(["<unk>", "[UNK]", "##a", "<|endoftext|>", "[PAD]", "x"])).map(
        lambda parts: "".join(parts) * 9
    ),
    st.text(alphabet=st.characters(categories=["Cs", "L"]), max_size=8),
)


@settings(max_examples=60, deadline=None)
@given(text=WEIRD, algorithm=st.sampled_from(ALGORITHMS), vocabulary=st.integers(0, 400))
def test_weird_texts_never_crash(text, algorithm, vocabulary):
    try:
        trained = train(text, algorithm, vocabulary, seconds=30)
    except PlaygroundError as error:
        assert isinstance(error, BadInput), error
        return
    tokenizer = Tokenizer.from_str(trained.tokenizer_json)
    assert trained.vocabulary == tokenizer.get_vocab_size() <= vocabulary
    assert len(trained.learned) == len(set(trained.learned)) < trained.vocabulary
    ids = tokenizer.encode(text).ids
    if algorithm == "bpe":
        assert tokenizer.decode(ids, skip_special_tokens=False) == text
    if algorithm == "unigram" and "<unk>" not in text:
        assert tokenizer.token_to_id("<unk>") not in ids
