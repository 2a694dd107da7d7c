"""One running app for all tests of a session: ``from tests.app_fixture import app``."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.app import App, running, tokenizer_json

UPLOAD_MB = 2
_KEY = pytest.StashKey[App]()


@pytest.fixture(scope="session")
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> App:
    """The app, offline, with one model of the visitor's own (``tiny``) and uploads up to 2 MiB.

    Kept by the session and not by the fixture: imported into two modules, a fixture is two fixtures.
    """
    stash = request.config.stash
    if _KEY not in stash:
        folder = tmp_path_factory.mktemp("app")
        (folder / "models" / "tiny").mkdir(parents=True)
        (folder / "models" / "tiny" / "tokenizer.json").write_text(tokenizer_json(), encoding="utf-8")
        stack = ExitStack()
        request.config.add_cleanup(stack.close)
        settings = {"PLAYGROUND_OFFLINE": "1", "PLAYGROUND_UPLOAD_MB": str(UPLOAD_MB)}
        stash[_KEY] = stack.enter_context(running(folder, settings, "tests/serve.py"))
    return stash[_KEY]
