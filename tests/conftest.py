"""What most tests need: a cache, the embedded tokenizers, and the folder of what is not ours to ship."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from playground import rooms
from playground.engine.tokenizers.adapter import Adapter
from playground.engine.tokenizers.libraries import adapter
from playground.models import devices, packages
from playground.models.cache import ModelCache
from playground.models.catalog import Catalog
from playground.models.loaders import TransformersLoader
from playground.system import stubs

# As `settings.quiet` has it for the app: torch's threads sleep while they wait for each other.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(tempfile.gettempdir()) / "llm-playground-numba-exact"))
stubs.leave_out()
# By hand, hypothesis looks for new texts at every run; where a change must pass, it asks the same ones.
hypothesis.settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order in which ``--dist loadfile`` hands out files: those of the browser last, the longest first.

    From the first browser test on, Playwright keeps an event loop running in its thread, and a test after it
    that says ``asyncio.run`` would fail. The shortest come last, so that no process works on alone for long.
    """
    counts = Counter(item.path for item in items)
    opens = {item.path for item in items if "browser" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: (item.path in opens, -counts[item.path], item.path))


rooms.register()
SHARED = Path(__file__).resolve().parents[1].parent / "shared"


@pytest.fixture(scope="session")
def models() -> ModelCache:
    """A cache that loads for real, and only what is on this machine."""
    return ModelCache(2 * 2**30, TransformersLoader(offline=True))


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """What is embedded; the models folder is empty."""
    folder = tmp_path_factory.mktemp("catalog")
    return Catalog(folder / "models", folder / "uploads", offline=True)


@pytest.fixture(scope="session")
def opened(models: ModelCache, catalog: Catalog) -> Callable[[str], Adapter]:
    """The reader of an embedded tokenizer, by name."""

    def open_(name: str) -> Adapter:
        with models.lease(catalog.find(name)) as loaded:
            return adapter(loaded)

    return open_


@pytest.fixture
def no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine on which requirements-models.txt was not installed."""
    monkeypatch.setattr(packages, "installed", lambda module: None)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Two threads on a model this small wait for each other, for long where the machine has other work."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    devices.full_threads.cache_clear()
    yield
    torch.set_num_threads(before)
    devices.full_threads.cache_clear()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of models and data that may not be shipped; without it the test is skipped."""
    if not SHARED.is_dir():
        pytest.skip("no ../shared beside the repository")
    return SHARED


@pytest.fixture(scope="session")
def shared_catalog(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """A catalogue whose models folder is ../shared/models."""
    return Catalog(shared / "models", tmp_path_factory.mktemp("uploads"), offline=True)
