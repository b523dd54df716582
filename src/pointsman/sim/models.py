"""Names that a simulated server answers to: its model and the LoRA adapters loaded at run time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pointsman.sim.errors import ApiError, unknown_model

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

ADAPTERS_LOADED_MAX = 10_000
_MISSING_PATH = "nonexistent"
"""A path that ends so cannot be loaded; every other path can."""


@dataclass(frozen=True, slots=True)
class _Adapter:
    path: str
    permission_id: str


class ServedModels:
    """One model and its adapters by name."""

    def __init__(
        self,
        model: str,
        *,
        context_tokens_max: int,
        created: int,
        rng: random.Random,
        adapters: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.model = model
        self._context_tokens_max = context_tokens_max
        self._created = created
        self._rng = rng
        self._permission_id = self._draw_id()
        self._adapters = {name: _Adapter(path, self._draw_id()) for name, path in adapters}

    @property
    def adapters(self) -> tuple[str, ...]:
        """Names of the loaded adapters, in the order in which they were loaded."""
        return tuple(self._adapters)

    def adapter_of(self, name: str | None) -> str:
        """The adapter that this model name stands for; "" for the model itself.

        Raises:
            ApiError: 404, nobody here has that name.
        """
        if name is None or name == self.model:
            return ""
        if name not in self._adapters:
            raise unknown_model(name, self.model)
        return name

    def load(self, name: object, path: object) -> str:
        """Add an adapter; the text to answer.

        Raises:
            ApiError: 400 or 404, as vLLM would refuse it.
        """
        if not (isinstance(name, str) and name and isinstance(path, str) and path):
            raise _refused("Both 'lora_name' and 'lora_path' must be provided.")
        if name in self._adapters:
            raise _refused(
                f"The lora adapter '{name}' has already been loaded. If you want to load the "
                "adapter in place, set 'load_inplace' to True."
            )
        if path.rstrip("/").rpartition("/")[2] == _MISSING_PATH:
            raise _missing(f"Loading lora {name} failed: No adapter found for {path}")
        if len(self._adapters) >= ADAPTERS_LOADED_MAX:
            raise _refused(f"at most {ADAPTERS_LOADED_MAX} adapters can be loaded")
        self._adapters[name] = _Adapter(path, self._draw_id())
        return f"Success: LoRA adapter '{name}' added successfully."

    def unload(self, name: object) -> str:
        """Remove an adapter; the text to answer. Running requests keep theirs.

        Raises:
            ApiError: 400 or 404, as vLLM would refuse it.
        """
        if not (isinstance(name, str) and name):
            raise _refused("'lora_name' needs to be provided to unload a LoRA adapter.")
        if name not in self._adapters:
            raise _missing(f"The lora adapter '{name}' cannot be found.")
        del self._adapters[name]
        return f"Success: LoRA adapter '{name}' removed successfully."

    def listing(self) -> dict[str, object]:
        """What GET /v1/models answers."""
        cards = [self._card(self.model, f"models/{self.model}", permission_id=self._permission_id)]
        cards[0]["max_model_len"] = self._context_tokens_max
        for name, adapter in self._adapters.items():
            card = self._card(name, adapter.path, permission_id=adapter.permission_id)
            cards.append(card | {"parent": self.model})
        return {"object": "list", "data": cards}

    def _card(self, name: str, root: str, *, permission_id: str) -> dict[str, object]:
        permission = {
            "id": f"modelperm-{permission_id}",
            "object": "model_permission",
            "created": self._created,
            "allow_create_engine": False,
            "allow_sampling": True,
            "allow_logprobs": True,
            "allow_search_indices": False,
            "allow_view": True,
            "allow_fine_tuning": False,
            "organization": "*",
            "group": None,
            "is_blocking": False,
        }
        return {
            "id": name,
            "object": "model",
            "created": self._created,
            "owned_by": "vllm",
            "root": root,
            "parent": None,
            "max_model_len": None,
            "permission": [permission],
        }

    def _draw_id(self) -> str:
        return f"{self._rng.getrandbits(64):016x}"


def _refused(text: str) -> ApiError:
    return ApiError(text, status=400, kind="InvalidUserInput")


def _missing(text: str) -> ApiError:
    return ApiError(text, status=404, kind="NotFoundError")
