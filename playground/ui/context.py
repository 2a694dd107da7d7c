"""What every room is given: the settings, the catalogue and the one cache of models."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass

from playground.errors import BadInput, NotAllowed, PlaygroundError
from playground.models import devices, hub, loaders
from playground.models.cache import Loaded, ModelCache, Stage
from playground.models.catalog import EMBEDDED, HUB, SMOLLM2, SMOLLM2_HUB, Catalog, ModelCard, Role
from playground.settings import Settings


@dataclass(frozen=True)
class Context:
    """What every room is given."""

    settings: Settings
    catalog: Catalog
    models: ModelCache

    @classmethod
    def of(cls, settings: Settings) -> Context:
        """A context that loads for real, as the settings say."""
        loader = loaders.TransformersLoader(
            offline=settings.offline, anonymous=settings.anonymous, cache_dir=settings.cache_dir,
            pickles=settings.allow_pickles, public=settings.public,
        )  # fmt: skip
        catalog = Catalog(settings.models_dir, settings.cache_dir, offline=settings.offline)
        return cls(settings, catalog, ModelCache(devices.budget(settings.memory_gb), loader))

    def leasing(
        self, card: ModelCard, role: Role, quantization: str = "", dtype: str = ""
    ) -> Generator[Stage | Loaded]:
        """`ModelCache.leasing` on this server's device, in the checkpoint's number format or another one.

        Args:
            quantization: what a menu of precisions gives, for language models: ``int8``, ``nf4``, or a number
                format as ``dtype``; "" for what the checkpoint or this server's owner says.
            dtype: another number format, for a language model that is not quantized.

        Raises:
            BadInput: a quantization that is none, or of what is no language model.
            NotAllowed: a public server fetches no weights of a stranger's choice.
        """
        if quantization in devices.FORMATS:
            quantization, dtype = "", quantization
        if quantization and quantization not in devices.QUANTIZATIONS:
            raise BadInput("quantization_unknown", quantization=quantization)
        if (quantization or dtype) and role != "causal":
            # A sentence model loses by it: cosine to its own float32 vectors .97 in NF4.
            raise BadInput("quantization_causal_only", name=card.name)
        self.allowed(card, role)
        weighs = role in ("causal", "encoder")
        kind, asked, dtype = "meta" if role == "skeleton" else "cpu", dtype, ""
        if weighs:
            device = devices.choose(self.settings.device, self.settings.dtype)
            kind = device.kind
            if role == "causal":
                dtype = devices.QUANTIZATIONS.get(quantization) or asked or device.dtype
            if asked and not device.dtype and self._usual(card, kind) == asked:
                dtype = ""  # what it would be computed in anyhow is not loaded a second time
        return self.models.leasing(card, role, device=kind, dtype=dtype, quantization=quantization)

    def allowed(self, card: ModelCard, role: Role) -> None:
        """Refuse what a public server fetches for nobody.

        Raises:
            NotAllowed: weights of a stranger's choice.
        """
        # A skeleton as well: what a stranger's config.json asks for costs time and memory.
        wanted = role in ("causal", "encoder", "skeleton")
        if wanted and self.settings.public and card.source == "hub" and card not in HUB:
            raise NotAllowed("hub_weights_public", name=card.name)
        if self.settings.public and card.source == "gensim" and not self.fetched(card):
            raise NotAllowed("words_public", name=card.name)
        if self.settings.public and card.source == "package" and not self.fetched(card):
            raise NotAllowed("package_public", name=card.name)

    @staticmethod
    def _usual(card: ModelCard, device: str) -> str:
        """What a checkpoint is computed in anyhow; "" where that is not known before it is loaded."""
        from playground.models.loaders import offers

        with suppress(PlaygroundError):  # whoever loads it is told
            return offers.usual(card, device)
        return ""

    def offered(self, role: Role | None) -> list[ModelCard]:
        """What menus list for a role; on a public server no package that would have to be fetched."""
        cards = self.catalog.offered(role)
        return [card for card in cards if card.source != "package" or card.where or not self.settings.public]

    def first_model(self, lang: str) -> str:
        """The language model that rooms open with, on a page in this language."""
        if self.settings.model != "auto":
            return self.settings.model
        return (self.smollm2() if lang.partition("-")[0] == "en" else "") or EMBEDDED[0].name

    def smollm2(self) -> str:
        """The name of the SmolLM2 that is on this machine: the package's, else the Hub's own; "" without."""
        if self.catalog.find(SMOLLM2.name).where:
            return SMOLLM2.name
        return SMOLLM2_HUB if hub.cached(SMOLLM2_HUB, "causal") else ""

    def fetched(self, card: ModelCard) -> bool:
        """Whether nothing needs to be downloaded for it."""
        if card.source == "hub":
            return hub.cached(card.where)
        if card.source == "package" and "words" not in card.roles:
            return bool(card.where)
        return loaders.is_here(card, self.settings.cache_dir)
