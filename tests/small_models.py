"""Tokenizers of kinds that are not embedded, small enough to read, wrapped as transformers has them."""

from __future__ import annotations

from typing import Any

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

LETTERS = [chr(code) for code in range(0x21, 0x7F)]
CORPUS = [
    "hello world the quick brown fox",
    "don't 3.14 the thing",
    "你好，世界 e\u0301 é 👍",
    "a a a b  c",
] * 3
BYTES = sorted(pre_tokenizers.ByteLevel.alphabet())


def wrapped(backend: Tokenizer, **special: Any) -> Any:
    """As ``AutoTokenizer`` would hand it out."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(tokenizer_object=backend, **special)


def metaspace_unigram(byte_fallback: bool = False) -> Any:
    """T5's kind: ▁ for a space, </s> at the end."""
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -9.0), ("▁", -2.0), ("▁the", -3.0), ("▁hello", -3.0)]
    if byte_fallback:
        pieces += [(f"<0x{byte:02X}>", -8.0) for byte in range(256)]
    pieces += [(letter, -5.0) for letter in LETTERS]
    backend = Tokenizer(models.Unigram(pieces, unk_id=2, byte_fallback=byte_fallback))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    backend.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
    return wrapped(backend, eos_token="</s>", unk_token="<unk>", pad_token="<pad>")


def llama_like() -> Any:
    """Llama 2's kind: the normalizer writes ▁, bytes where a character is unknown, <s> in front."""
    vocabulary = {"<unk>": 0, "<s>": 1, "</s>": 2}
    vocabulary |= {f"<0x{byte:02X}>": 3 + byte for byte in range(256)}
    for piece in ["▁", *LETTERS, "▁t", "he", "▁the", "ll", "▁▁"]:
        vocabulary.setdefault(piece, len(vocabulary))
    merges = [("▁", "t"), ("h", "e"), ("▁t", "he"), ("l", "l"), ("▁", "▁")]
    backend = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    backend.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    return wrapped(backend, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def word_level() -> Any:
    """A word is a token, and what is not in the list is unknown."""
    backend = Tokenizer(models.WordLevel({"[UNK]": 0, "hello": 1, "world": 2, ",": 3}, unk_token="[UNK]"))
    backend.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()])
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    return wrapped(backend, unk_token="[UNK]")


def clip_like() -> Any:
    """CLIP's kind: small letters, a mark at the END of a word."""
    backend = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    backend.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.decoder = decoders.BPEDecoder("</w>")
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<unk>"], end_of_word_suffix="</w>", show_progress=False
    )
    backend.train_from_iterator([*CORPUS, " ".join(LETTERS)], trainer)
    return wrapped(backend, unk_token="<unk>")


def byte_level(*, prefix: bool = False, normalizer: Any = None, trim: bool = True, **special: Any) -> Any:
    """GPT-2's kind; ``prefix`` as in older RoBERTas."""
    backend = Tokenizer(models.BPE())
    if normalizer:
        backend.normalizer = normalizer
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    backend.decoder = decoders.ByteLevel()
    backend.post_processor = processors.ByteLevel(trim_offsets=trim)
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=BYTES, special_tokens=["<|end|>"], show_progress=False
    )
    backend.train_from_iterator(CORPUS, trainer)
    return wrapped(backend, eos_token="<|end|>", **special)


