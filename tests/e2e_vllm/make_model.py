"""Makes a tiny model and two LoRA adapters for it: `make_model.py FOLDER`, in vLLM's environment.

Two layers of 64 numbers with random weights, and a vocabulary trained here from the sources of
Python's standard library. It says nothing that means anything, always the same to the same prompt.
"""

from __future__ import annotations

import json
import sys
import sysconfig
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file  # type: ignore[import-not-found,unused-ignore]  # vLLM's environment
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers  # type: ignore[import-not-found,unused-ignore]  # vLLM's environment

Tensor = npt.NDArray[np.float32]

HIDDEN = 64
HEADS = 2
LAYERS = 2
VOCABULARY = 2048
FEED_FORWARD = 128
LORA_RANK = 8
WEIGHTS_SD = 0.1
"""Large for a model so small that an adapter shall change what it says."""
CORPUS_FILES_MAX = 150
SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def main() -> None:
    folder = Path(sys.argv[1])
    make_model(folder / "model")
    for seed, name in enumerate(("adapter-a", "adapter-b")):
        make_adapter(folder / name, seed=seed)


def make_model(folder: Path) -> None:
    """Weights, `config.json` and a tokenizer with a chat template, in Hugging Face's layout."""
    folder.mkdir(parents=True)
    tokenizer = trained_tokenizer()
    save_file(weights(tokenizer.get_vocab_size()), folder / "model.safetensors")
    tokenizer.save(str(folder / "tokenizer.json"))
    end = SPECIAL_TOKENS.index("<|im_end|>")
    write_json(
        folder / "tokenizer_config.json",
        tokenizer_class="PreTrainedTokenizerFast",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        model_max_length=8192,
        clean_up_tokenization_spaces=False,
        chat_template=CHAT_TEMPLATE,
    )
    write_json(folder / "generation_config.json", bos_token_id=0, eos_token_id=end, pad_token_id=0)
    write_json(
        folder / "config.json",
        architectures=["Qwen2ForCausalLM"],
        model_type="qwen2",
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=HIDDEN,
        intermediate_size=FEED_FORWARD,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        max_position_embeddings=8192,
        rms_norm_eps=1e-6,
        rope_theta=10_000.0,
        hidden_act="silu",
        initializer_range=0.02,
        tie_word_embeddings=False,
        dtype="bfloat16",
        bos_token_id=0,
        eos_token_id=end,
        pad_token_id=0,
    )


def trained_tokenizer() -> Tokenizer:
    """Byte-level BPE, as Qwen2 has it."""
    sources = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[:CORPUS_FILES_MAX]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train([str(path) for path in sources], trainer)
    return tokenizer


def weights(vocabulary: int) -> dict[str, Tensor]:
    """Every tensor of a Qwen2, float32; norms are ones, the rest is normal."""
    rng = np.random.default_rng(0)
    square, up = (HIDDEN, HIDDEN), (FEED_FORWARD, HIDDEN)
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (vocabulary, HIDDEN),
        "lm_head.weight": (vocabulary, HIDDEN),
    }
    norms = ["model.norm.weight"]
    for layer in range(LAYERS):
        name = f"model.layers.{layer}"
        for projection in ("q_proj", "k_proj", "v_proj"):
            shapes[f"{name}.self_attn.{projection}.weight"] = square
            shapes[f"{name}.self_attn.{projection}.bias"] = (HIDDEN,)
        shapes[f"{name}.self_attn.o_proj.weight"] = square
        shapes[f"{name}.mlp.gate_proj.weight"] = up
        shapes[f"{name}.mlp.up_proj.weight"] = up
        shapes[f"{name}.mlp.down_proj.weight"] = up[::-1]
        norms += [f"{name}.{norm}_layernorm.weight" for norm in ("input", "post_attention")]
    normal = {
        name: rng.normal(0, WEIGHTS_SD, shape).astype(np.float32) for name, shape in shapes.items()
    }
    return normal | {name: np.ones(HIDDEN, np.float32) for name in norms}


def make_adapter(folder: Path, *, seed: int) -> None:
    """Random weights in PEFT's layout, large enough to change what the model says."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    tensors = {}
    for layer in range(LAYERS):
        for module in ("q_proj", "v_proj"):
            name = f"base_model.model.model.layers.{layer}.self_attn.{module}"
            for half, shape in (("A", (LORA_RANK, HIDDEN)), ("B", (HIDDEN, LORA_RANK))):
                tensors[f"{name}.lora_{half}.weight"] = rng.normal(size=shape).astype(np.float32)
    save_file(tensors, folder / "adapter_model.safetensors")
    write_json(
        folder / "adapter_config.json",
        peft_type="LORA",
        task_type="CAUSAL_LM",
        base_model_name_or_path="base",
        r=LORA_RANK,
        lora_alpha=16,
        lora_dropout=0.0,
        bias="none",
        target_modules=["q_proj", "v_proj"],
        modules_to_save=None,
        use_rslora=False,
        use_dora=False,
    )


def write_json(path: Path, **document: object) -> None:
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
