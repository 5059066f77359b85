"""The weights of a GGUF file as a torch model in 32-bit floats, for training: llama.cpp itself only runs them.

``transformers`` reads GGUF files, too, but parses the file once for the configuration, once for the tensors and once for
the tokenizer; the file is read once here, which takes a third of the time. What is not laid out like the embedded model
(architecture ``llama``, byte-level tokenizer ``smollm``) is left to ``transformers``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from review.errors import ModelError
from review.llm.weights import Weights

ARCHITECTURE = "llama"
SPLITTING = "smollm"
CONTROL = 3
"""Token type of a GGUF file: never part of text, for example ``<|im_end|>``."""


def read(weights: Weights, *, direct: bool = True) -> tuple[Any, Any]:
    """Return the model and the tokenizer of a GGUF file.

    Parameters
    ----------
    weights : Weights
    direct : bool
        Whether a file that is laid out like the embedded model is read here; else ``transformers`` reads every file.

    Returns
    -------
    transformers.PreTrainedModel
        In 32-bit floats, in evaluation mode.
    transformers.PreTrainedTokenizerBase

    Raises
    ------
    ModelError
        If the file is cut short, or not of an architecture that ``transformers`` knows.
    """
    import gguf

    try:
        reader = gguf.GGUFReader(weights.path)
        facts = {name: field.contents() for name, field in reader.fields.items()}
        if direct and facts.get("general.architecture") == ARCHITECTURE and facts.get("tokenizer.ggml.pre") == SPLITTING:
            return _model(facts, reader.tensors), _tokenizer(facts)
        return _leave(weights)
    except (IndexError, KeyError, NotImplementedError, OSError, ValueError) as error:
        told = f"{type(error).__name__}: {error}"
        message = f"{weights.path} cannot be read for training ({told})"
        raise ModelError(f"{message} -> it may be cut short: download it again, or choose a model of another kind") from None


def _model(facts: Mapping[str, Any], tensors: Any) -> Any:
    import gguf
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    def fact(name: str) -> Any:
        return facts[f"{ARCHITECTURE}.{name}"]

    layers, heads = fact("block_count"), {"q": fact("attention.head_count"), "k": fact("attention.head_count_kv")}
    stored = {tensor.name: tensor for tensor in tensors}
    config = LlamaConfig(
        vocab_size=len(facts["tokenizer.ggml.tokens"]),
        hidden_size=fact("embedding_length"),
        intermediate_size=fact("feed_forward_length"),
        num_hidden_layers=layers,
        num_attention_heads=heads["q"],
        num_key_value_heads=heads["k"],
        head_dim=fact("rope.dimension_count"),
        max_position_embeddings=fact("context_length"),
        rms_norm_eps=fact("attention.layer_norm_rms_epsilon"),
        rope_parameters={"rope_type": "default", "rope_theta": fact("rope.freq_base")},
        tie_word_embeddings="output.weight" not in stored,
        bos_token_id=facts["tokenizer.ggml.bos_token_id"],
        eos_token_id=facts["tokenizer.ggml.eos_token_id"],
        pad_token_id=facts["tokenizer.ggml.padding_token_id"],
        dtype=torch.float32,
    )
    with torch.device("meta"):
        wanted = [name.removesuffix(".weight") for name in LlamaForCausalLM(config).state_dict()]
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, layers)
    state = {}
    for name in wanted:
        if name == "lm_head" and config.tie_word_embeddings:
            continue
        tensor = stored[f"{names.get_name(name)}.weight"]
        values = gguf.dequantize(tensor.data, tensor.tensor_type)
        kind = name[-len("q_proj") :]
        if kind in ("q_proj", "k_proj"):  # llama.cpp keeps the halves of a rotated pair side by side, transformers apart
            values = values.reshape(heads[kind[0]], -1, 2, values.shape[-1]).swapaxes(1, 2).reshape(values.shape)
        state[f"{name}.weight"] = torch.tensor(values, dtype=torch.float32)
    model: Any = LlamaForCausalLM.from_pretrained(None, config=config, state_dict=state)
    return model.eval()


def _tokenizer(facts: Mapping[str, Any]) -> Any:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokens, kinds = facts["tokenizer.ggml.tokens"], facts["tokenizer.ggml.token_type"]
    merges = [tuple(merge.split(" ")) for merge in facts["tokenizer.ggml.merges"]]
    backend = Tokenizer(models.BPE({token: place for place, token in enumerate(tokens)}, merges))
    digits, pieces = pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.pre_tokenizer = pre_tokenizers.Sequence([digits, pieces])
    backend.decoder = decoders.ByteLevel()
    control = [token for token, kind in zip(tokens, kinds, strict=True) if kind == CONTROL]
    backend.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in control])
    named = {"bos": "bos", "eos": "eos", "unk": "unknown", "pad": "padding"}
    special = {f"{name}_token": tokens[facts[f"tokenizer.ggml.{stored}_token_id"]] for name, stored in named.items()}
    kind: Any = PreTrainedTokenizerFast
    return kind(
        tokenizer_object=backend, chat_template=facts["tokenizer.chat_template"], clean_up_tokenization_spaces=False, **special
    )


def _leave(weights: Weights) -> tuple[Any, Any]:
    """Return what ``transformers`` makes of a GGUF file."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, name = weights.path.parent, weights.path.name
    model: Any = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
    model.config.name_or_path = weights.name
    return model.eval(), AutoTokenizer.from_pretrained(folder, gguf_file=name)
