"""The Hugging Face Hub: fetch a few files of a repository, or say within seconds why not.

``snapshot_download`` may wait for minutes where the network swallows packets, and for ever where the
Hub accepts and never answers (measured against a stand-in), so this asks by single requests with a
client that gives up at once.
"""

from __future__ import annotations

import errno
import fnmatch
import functools
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from playground.errors import CannotLoad, Gated, HubUnreachable, UnknownModel

SECONDS = 6  # for one answer; a Hub that needs longer counts as unreachable
SPARE = 2**26  # bytes of disk that a download must leave free


def fetch(
    repository: str,
    revision: str,
    patterns: Sequence[str],
    *,
    offline: bool = False,
    anonymous: bool = True,
    limit: int | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> Path:
    """The files of a repository that fit the patterns, in the Hub's own cache.

    Args:
        patterns: shell patterns of file names in the repository's top folder.
        limit: bytes that they may have together.
        anonymous: do not send the owner's access token (strangers must not see private repositories).

    Returns:
        the folder of the snapshot.

    Raises:
        UnknownModel: no such repository or revision. Gated: a licence to accept first.
        HubUnreachable: offline, or no answer. CannotLoad: none of the files, too large, no disk, or refused.
    """
    import huggingface_hub as hub
    from huggingface_hub.utils import httpx

    _be_impatient()
    token = False if anonymous else None
    try:
        if offline:
            return Path(
                hub.snapshot_download(
                    repository, revision=revision, allow_patterns=list(patterns), local_files_only=True
                )
            )
        try:
            info = hub.HfApi(token=token).model_info(
                repository, revision=revision, files_metadata=True, timeout=SECONDS
            )
        except (hub.errors.OfflineModeIsEnabled, httpx.TransportError, json.JSONDecodeError) as error:
            # What is in the cache serves on without the Hub (or with a login page in its place).
            try:
                return fetch(repository, revision, patterns, offline=True)
            except HubUnreachable:
                raise HubUnreachable("hub_unreachable", name=repository) from error
        wanted = [
            each
            for each in info.siblings or []
            if "/" not in each.rfilename and any(fnmatch.fnmatch(each.rfilename, p) for p in patterns)
        ]
        if not wanted:
            raise CannotLoad("no_tokenizer_files", name=repository)
        size = sum(each.size or 0 for each in wanted)
        if limit is not None and size > limit:
            raise CannotLoad("download_too_large", name=repository, size=size, limit=limit)
        _check_disk(repository, size)
        done, path = 0, ""
        for each in wanted:
            path = hub.hf_hub_download(
                repository, each.rfilename, revision=info.sha, token=token, etag_timeout=SECONDS
            )
            done += each.size or 0
            progress(done / size if size else 1.0)
        snapshot = Path(path).parent
        _remember(snapshot, revision)
        return snapshot
    except hub.errors.GatedRepoError as error:  # first: it is a RepositoryNotFoundError too
        raise Gated("gated", name=repository) from error
    except (
        hub.errors.RepositoryNotFoundError,
        hub.errors.RevisionNotFoundError,
        hub.errors.HFValidationError,
    ) as error:
        raise UnknownModel("not_on_hub", name=repository) from error
    except (
        hub.errors.LocalEntryNotFoundError,
        hub.errors.OfflineModeIsEnabled,
        httpx.TransportError,
    ) as error:
        raise HubUnreachable("offline" if offline else "hub_unreachable", name=repository) from error
    except hub.errors.HfHubHTTPError as error:
        raise CannotLoad("hub_refused", name=repository, status=error.response.status_code) from error
    except OSError as error:  # last: most of the above are OSErrors as well
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise CannotLoad("disk_full", name=repository) from error
        raise


def _remember(snapshot: Path, revision: str) -> None:
    """Note which commit a branch is at, as huggingface_hub does where it is asked by branch.

    Only once all files are here: by this note alone they are found when the Hub is not.
    """
    if revision != snapshot.name:
        ref = snapshot.parents[1] / "refs" / revision
        ref.parent.mkdir(parents=True, exist_ok=True)
        ref.write_text(snapshot.name, encoding="utf-8")


def cached(repository: str) -> bool:
    """Whether a tokenizer of this repository lies in the Hub's cache already; asks nobody."""
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(repository, "tokenizer.json"), str)


def _check_disk(repository: str, size: int) -> None:
    """huggingface_hub only warns; a disk filled to the brim harms more than this download."""
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE)
    while not folder.exists():
        folder = folder.parent
    if shutil.disk_usage(folder).free < size + SPARE:
        raise CannotLoad("disk_full", name=repository)


@functools.cache
def _be_impatient() -> None:
    """Let huggingface_hub's client wait `SECONDS` and never retry: a page with a visitor is waiting."""
    from huggingface_hub import set_client_factory
    from huggingface_hub.errors import OfflineModeIsEnabled
    from huggingface_hub.utils import httpx

    class Client(httpx.Client):  # type: ignore[misc, name-defined]
        # ``send`` and not a transport: a transport of one's own switches environment proxies off.
        def send(self, request: Any, **how: Any) -> Any:
            request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), SECONDS)
            try:
                response = super().send(request, **how)
            except httpx.TransportError as error:
                raise OfflineModeIsEnabled(str(error)) from error
            if response.status_code == 429 or response.status_code >= 500:
                response.close()
                raise OfflineModeIsEnabled(f"status {response.status_code}")
            return response

    set_client_factory(lambda: Client(follow_redirects=True))
