"""Three engines with believable numbers; every field can be replaced (`dataclasses.replace`).

The two real ones are derived from data sheets by a roofline estimate, not measured: peak times a
usual efficiency. They are right within perhaps 30%, which is enough to compare routing policies.
"""

from __future__ import annotations

from types import MappingProxyType

from pointsman.sim.engine.settings import EngineSettings, Speed

TINY = EngineSettings(
    # Not a model of anything: a step long enough that timers of 1 ms and a shared laptop core do
    # not distort it, and a prefill slow enough (2,048 tokens = 41 ms) that queues are visible.
    speed=Speed(
        step_s=2e-3,
        prefill_token_s=1 / 50_000,
        attention_pair_s=0.0,
        decode_s=10e-6,
        context_token_s=5e-9,
    ),
    blocks=8_193,  # 131,072 tokens: room for one prompt of 400 KB
    context_tokens_max=131_072,
)

LLAMA_8B_L4 = EngineSettings(
    # Llama 3.1 8B, bf16, on one L4 (24 GB, 300 GB/s, 121 dense TFLOPS in bf16).
    speed=Speed(
        # 16.1 GB of weights / 300 GB/s = 54 ms at peak; at 90% of it, plus 2 ms of launches.
        step_s=62e-3,
        # 2 * 8.03e9 FLOP a token at 50% of 121 TFLOPS: 3,770 tokens/s.
        prefill_token_s=2 * 8.03e9 / 60.5e12,
        # 4 FLOP * 32 layers * 4,096 wide = 0.52 MFLOP for each pair of tokens, same efficiency.
        attention_pair_s=4 * 32 * 4096 / 60.5e12,
        decode_s=30e-6,
        # 2 (K, V) * 32 layers * 8 heads * 128 * 2 bytes = 128 KiB at 80% of 300 GB/s.
        context_token_s=131_072 / 240e9,
    ),
    # 24 GB * 0.9 - weights - 1 GB of activations = 4.5 GB = 34,000 tokens of 128 KiB.
    blocks=2_146,
    context_tokens_max=16_384,
)

QWEN_32B_2XH100 = EngineSettings(
    # Qwen3 32B, bf16, tensor parallel on two H100 SXM (80 GB, 3.35 TB/s, 989 dense TFLOPS each).
    speed=Speed(
        # 65.6 GB / 6.7 TB/s = 9.8 ms at peak; at 75% of it, plus 2 ms of launches and all-reduces.
        step_s=15e-3,
        # 2 * 32.8e9 FLOP a token at 45% of 1,978 TFLOPS: 13,600 tokens/s.
        prefill_token_s=2 * 32.8e9 / 890e12,
        # 4 FLOP * 64 layers * 64 heads * 128.
        attention_pair_s=4 * 64 * 8192 / 890e12,
        decode_s=25e-6,
        # 2 * 64 layers * 8 heads * 128 * 2 bytes = 256 KiB at 75% of 6.7 TB/s.
        context_token_s=262_144 / 5.0e12,
    ),
    # 160 GB * 0.9 - weights - 6 GB = 72 GB = 275,000 tokens of 256 KiB.
    blocks=17_201,
    context_tokens_max=40_960,
    batched_tokens_max=8_192,  # vLLM's default on an H100
    running_max=1_024,  # the same
)

PRESETS = MappingProxyType(
    {"tiny": TINY, "llama-8b-l4": LLAMA_8B_L4, "qwen-32b-2xh100": QWEN_32B_2XH100}
)