def clip_of_bytes() -> Any:
    """CLIP itself: its letters are bytes, blanks are thrown away, and </w> is none of the text."""
    alphabet = [*BYTES, *(letter + "</w>" for letter in BYTES)]
    learned = ["ph", "pho", "to</w>", "photo</w>", "ca", "cat</w>", "ìĿ"]
    pieces = ["<|start|>", "<|end|>", *alphabet, *learned]
    merges = [
        ("p", "h"),
        ("ph", "o"),
        ("t", "o</w>"),
        ("pho", "to</w>"),
        ("c", "a"),
        ("ca", "t</w>"),
        ("ì", "Ŀ"),
    ]
    model = models.BPE(
        {piece: id for id, piece in enumerate(pieces)}, merges, unk_token="<|end|>", end_of_word_suffix="</w>"
    )
    backend = Tokenizer(model)
    backend.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    word = Regex(r"[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(word, "removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    backend.post_processor = processors.RobertaProcessing(
        ("<|end|>", 1), ("<|start|>", 0), trim_offsets=False, add_prefix_space=False
    )
    ends = {"eos_token": "<|end|>", "unk_token": "<|end|>", "pad_token": "<|end|>"}
    return wrapped(backend, bos_token="<|start|>", **ends)


def wordpiece_of_bytes() -> Any:
    """WordPiece over bytes: ## goes on with a word, and what is longer than a word may be is unknown."""
    pieces = ["[UNK]", *BYTES, *("##" + letter for letter in BYTES), "Ġthe", "##llo", "##åĨ"]
    model = models.WordPiece({piece: id for id, piece in enumerate(pieces)}, unk_token="[UNK]")
    backend = Tokenizer(model)
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.WordPiece("##")
    return wrapped(backend, unk_token="[UNK]")


def metaspace_cjk(*, scheme: str = "always", blank: str = "▁", split: Any = None) -> Any:
    """Unigram with ▁ in front, and Chinese words that never have one. ``split``: what cuts before that."""
    pieces = [
        ("<unk>", 0.0),
        ("</s>", 0.0),
        (blank, -2.0),
        ("中文", -3.0),
        (blank + "the", -3.0),
        (blank + "a", -3.0),
    ]
    pieces += [(letter, -5.0) for letter in LETTERS if letter != blank]
    backend = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=False))
    front = pre_tokenizers.Metaspace(replacement=blank, prepend_scheme=scheme)
    backend.pre_tokenizer = pre_tokenizers.Sequence([split, front]) if split else front
    backend.decoder = decoders.Metaspace(replacement=blank, prepend_scheme=scheme)
    backend.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
    tokenizer = wrapped(backend, eos_token="</s>", unk_token="<unk>")
    tokenizer.add_tokens([AddedToken("<x0>", lstrip=True, rstrip=True), AddedToken("<y>")])
    return tokenizer


def roberta_like() -> Any:
    """<s> … </s>, and a <mask> that swallows the blank before it."""
    tokenizer = byte_level()
    backend = tokenizer.backend_tokenizer
    backend.add_special_tokens(["<s>", "</s>", AddedToken("<mask>", lstrip=True, special=True)])
    start, end = backend.token_to_id("<s>"), backend.token_to_id("</s>")
    backend.post_processor = processors.RobertaProcessing(("</s>", end), ("<s>", start))
    return wrapped(backend, bos_token="<s>", eos_token="</s>", mask_token=AddedToken("<mask>", lstrip=True))


def with_added_tokens() -> Any:
    """Every way an added token may take more, or less, than its own letters."""
    tokenizer = byte_level(normalizer=normalizers.Lowercase())
    tokenizer.backend_tokenizer.add_tokens(
        [
            AddedToken("<left>", lstrip=True),
            AddedToken("<right>", rstrip=True),
            AddedToken("<both>", lstrip=True, rstrip=True),
            AddedToken("single", single_word=True),
            AddedToken("Normal", normalized=True),
            AddedToken("Exact", normalized=False),
        ]
    )
    return tokenizer


def splitting_on(pattern: str) -> Any:
    """Somebody's own regular expression."""
    backend = Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), "isolated")
    return wrapped(backend)


KINDS: dict[str, Any] = {
    "unigram": metaspace_unigram,
    "unigram-bytes": lambda: metaspace_unigram(byte_fallback=True),
    "llama": llama_like,
    "word-level": word_level,
    "clip": clip_like,
    "bytes": byte_level,
    "bytes-untrimmed": lambda: byte_level(trim=False),
    "bytes-prefix": lambda: byte_level(prefix=True),
    "bytes-nfc": lambda: byte_level(normalizer=normalizers.NFC()),
    "bytes-nfkc": lambda: byte_level(normalizer=normalizers.NFKC()),
    "bytes-nfd": lambda: byte_level(normalizer=normalizers.NFD()),
    "bytes-strip": lambda: byte_level(normalizer=normalizers.Strip()),
    "roberta": roberta_like,
    "added": with_added_tokens,
    "clip-bytes": clip_of_bytes,
    "wordpiece-bytes": wordpiece_of_bytes,
    "unigram-cjk": metaspace_cjk,
    "unigram-cjk-words": lambda: metaspace_cjk(split=pre_tokenizers.WhitespaceSplit()),
}
