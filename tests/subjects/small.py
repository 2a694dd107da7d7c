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
}
