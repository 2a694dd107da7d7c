"""Settings: one table makes environment and command line."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from playground import settings, text
from playground.settings import Settings, read

ROOT = Path(__file__).resolve().parent.parent


def test_defaults_are_a_quiet_local_server():
    found = read([], {})
    assert (found.host, found.port, found.public, found.share, found.password) == (
        "127.0.0.1",
        7860,
        False,
        False,
        "",
    )
    assert found.models_dir == Path("models")


def test_environment_and_command_line_say_the_same_thing():
    environment = {"PLAYGROUND_PORT": "9000", "PLAYGROUND_CLASS": "1", "PLAYGROUND_MEMORY_GB": "1.5"}
    arguments = ["--port", "9000", "--class", "--memory-gb", "1.5"]
    assert read([], environment) == read(arguments, {})
    assert read([], environment).memory_gb == 1.5


def test_command_line_wins():
    assert read(["--port", "1"], {"PLAYGROUND_PORT": "2"}).port == 1
    assert read(["--public", "0"], {"SPACE_ID": "me/space"}).public is False


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--share"], {}), (["--share", "1"], {}), ([], {"PLAYGROUND_SHARE": "true"}),
        (["--share", "--public", "0"], {}), (["--share"], {"PLAYGROUND_PUBLIC": "0"}),
        (["--share", "--password", "sesame"], {}), (["--share", "--host", "127.0.0.1"], {}),
    ],
)  # fmt: skip
def test_whoever_comes_through_the_tunnel_is_a_stranger(arguments, environment):
    """Visitors of a shared server used the owner's token, loaded and unloaded."""
    found = read(arguments, environment)
    assert found.share and found.public and found.text_limit == Settings(public=True).text_limit
    assert dataclasses.replace(Settings(), share=True).public
    assert not read(["--share", "0"], {}).public and not read([], {}).public


def test_every_field_has_both_names_and_a_sentence_in_every_language():
    for entry in fields(Settings):
        for lang in text.LANGUAGES:
            assert text.say(f"settings.{entry.name}", lang)
        assert settings.variable(entry).startswith("PLAYGROUND_")


def test_a_space_is_public_and_listens_everywhere():
    found = read([], {"SPACE_ID": "me/space"})
    assert (found.public, found.host) == (True, "0.0.0.0")
    assert found.text_limit < read([], {}).text_limit


@pytest.mark.parametrize(
    "environment",
    [
        {"PLAYGROUND_PORT": "many"},
        {"PLAYGROUND_DEVICE": "tpu"},
        {"PLAYGROUND_PUBLIC": "perhaps"},
        {"PLAYGROUND_LANG": "fr"},
        {"PLAYGROUND_MEMORY_GB": "-"},
    ],
)
def test_values_that_do_not_fit_are_refused_wherever_they_come_from(environment, capsys):
    with pytest.raises(SystemExit):
        read([], environment)
    told = capsys.readouterr().err
    assert next(iter(environment.values())) in told
    name = next(iter(environment)).removeprefix("PLAYGROUND_").lower().replace("_", "-")
    with pytest.raises(SystemExit):
        read([f"--{name}={next(iter(environment.values()))}"], {})


def test_offline_of_the_hub_family_counts():
    assert read([], {"HF_HUB_OFFLINE": "1"}).offline is True


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_help_speaks_the_owners_language(lang):
    done = subprocess.run(
        [sys.executable, "app.py", "--help"],
        cwd=ROOT,
        env={**os.environ, "PLAYGROUND_LANG": lang, "COLUMNS": "400", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        check=True,
    )
    for entry in fields(Settings):
        assert settings.variable(entry) in done.stdout
        assert text.say(f"settings.{entry.name}", lang) in done.stdout


def test_quiet_before_anything_is_imported(monkeypatch):
    for name in ("GRADIO_ANALYTICS_ENABLED", "HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
        monkeypatch.delenv(name, raising=False)
    settings.quiet(read(["--offline"], {}))
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    for name in ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_XET"):
        monkeypatch.delenv(name, raising=False)
