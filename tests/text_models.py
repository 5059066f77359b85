"""A tiny GGUF file laid out like the embedded model, and a language model that answers what a test prescribes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import gguf
import numpy as np

from review.llm.request import Completion, Request
from review.llm.usage import Usage

CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MERGES = ("Ġ t", "h e", "Ġt he", "e r", "Ġ a")
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}{% endfor %}"
)
WIDTH, HIDDEN, LAYERS, HEADS, GROUPS = 32, 64, 2, 4, 2


def spelled() -> list[str]:
    """Return how the 256 bytes are written in a byte-level vocabulary."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    return [bytes_to_unicode()[byte] for byte in range(256)]


def write_tiny(path: Path, architecture: str = "llama", splitting: str = "smollm") -> Path:
    """Write a model of 2 layers with random weights (8 bit) and a tokenizer of 264 tokens."""
    tokens = [*CONTROL, *spelled(), *(merge.replace(" ", "") for merge in MERGES)]
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(LAYERS)
    writer.add_context_length(256)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(GROUPS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_freq_base(10_000.0)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(splitting)
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(CONTROL) + [1] * (len(tokens) - len(CONTROL)))
    writer.add_token_merges(list(MERGES))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_chat_template(TEMPLATE)
    draws = np.random.default_rng(0)

    def add(name: str, *shape: int, ones: bool = False) -> None:
        values = np.ones(shape, np.float32) if ones else draws.normal(0, 0.5, shape).astype(np.float32)
        kind = gguf.GGMLQuantizationType.F32 if ones else gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(f"{name}.weight", gguf.quantize(values, kind), raw_dtype=kind)

    add("token_embd", len(tokens), WIDTH)
    add("output_norm", WIDTH, ones=True)
    for layer in range(LAYERS):
        head = f"blk.{layer}"
        add(f"{head}.attn_norm", WIDTH, ones=True)
        add(f"{head}.ffn_norm", WIDTH, ones=True)
        add(f"{head}.attn_q", WIDTH, WIDTH)
        add(f"{head}.attn_k", WIDTH // HEADS * GROUPS, WIDTH)
        add(f"{head}.attn_v", WIDTH // HEADS * GROUPS, WIDTH)
        add(f"{head}.attn_output", WIDTH, WIDTH)
        add(f"{head}.ffn_gate", HIDDEN, WIDTH)
        add(f"{head}.ffn_up", HIDDEN, WIDTH)
        add(f"{head}.ffn_down", WIDTH, HIDDEN)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


Answer = str | tuple[str, str] | Callable[[Request], str | tuple[str, str]]


class Scripted:
    """Answers what it is told: a text, a text and why it ended, or what a function of the request returns."""

    def __init__(self, answers: Sequence[Answer], features: Sequence[str] = ("schema", "grammar")) -> None:
        self.answers, self.features = list(answers), tuple(features)
        self.asked: list[Request] = []
        self.usage = Usage()
        self.closed = 0

    @property
    def identity(self) -> Mapping[str, str]:
        return MappingProxyType({"backend": "scripted", "model": "scripted", "build": "1"})

    def supports(self, feature: str) -> bool:
        return feature in self.features

    def complete(self, request: Request) -> Completion:
        answer: Any = self.answers[len(self.asked) % len(self.answers)]
        self.asked.append(request)
        made = answer(request) if callable(answer) else answer
        text, finish = made if isinstance(made, tuple) else (made, "stop")
        return Completion(text, finish, 10, len(text.split()))

    def close(self) -> None:
        self.closed += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
