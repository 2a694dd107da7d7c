"""The client that huggingface_hub asks with, and what its errors mean to a visitor."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playground.errors import CannotLoad, Gated, HubUnreachable, UnknownModel

SECONDS = 6  # for one answer; a Hub that needs longer counts as unreachable


@functools.cache
def be_impatient() -> None:
    """Let huggingface_hub's client wait `SECONDS` and never retry: a page with a visitor is waiting.

    Left to itself it waits for minutes where the network swallows packets, and for ever where the Hub
    accepts and never answers (measured against a stand-in).
    """
    from huggingface_hub import set_client_factory
    from huggingface_hub.errors import OfflineModeIsEnabled
    from huggingface_hub.utils import httpx

    class Client(httpx.Client):  # type: ignore[misc]
        # ``send`` and not a transport: a transport of one's own switches environment proxies off.
        def send(self, request: Any, **how: Any) -> Any:
            request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), SECONDS)
            try:
                response = super().send(request, **how)
            except httpx.TransportError as error:
                raise OfflineModeIsEnabled(str(error)) from error
            if response.status_code in (408, 429) or response.status_code >= 500:
                response.close()
                raise OfflineModeIsEnabled(f"status {response.status_code}")
            return response

    set_client_factory(lambda: Client(follow_redirects=True))


def unreachable() -> tuple[type[Exception], ...]:
    """The errors that mean: no answer, now; another try may have one."""
    from huggingface_hub.errors import OfflineModeIsEnabled
    from huggingface_hub.utils import httpx

    return OfflineModeIsEnabled, httpx.RequestError, json.JSONDecodeError  # the last: a hotel's login page


@contextmanager
def plainly(repository: str) -> Iterator[None]:
    """Turns huggingface_hub's errors into ours."""
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:  # first: it is a RepositoryNotFoundError too
        raise Gated("gated", name=repository) from error
    except (
        errors.RepositoryNotFoundError,
        errors.RevisionNotFoundError,
        errors.HFValidationError,
    ) as error:
        raise UnknownModel("not_on_hub", name=repository) from error
    except unreachable() as error:
        raise HubUnreachable("hub_unreachable", name=repository) from error
    except errors.HfHubHTTPError as error:
        raise CannotLoad("hub_refused", name=repository, status=error.response.status_code) from error
