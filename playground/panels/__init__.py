"""The tabs. A new panel is one file here and one name in `all_panels`.

A panel is a module with ``KEY`` (its room in ``assets/text``) and ``build(context, app)``, called inside
its tab.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from types import ModuleType

from playground import devices, hub
from playground.catalog import HUB, Catalog, ModelCard, Role
from playground.errors import BadInput, NotAllowed
from playground.loaders import word_downloads
from playground.models import Loaded, ModelCache, Stage
from playground.settings import Settings


@dataclass(frozen=True)
class Context:
    """What every panel is given."""

    settings: Settings
    catalog: Catalog
    models: ModelCache

    def leasing(
        self, card: ModelCard, role: Role, quantization: str = "", dtype: str = ""
    ) -> Generator[Stage | Loaded]:
        """`ModelCache.leasing` on this server's device and in its number format.

        Args:
            quantization: ``int8`` or ``nf4``, for language models; "" for the device's own format.
            dtype: another number format than the device's own, for a language model that is not quantized.

        Raises:
            BadInput: a quantization that is none, or of what is no language model.
            NotAllowed: a public server fetches no weights of a stranger's choice.
        """
        if quantization and quantization not in devices.QUANTIZATIONS:
            raise BadInput("quantization_unknown", quantization=quantization)
        if quantization and role != "causal":
            # A sentence model loses by it: cosine to its own float32 vectors .97 in NF4.
            raise BadInput("quantization_causal_only", name=card.name)
        weighs = role in ("causal", "encoder")
        # A skeleton as well: what a stranger's config.json asks for costs time and memory.
        wanted = weighs or role == "skeleton"
        if wanted and self.settings.public and card.source == "hub" and card not in HUB:
            raise NotAllowed("hub_weights_public", name=card.name)
        if self.settings.public and card.source == "gensim" and not self.fetched(card):
            raise NotAllowed("words_public", name=card.name)
        kind, asked, dtype = "meta" if role == "skeleton" else "cpu", dtype, ""
        if weighs:
            device = devices.choose(self.settings.device, self.settings.dtype)
            kind = device.kind
            dtype = devices.QUANTIZATIONS.get(quantization) or asked or device.dtype
            if role == "encoder":
                dtype = "float32"  # small enough, and vectors are compared to six digits
        return self.models.leasing(card, role, device=kind, dtype=dtype, quantization=quantization)

    def fetched(self, card: ModelCard) -> bool:
        """Whether nothing needs to be downloaded for it."""
        if card.source == "gensim":
            return word_downloads.place(self.settings.cache_dir, card.name).is_file()
        return card.source != "hub" or hub.cached(card.where)


def all_panels() -> Sequence[ModuleType]:
    """The panels in the order of their tabs."""
    from playground.panels import architecture, chat, decoding, embeddings, next_token, songs, tokens

    return (tokens, chat, next_token, decoding, embeddings, architecture, songs)
