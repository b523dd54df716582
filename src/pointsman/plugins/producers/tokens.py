"""Accept upstream's token producer: prompts are measured when they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, JsonValue, model_validator

from pointsman.api.plugins import PluginConfig, Producer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pointsman.api.candidates import Candidates
    from pointsman.api.signals import FloatArray
    from pointsman.domain.requests import InferenceRequest


class RenderBackend(PluginConfig):
    """An engine's render endpoint, which upstream asks for token ids."""

    url: str = Field("http://localhost:8000", alias="url")
    """Address of the engine; no effect."""
    http: str | None = None
    """Older name of `url`; no effect."""
    timeout: str = "5s"
    """Time limit of a text request, a Go duration; no effect."""
    mm_timeout: str = "30s"
    """Time limit of a multimodal request, a Go duration; no effect."""


class TokenConfig(PluginConfig):
    """Parameters of token-producer."""

    model_name: str | None = None
    """Model whose tokenizer upstream asks for; no effect."""
    estimate: dict[str, JsonValue] | None = None
    """Upstream's rules for estimating tokens of images, video and audio; no effect."""
    vllm: RenderBackend | None = None
    """Upstream's exact backend; no effect."""
    uds_tokenizer_config: dict[str, JsonValue] | None = None
    """Upstream's deprecated tokenizer sidecar; no effect."""

    @model_validator(mode="after")
    def _one_backend(self) -> TokenConfig:
        backends = {
            "estimate": self.estimate,
            "vllm": self.vllm,
            "udsTokenizerConfig": self.uds_tokenizer_config,
        }
        given = [name for name, backend in backends.items() if backend is not None]
        if len(given) > 1:
            raise ValueError(f"only one of {' and '.join(given)} can be set")
        return self


class TokenProducer(Producer):
    """Accepted for upstream's documents; adds nothing, because reading a request measures it.

    Every prompt has its length in tokens when plugins see it: exact where the client sent token
    ids, else 4 bytes a token, as upstream's `estimate` backend. No tokenizer is asked.
    """

    type_name = "token-producer"
    aliases = ("tokenizer",)
    Config = TokenConfig

    @classmethod
    def remarks(cls, config: TokenConfig) -> tuple[str, ...]:
        """Backends are accepted and not asked."""
        if config == TokenConfig():
            return ()
        return ("no tokenizer is asked yet: prompts count 4 bytes a token, whatever is set here",)

    def produce(
        self, request: InferenceRequest, candidates: Candidates
    ) -> Mapping[str, FloatArray]:
        """Nothing: see `request.prompt.tokens`."""
        del request, candidates
        return {}
