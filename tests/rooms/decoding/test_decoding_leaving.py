"""Who leaves ends what decodes and measures, within a layer of the pass that runs; counted, not timed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from playground.engine import queue
from playground.models.cache import Loaded, ModelCache
from playground.models.catalog import Catalog
from playground.models.loaders import TransformersLoader
from playground.rooms.decoding import example, lab
from playground.rooms.decoding.actions import Answers
from playground.rooms.decoding.request import ASKED
from playground.settings import read
from playground.system import cancellation
from playground.ui.context import Context
from playground.ui.controls import page_of
from playground.ui.runs import Given
from tests.ui.whole import whole_page

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    folder: Path = tmp_path_factory.mktemp("leaving")
    return Context(
        read(["--device", "cpu", "--dtype", "float32"], {}),
        Catalog(folder, folder, offline=True),
        ModelCache(2**30, TransformersLoader(offline=True)),
    )


@pytest.fixture
def loaded(context: Context) -> Iterator[Loaded]:
    with context.models.lease(context.catalog.find(example.MODEL), "causal", dtype="float32") as loaded:
        yield loaded


begun: list[int] = []


def begin(module: Any, *_: Any) -> None:
    """A plain function: a twin of the model has it, too."""
    begun.append(id(module))


def given(**changed: Any) -> Given:
    controls = page_of(whole_page()).controls
    values = {id: controls[id].default for id in [*ASKED, "decoding.which"]}
    changed = {"prompt": "Once upon a time " * 4, **changed}
    return Given({**values, **{f"decoding.{k}": v for k, v in changed.items()}}, "decoding", "#")


@pytest.mark.parametrize("after", [1, 3, 40, 150])
@pytest.mark.parametrize("what", ["compare", *lab.NAMES])
def test_at_most_one_more_pass_of_a_token_ends(
    context: Context, loaded: Loaded, what: str, after: int
) -> None:
    """A pass over a prompt ends at its next layer, one of a single token is let go on."""
    layers = loaded.model.model.layers
    assert isinstance(layers, torch.nn.ModuleList)
    begun.clear()
    hooks = [layer.register_forward_pre_hook(begin) for layer in layers]
    try:
        with (
            cancellation.when(lambda: len(begun) >= after),
            pytest.raises(cancellation.Abandoned),
        ):
            if what == "compare":
                list(Answers(context).compare(given()))
            else:
                list(lab.Answers(context).experiment(given(which=what)))
    finally:
        for hook in hooks:
            hook.remove()
    many = what in lab.NAMES and what != "repeats"  # these ask in their passes of one token as well
    assert after <= len(begun) <= after + (1 if many else len(layers))
    assert len(queue.line(loaded)) == 0  # nobody stands in line still


def test_beams_are_left_while_their_prompt_is_read(loaded: Loaded) -> None:
    from playground.engine.generation.beam_search import Beams, search
    from playground.engine.generation.sampling import Settings

    begun.clear()
    hooks = [layer.register_forward_pre_hook(begin) for layer in loaded.model.model.layers]
    try:
        with cancellation.when(lambda: len(begun) >= 2), pytest.raises(cancellation.Abandoned):
            list(search(loaded, list(range(10, 90)), Settings(4), Beams(2)))
    finally:
        for hook in hooks:
            hook.remove()
    assert len(begun) <= 3 and len(queue.line(loaded)) == 0
