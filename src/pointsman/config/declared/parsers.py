"""Which request formats are read."""

from __future__ import annotations

from pointsman.api.plugins import Declared


class OpenaiParser(Declared):
    """Reads OpenAI requests: completions, chat, responses, embeddings."""

    type_name = "openai-parser"
    kind = "parser"


class AnthropicParser(Declared):
    """Reads Anthropic messages."""

    type_name = "anthropic-parser"
    kind = "parser"


class VllmHttpParser(Declared):
    """Reads vLLM's own generate requests with token ids."""

    type_name = "vllmhttp-parser"
    kind = "parser"


class PassthroughParser(Declared):
    """Takes any request without reading its body; the fallback."""

    type_name = "passthrough-parser"
    kind = "parser"
