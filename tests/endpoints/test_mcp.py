"""The endpoints as tools for agents, by the Model Context Protocol."""

from __future__ import annotations

from typing import Any

from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.loops import finished


def ask(url: str, *calls: tuple[str, dict[str, Any]]) -> tuple[list[Any], list[Any]]:
    """The tools, and the answers to some calls."""

    async def talk() -> tuple[list[Any], list[Any]]:
        async with (
            streamablehttp_client(f"{url}gradio_api/mcp/") as (reading, writing, _),
            ClientSession(reading, writing) as session,
        ):
            await session.initialize()
            tools = (await session.list_tools()).tools
            return tools, [await session.call_tool(name, given) for name, given in calls]

    return finished(talk())


def test_the_tools_are_the_endpoints(app: App) -> None:  # noqa: F811
    tools, answers = ask(
        app.url,
        ("tokenize", {"text": "hello world", "tokenizers": ["all-MiniLM-L6-v2"]}),
        ("tokenize", {"text": "x", "tokenizers": ["no such name"]}),
    )
    assert {tool.name for tool in tools} == {
        "models", "tokenize", "detokenize", "chat_template", "chat", "find_songs", "generate", "inspect",
        "next_token", "recommend",
        "embed", "similarity", "project",
        "token_vectors", "similar_words",
    }  # fmt: skip
    assert all(tool.description for tool in tools)
    assert all(tool.inputSchema["required"] for tool in tools if tool.name != "models")
    good, bad = answers
    assert not good.isError and "7592" in good.content[0].text
    assert bad.isError and "no such name" in bad.content[0].text
