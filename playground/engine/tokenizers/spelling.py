"""How a vocabulary spells bytes and blanks: several habits, which combine.

Byte-level BPE writes every byte as a printable character ("Ġthe", GPT-2, Radford et al. 2019), SentencePiece
a space as ▁ and a byte outside its vocabulary as <0xE4> (Kudo & Richardson 2018), WordPiece marks what
continues a word with ## (Devlin et al. 2018), the first BPE vocabularies what ends one with </w> (Sennrich et
al. 2016). CLIP's kind does two of them at once: in "photo</w>" the characters are bytes, the mark is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playground.engine.tokenizers.pieces import BYTE_ALPHABET, Piece

BYTE_FALLBACK = re.compile(r"<0x([0-9A-Fa-f]{2})>")
# Pre-tokenizers that throw away the blanks (or whatever else they cut at) between words.
DROPPING = ("BertPreTokenizer", "CharDelimiterSplit", "Whitespace", "WhitespaceSplit")
Steps = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Spelling:
    """The habits of one vocabulary.

    Args:
        alphabet: every character is a byte, by GPT-2's table.
        blank: what stands for a space ("▁"); "" where a space is written as it is.
        fallback: <0xE4> is a byte.
        prefix: what marks a piece that continues a word ("##"); "" for none.
        suffix: what marks a piece that ends a word ("</w>"); "" for none.
        after: what the decoder writes for the suffix: a blank, or nothing.
    """

    alphabet: bool = False
    blank: str = ""
    fallback: bool = False
    prefix: str = ""
    suffix: str = ""
    after: str = ""

    @property
    def literal(self) -> bool:
        """Pieces spell the (normalised) text byte for byte; what is unknown in them is told as such."""
        return self.alphabet or self.fallback or bool(self.blank)

    def is_byte(self, spelled: str) -> bool:
        """Whether a piece is the name of a byte."""
        return self.fallback and BYTE_FALLBACK.fullmatch(spelled) is not None

    def written(self, spelled: str) -> bytes:
        """The bytes of a piece without its marks, but with `blank` where a space is meant."""
        if self.is_byte(spelled):
            return bytes([int(spelled[3:5], 16)])
        if self.suffix:
            spelled = spelled.removesuffix(self.suffix)
        spelled = spelled.removeprefix(self.prefix)
        if not self.alphabet:
            return spelled.encode("utf-8", "replace")
        try:
            return b"".join(
                self.blank.encode() if character == self.blank else bytes([BYTE_ALPHABET[character]])
                for character in spelled
            )
        except KeyError:  # a character outside the alphabet: the piece stands for itself, as for the library
            return spelled.encode("utf-8", "replace")

    def bytes(self, spelled: str) -> bytes:
        """What a piece stands for: ``"Ġthe"``, ``"▁the"`` → ``b" the"``; ``"##ing"`` → ``b"ing"``."""
        raw = self.written(spelled)
        if self.blank and not self.is_byte(spelled):
            raw = raw.replace(self.blank.encode(), b" ")
        return raw + self.after.encode() if self.suffix and spelled.endswith(self.suffix) else raw

    def piece(self, spelled: str) -> Piece:
        """The entry of a vocabulary."""
        return Piece(spelled, self.bytes(spelled), "byte" if self.is_byte(spelled) else "text")


def of(model: Mapping[str, Any], parts: Steps) -> Spelling:
    """The habits that a tokenizer.json tells of.

    Args:
        model: its ``model`` (type, byte_fallback, continuing_subword_prefix, end_of_word_suffix).
        parts: its normalizer, pre_tokenizer and decoder, each as a flat list of steps.
    """
    steps = [step for name in ("decoder", "pre_tokenizer", "normalizer") for step in parts[name]]
    kinds = {step["type"] for step in steps}
    suffix = model.get("end_of_word_suffix") or ""
    ends = [step for step in parts["decoder"] if step["type"] == "BPEDecoder"]
    return Spelling(
        alphabet="ByteLevel" in kinds,
        blank=next(filter(None, map(_blank, steps)), ""),
        fallback=bool(model.get("byte_fallback")) or "ByteFallback" in kinds,
        prefix=model.get("continuing_subword_prefix") or "",
        suffix=suffix,
        after=" " if suffix and ends else "",
    )


def _blank(step: Mapping[str, Any]) -> str:
    """The character that a step writes for a space, or reads as one; "" where it does neither."""
    if step["type"] == "Metaspace":
        return str(step["replacement"])
    if step["type"] != "Replace":
        return ""
    pattern, content = step["pattern"].get("String") or "", step["content"]
    for space, other in ((pattern, content), (content, pattern)):  # a normalizer's, a decoder's
        if space == " " and len(other) == 1 and not other.isspace():
            return str(other)
    return "▁" if "▁" in str(step["pattern"]) else ""


def drops_blanks(pre_tokenizer: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the blanks between words belong to no token."""
    return any(
        step["type"] in DROPPING or str(step.get("behavior", "")).lower() == "removed"
        for step in pre_tokenizer
    )


def flat(step: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A normalizer, pre-tokenizer … as its steps: those of a sequence, which may hold sequences again."""
    for name in ("normalizers", "pretokenizers", "decoders", "processors"):
        if isinstance(step.get(name), list):
            for each in step[name]:
                yield from flat(each)
            return
    if "type" in step:  # one that is written in Python has none
        yield dict(step)
