"""Keeps the whole stack up, for trying it by hand."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pointsman.apps.demo.children import DemoError, first_cause
from pointsman.apps.demo.model import Policy
from pointsman.apps.demo.ports import require_free
from pointsman.apps.demo.stack import MODEL, started
from pointsman.apps.envoy_process import EnvoyMissingError, envoy_binary

if TYPE_CHECKING:
    from rich.console import Console

    from pointsman.apps.demo.settings import DemoSettings
    from pointsman.apps.demo.stack import Stack


async def serve_demo(settings: DemoSettings, *, console: Console) -> None:
    """Start everything, print how to use it, and stay up until cancelled.

    Raises:
        DemoError: something that the demo needs is missing, or one of its processes failed.
    """
    require_free(settings.gateway_port)
    try:
        envoy_binary()
        async with started(
            Policy.POINTSMAN,
            endpoints=settings.endpoints,
            port=settings.gateway_port,
            seed=settings.seed,
        ) as stack:
            console.print(instructions(stack), markup=False, highlight=False, soft_wrap=True)
            await asyncio.Event().wait()
    except EnvoyMissingError as error:
        raise DemoError(str(error)) from error
    except BaseExceptionGroup as problems:
        raise first_cause(problems) from problems


def instructions(stack: Stack) -> str:
    """What a user can type now; both snippets work as they are printed."""
    servers = " ".join(each.authority for each in stack.endpoints)
    return f"""\
The gateway is up: {stack.url}/v1, before {len(stack.endpoints)} simulated model servers.

With curl:

curl -sN {stack.url}/v1/chat/completions -H 'content-type: application/json' \
-d '{{"model": "{MODEL}", "messages": [{{"role": "user", "content": "Hello"}}], \
"max_tokens": 16, "stream": true}}'

With the OpenAI SDK (pip install openai):

from openai import OpenAI

client = OpenAI(base_url="{stack.url}/v1", api_key="none")
stream = client.chat.completions.create(
    model="{MODEL}",
    messages=[{{"role": "user", "content": "Hello"}}],
    max_tokens=16,
    stream=True,
)
for chunk in stream:
    print(chunk.choices[0].delta.content or "", end="", flush=True)
print()

What the picker sees: {stack.picker_url}/debug/endpoints and {stack.picker_url}/metrics
Model servers: {servers}
Ctrl-C stops everything.
"""
