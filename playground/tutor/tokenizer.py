"""The tutor's own byte-level BPE, trained on a sample of its corpus."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from . import concepts, corpus, facts
from .chinese import HAN, to_simplified
from .document import Document
from .shape import (
    ASSISTANT_ID,
    BOS,
    BOS_ID,
    DATA,
    END_ID,
    EOS_ID,
    SPECIALS,
    SYSTEM_ID,
    USER_ID,
    VOCABULARY,
)

_SAMPLE = 120_000  # documents
_BOOST = 400  # times that a word of a fact is shown besides, so that it becomes one token

# Words take their space in front; digits and Han characters stand alone, so that sums and Chinese are cut the
# same way in every context.
_PIECES = r"'(?:[sdmt]|ll|ve|re)| ?\p{N}|\p{Han}| ?[^\s\p{N}\p{Han}\p{P}\p{S}]+| ?[\p{P}\p{S}]|\s+(?!\S)|\s+"


def train() -> Tokenizer:
    """The tokenizer, the same each time."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A {BOS} $B", special_tokens=[(BOS, BOS_ID)]
    )
    return tokenizer


def _texts() -> Iterator[str]:
    rng = random.Random(corpus.SEED)
    for _ in range(_SAMPLE):
        for turn in corpus.document(rng).turns:
            yield turn.text
    words = set[str]()
    for relation in facts.relations("en").values():
        for pair in relation.pairs:
            words.update(word for part in pair for word in part.split() if word.isalpha() and word.isascii())
    words.update(word for one in concepts.concepts("en") for word in one.key.split() if word.isalpha())
    for word in sorted(words):
        yield f" {word}" * _BOOST
        if word[0].isupper():
            yield f"{word}\n" * (_BOOST // 4)
    texts = "".join(
        file.read_text(encoding="utf-8") for file in sorted(DATA.glob("*.txt")) if _is_text(file.name)
    )
    for character in sorted(set(HAN.findall(texts + to_simplified(texts)))):
        yield character * (_BOOST // 4)


def _is_text(name: str) -> bool:
    """Whether a file's characters are worth a token each: not tables, and never the examination."""
    return name not in ("chinese_characters.txt", "chinese_terms.txt", "words.txt", "learners.txt")


_ROLE_IDS = {"system": SYSTEM_ID, "user": USER_ID, "assistant": ASSISTANT_ID}


def encode(document: Document, tokenizer: Any, whole: bool) -> tuple[list[int], list[bool]]:
    """Token ids of a document, and which of them the tutor learns to produce.

    Ids equal those of the chat template. Learned are plain texts and replies with their ends; questions only
    if `whole`. The first id, BOS, is never learned.
    """
    ids, learned = [BOS_ID], [False]
    for turn in document.turns:
        content = tokenizer.encode(turn.text, add_special_tokens=False).ids
        if turn.role == "text":
            ids += [*content, EOS_ID]
            learned += [True] * (len(content) + 1)
        else:
            ids += [_ROLE_IDS[turn.role], *content, END_ID]
            learned += [False] + [turn.role == "assistant" or whole] * (len(content) + 1)
    return ids, learned
