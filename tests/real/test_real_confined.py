"""Real tokenizers in a process of their own answer as they do in this one."""

from __future__ import annotations

import random

import numpy as np
import pytest

from playground.engine.generation import chat_template
from playground.engine.tokenizers import replays, vocabulary
from playground.engine.tokenizers.adapter import Adapter
from playground.engine.tokenizers.libraries import adapter
from playground.engine.tokenizers.sandboxed import ConfinedAdapter
from playground.engine.tokenizers.tokenize import tokenize
from playground.errors import BadInput
from playground.models.cache import ModelCache
from playground.models.catalog import Catalog
from playground.models.loaders import TransformersLoader
from tests.engine.tokenizers.nasty_tokenizers import SNIPPETS, random_text
from tests.real.test_real_tokenizers import FUZZ, NAMES, SEED

pytestmark = pytest.mark.real
SAID = [{"role": "user", "content": "Hi 👍"}, {"role": "assistant", "content": "Hello."}]


def prompt(of: Adapter) -> object:
    try:
        rendered = chat_template.render(of, "it", None, SAID, source="folder")
    except BadInput as refused:
        return refused.key
    return rendered.prompt, rendered.segments, rendered.sources, rendered.encoded.ids.tolist()


@pytest.mark.parametrize("name", NAMES)
def test_the_same_there(shared_catalog: Catalog, models: ModelCache, name: str) -> None:
    if not (shared_catalog.models_dir / name).is_dir():
        pytest.skip(f"no ../shared/models/{name}")
    card = shared_catalog.find(name)
    strangers = ModelCache(2**31, TransformersLoader(offline=True, public=True))
    with models.lease(card) as ours, strangers.lease(card) as theirs:
        here, there = adapter(ours), adapter(theirs)
        assert isinstance(there, ConfinedAdapter)
        assert vocabulary.facts(here) == vocabulary.facts(there)
        assert list(here.vocabulary()) == list(there.vocabulary())
        assert all(here.piece(id) == there.piece(id) for id in here.vocabulary())
        assert vocabulary.search(here, "the") == vocabulary.search(there, "the")
        assert prompt(here) == prompt(there)
        said = random.Random(SEED)
        for text in ("", "Hello, world", *SNIPPETS, *(random_text(said) for _ in range(FUZZ // 3))):
            one, other = tokenize(here, name, text), tokenize(there, name, text)
            assert list(one.tokens()) == list(other.tokens()) and one.normalized == other.normalized
            assert np.array_equal(one.encoded.added, other.encoded.added)
            ids = one.encoded.ids.tolist()
            assert here.decode(ids) == there.decode(ids)
        assert list(replays.replays(here, "unbelievable words")) == list(
            replays.replays(there, "unbelievable words")
        )
    strangers.unload(name)
