"""Train your own tokenizer, on a text of your own.

    bpe         joins the most frequent pair, again and again (Sennrich et al. 2016), on bytes (as
                GPT-2, Radford et al. 2019)
    wordpiece   BPE's counting with BERT's spelling, ## inside words: what `tokenizers` trains under
                this name (Schuster & Nakajima 2012 chose by likelihood, not by count)
    unigram     begins with many pieces and drops the least useful (Kudo 2018)

The trainers are Rust: they neither stop when asked nor fail softly without memory, and a text of
one letter can keep them busy for minutes. So they run in a process of their own that can be killed:
this module again, as ``python -m``, a job in JSON on its stdin, the result in JSON on its stdout.

The book: chapter 2, "Tokens and Token Embeddings".
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from playground import ROOT
from playground.engine.tokenizers.surrogates import check
from playground.errors import BadInput, DoesNotFit, TookTooLong

Algorithm = Literal["bpe", "wordpiece", "unigram"]
ALGORITHMS: tuple[Algorithm, ...] = ("bpe", "wordpiece", "unigram")
LONGEST_TEXT = 1_000_000  # characters
LARGEST_VOCABULARY = 50_000  # GPT-2's; the trainers reserve memory for all of it at once
MEMORY = 1 << 30  # bytes of address space; a text of LONGEST_TEXT takes some 200 MB
LARGEST_ANSWER = 32 << 20  # bytes; only a text without spaces gives pieces that long
COMMAND = (sys.executable, "-m", "playground.rooms.tokens.training")
BERT_SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@dataclass(frozen=True)
class Trained:
    """A tokenizer, and what it learned.

    ``tokenizer_json`` is a whole tokenizer.json: ``PreTrainedTokenizerFast(tokenizer_file=…)``
    reads it.
    """

    tokenizer_json: str
    vocabulary: int  # entries; fewer than asked for where the text has no more to give
    learned: list[str]  # bpe, wordpiece: in the order learned; unigram: the most probable first
    seconds: float  # of the trainer alone
    characters: int


def train(
    text: str,
    algorithm: Algorithm,
    vocabulary: int,
    *,
    seconds: float,
    progress: Callable[[float], None] | None = None,
    stop: threading.Event | None = None,
) -> Trained:
    """Trains a tokenizer in a process of its own; the same input gives the same tokenizer.

    Args:
        text: the corpus, at most `LONGEST_TEXT` characters.
        algorithm: one of `ALGORITHMS`.
        vocabulary: entries wanted, characters and special tokens among them.
        seconds: wall-clock limit of it all.
        progress: hears the share of the limit that is used up, 0 … 1, some ten times a second (the
            trainers do not say how far they are), and 1 at the end.
        stop: once set, training ends within a tenth of a second.

    Raises:
        BadInput: ``training_text_empty``; ``training_text_too_long`` (length, limit);
            ``lone_surrogate`` (code, position); ``unknown_algorithm`` (algorithm);
            ``vocabulary_too_large`` (vocabulary, largest); ``vocabulary_too_small`` (vocabulary,
            smallest), the text's characters and the special tokens alone are more.
        TookTooLong: ``training_too_long`` (seconds), or ``training_stopped``.
        DoesNotFit: ``training_out_of_memory`` (megabytes).
    """
    if algorithm not in ALGORITHMS:
        raise BadInput("unknown_algorithm", algorithm=algorithm)
    if not text:
        raise BadInput("training_text_empty")
    if len(text) > LONGEST_TEXT:
        raise BadInput("training_text_too_long", length=len(text), limit=LONGEST_TEXT)
    check(text)
    if vocabulary > LARGEST_VOCABULARY:
        raise BadInput("vocabulary_too_large", vocabulary=vocabulary, largest=LARGEST_VOCABULARY)
    job = {"text": text, "algorithm": algorithm, "vocabulary": int(vocabulary), "seconds": seconds}
    tell = progress or (lambda share: None)
    answer = _in_a_process(job, seconds, tell, stop or threading.Event())
    if "error" in answer:
        raise BadInput(answer.pop("error"), **answer)
    tell(1.0)
    return Trained(characters=len(text), **answer)


def _in_a_process(
    job: dict[str, Any], seconds: float, progress: Callable[[float], None], stop: threading.Event
) -> dict[str, Any]:
    pipe = subprocess.PIPE
    began = time.monotonic()
    given: bytes | None = json.dumps(job).encode()
    # Leaving the block closes the pipes and waits for the child: nothing stays behind.
    with subprocess.Popen(COMMAND, stdin=pipe, stdout=pipe, stderr=pipe, cwd=ROOT) as child:
        try:
            while True:
                used = time.monotonic() - began
                if stop.is_set():
                    raise TookTooLong("training_stopped")
                if used >= seconds:
                    raise TookTooLong("training_too_long", seconds=seconds)
                progress(used / seconds)
                with suppress(subprocess.TimeoutExpired):
                    out, err = child.communicate(given, timeout=min(0.1, seconds - used))
                    break
                given = None  # communicate goes on where it was, and takes its input only once
        finally:
            child.kill()
    if child.returncode == 0:
        answer: dict[str, Any] = json.loads(out)
        return answer
    # Rust aborts when memory is refused, Python raises; the system's own killer sends SIGKILL.
    if b"memory allocation of" in err or b"MemoryError" in err or child.returncode == -9:
        raise DoesNotFit("training_out_of_memory", megabytes=MEMORY >> 20)
    raise RuntimeError(f"tokenizer training ended with {child.returncode}: {err[-2000:]!r}")


# From here on: the child.


def _main() -> None:
    job = json.load(sys.stdin)
    _limit(job["seconds"])
    train = {"bpe": _bpe, "wordpiece": _wordpiece, "unigram": _unigram}[job["algorithm"]]
    answer = json.dumps(train(job["text"], job["vocabulary"]))
    if len(answer) > LARGEST_ANSWER:
        raise MemoryError
    sys.stdout.write(answer)


def _limit(seconds: float) -> None:
    """Memory, threads, and time: should our parent die without killing us, the system will."""
    os.putenv("RAYON_NUM_THREADS", "1")
    os.putenv("TOKENIZERS_PARALLELISM", "false")
    with suppress(ImportError):  # Windows has no such limits
        import resource

        for limit, value in (
            (resource.RLIMIT_AS, MEMORY),
            (resource.RLIMIT_CPU, math.ceil(seconds) + 1),
            (resource.RLIMIT_CORE, 0),
        ):
            with suppress(ValueError, OSError):  # macOS refuses some
                resource.setrlimit(limit, (value, value))


def _bpe(text: str, vocabulary: int) -> dict[str, Any]:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    smallest = len(alphabet) + 1
    if vocabulary < smallest:  # the trainer would give this many all the same
        return _too_small(vocabulary, smallest)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        initial_alphabet=alphabet,
        special_tokens=["<|endoftext|>"],
        show_progress=False,
    )
    began = time.monotonic()
    tokenizer.train_from_iterator([text], trainer)
    return _result(tokenizer, _by_id(tokenizer)[smallest:], time.monotonic() - began)


def _wordpiece(text: str, vocabulary: int) -> dict[str, Any]:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    def dress(model: Any) -> Any:
        tokenizer = Tokenizer(model)
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = decoders.WordPiece()
        return tokenizer

    tokenizer = dress(models.WordPiece(unk_token="[UNK]"))
    words = _words(tokenizer, text)
    if not words:
        return {"error": "training_text_empty"}
    characters = sorted({character for word in words for character in word})
    inside = sorted({"##" + character for word in words for character in word[1:]})
    smallest = len(BERT_SPECIALS) + len(characters) + len(inside)
    if vocabulary < smallest:  # the trainer would give this many all the same
        return _too_small(vocabulary, smallest)
    # The trainer numbers "##x" as it meets them in a hash map, in another order each time, and
    # settles ties by number (huggingface/tokenizers#1794). Named beforehand, they keep their order.
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary,
        special_tokens=[*BERT_SPECIALS, *characters, *inside],
        show_progress=False,
    )
    began = time.monotonic()
    tokenizer.train_from_iterator([text], trainer)
    seconds = time.monotonic() - began
    # Built anew, as now every character counts as a special token.
    pieces = _by_id(tokenizer)
    tokenizer = dress(models.WordPiece({piece: id for id, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.add_special_tokens(BERT_SPECIALS)
    return _result(tokenizer, pieces[smallest:], seconds)


def _unigram(text: str, vocabulary: int) -> dict[str, Any]:
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    def dress(model: Any) -> Any:
        tokenizer = Tokenizer(model)
        # SentencePiece's own rule (nmt_nfkc) makes these spaces too; its other changes we omit.
        tokenizer.normalizer = normalizers.Replace(Regex(r"[\t\n\r]"), " ")
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        tokenizer.decoder = decoders.Metaspace()
        return tokenizer

    tokenizer = dress(models.Unigram())
    # With the unknown piece and one of several characters: asked for no such piece, the trainer
    # overshoots; for no unknown one, it never ends; for fewer than the characters, it refuses.
    smallest = len(set().union(*_words(tokenizer, text))) + 2
    if vocabulary < smallest:
        return _too_small(vocabulary, smallest)
    trainer = trainers.UnigramTrainer(
        vocab_size=vocabulary, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False
    )
    began = time.monotonic()
    tokenizer.train_from_iterator([text], trainer)
    seconds = time.monotonic() - began
    pieces = _in_order(json.loads(tokenizer.to_str())["model"]["vocab"])
    tokenizer = dress(models.Unigram(pieces, unk_id=0))
    tokenizer.add_special_tokens(["<unk>"])
    return _result(tokenizer, [piece for piece, _ in pieces[1:]], seconds)


def _in_order(pieces: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Unigram's pieces and scores in an order that is the same each time, the unknown piece first.

    The trainer goes through hash maps: sums differ in their last digits, equal scores in their
    order; and the characters it would have dropped share out scores 0.0001 apart, from the lowest
    up, in the map's order. We share these out by code point.
    """
    scores = {piece: round(score, 6) for piece, score in pieces[1:]}
    characters = [piece for piece in scores if len(piece) == 1]
    ceiling = min(scores.values()) + 1e-4 * len(characters) + 1e-6
    lowest = sorted(character for character in characters if scores[character] <= ceiling)
    shares = sorted((scores[character] for character in lowest), reverse=True)
    scores.update(zip(lowest, shares, strict=True))
    unknown = (pieces[0][0], pieces[0][1])
    return [unknown, *sorted(scores.items(), key=lambda entry: (-entry[1], entry[0]))]


def _words(tokenizer: Any, text: str) -> set[str]:
    normalized = tokenizer.normalizer.normalize_str(text)
    return {word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normalized)}


def _by_id(tokenizer: Any) -> list[str]:
    entries: dict[str, int] = tokenizer.get_vocab()
    return sorted(entries, key=entries.__getitem__)


def _too_small(vocabulary: int, smallest: int) -> dict[str, Any]:
    return {"error": "vocabulary_too_small", "vocabulary": vocabulary, "smallest": smallest}


def _result(tokenizer: Any, learned: list[str], seconds: float) -> dict[str, Any]:
    return {
        "tokenizer_json": tokenizer.to_str(),
        "vocabulary": tokenizer.get_vocab_size(),
        "learned": learned,
        "seconds": seconds,
    }


if __name__ == "__main__":
    _main()
