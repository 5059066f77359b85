"""Tune the local language model on a few texts (LoRA), sample from it, and say how well it predicts other texts.

Everything runs in 32-bit floats on one processor thread, so that the same seed gives the same numbers.

References
----------
Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, 2021.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from review import llm
from review.errors import ModelError
from review.generators.text_gguf import read
from review.generators.text_sampling import END, START, Sampled, sample
from review.llm import weights as files

if TYPE_CHECKING:
    import torch

    from review.generators import Progress
    from review.llm.weights import Weights

__all__ = ["Base", "Sampled", "chat", "find", "likelihoods", "load_base", "perplexity", "pooled", "sample", "tune"]

RANK, RATE, BATCH = 8, 1e-3, 4
TARGETS = ("q_proj", "v_proj")
CLIP = 1.0
"""Largest norm of the gradient."""
IGNORED = -100


@dataclass
class Base:
    """A language model in memory that can be tuned.

    Attributes
    ----------
    model : transformers.PreTrainedModel or peft.PeftModel
        The second after :func:`tune`.
    tokenizer : transformers.PreTrainedTokenizerBase
    identity : mapping of str to str
        Backend, name, build, licence and SHA-256 of the file; nothing of where it lies.
    """

    model: Any
    tokenizer: Any
    identity: Mapping[str, str]

    @property
    def tuned(self) -> bool:
        """Whether the model has an adapter."""
        return hasattr(self.model, "disable_adapter")

    def encode(self, prompt: str) -> list[int]:
        """Return the tokens of a prompt; those of "" are the start token alone."""
        return list(self.tokenizer(prompt or START, add_special_tokens=False)["input_ids"])

    def pair(self, prompt: str, completion: str) -> tuple[list[int], list[int]]:
        """Return the tokens of a prompt, and those of its completion with the end token."""
        return self.encode(prompt), self.encode(completion + END)

    @contextmanager
    def untuned(self) -> Iterator[None]:
        """Switch the adapter off, to sample or score with the model as it was."""
        if not self.tuned:
            yield
            return
        with self.model.disable_adapter():
            yield


def find(name: str = llm.EMBEDDED) -> Weights:
    """Return the weights that an option ``model`` names: ``embedded`` or the path of a ``.gguf`` file.

    Raises
    ------
    ModelError
        If there are none: an endpoint, for example, cannot be tuned from here.
    """
    found = files.named(name)
    if found is None:
        raise ModelError(f"the language model {name!r} cannot be tuned -> give {llm.EMBEDDED!r} or the path of a .gguf file")
    return found


def load_base(weights: Weights) -> Base:
    """Load a model to tune, on one thread and with deterministic kernels (for the whole process).

    Raises
    ------
    ModelError
        If the file cannot be read for training.
    """
    import peft
    import torch
    import transformers

    logging: Any = transformers.utils.logging
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    model, tokenizer = read(weights)
    libraries = {"torch": torch, "transformers": transformers, "peft": peft}
    identity = {
        "backend": "transformers",
        "model": weights.name,
        "sha256": weights.sha256,
        "licence": weights.licence,
        "build": ", ".join(f"{name} {library.__version__}" for name, library in libraries.items()),
    }
    return Base(model, tokenizer, identity)


def chat(user: str, system: str = "") -> str:
    """Return a prompt in the model's chat format, up to where its answer starts."""
    head = f"{START}system\n{system}{END}\n" if system else ""
    return f"{head}{START}user\n{user}{END}\n{START}assistant\n"


def tune(
    base: Base,
    examples: Sequence[tuple[str, str]],
    *,
    steps: int,
    batch: int = BATCH,
    rank: int = RANK,
    rate: float = RATE,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[float]:
    """Tune a model in place with low-rank adapters on the query and value projections.

    Parameters
    ----------
    base : Base
        An earlier adapter is removed first.
    examples : sequence of (str, str)
        Prompt, as the model is given it (see :func:`chat`; "" is the start token alone), and completion without its end.
    steps : int
        Batches; the examples are drawn without replacement, and again when all were used.
    batch, rank : int
    rate : float
        Learning rate of AdamW, falling linearly to 0.
    seed : int
        Of the adapters' start and the order of the examples.
    progress : callable, optional

    Returns
    -------
    list of float
        Before each step: mean loss of the batch in nats per token of the completions, their end included.
    """
    import peft
    import torch

    if not examples or steps < 1:
        raise ValueError("tuning needs at least one example and one step")
    if base.tuned:
        base.model = base.model.unload()
    tokens = [base.pair(prompt, completion) for prompt, completion in examples]
    adapter = peft.LoraConfig(task_type="CAUSAL_LM", r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules=list(TARGETS))
    with torch.random.fork_rng(), warnings.catch_warnings():
        # peft 0.21 asks transformers 5.24 for an attribute under its old name
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        torch.manual_seed(seed)
        base.model = peft.get_peft_model(base.model, adapter)
    trained = [parameter for parameter in base.model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=rate)
    falling = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / steps)
    draws, order, losses = torch.Generator().manual_seed(seed), list[int](), list[float]()
    base.model.train()
    for step in range(steps):
        while len(order) < batch:
            order += torch.randperm(len(tokens), generator=draws).tolist()
        chosen, order = order[:batch], order[batch:]
        loss = _losses(base, [tokens[place] for place in chosen]).mean()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(trained, CLIP)
        optimiser.step()
        falling.step()
        losses.append(float(loss.detach()))
        if progress is not None:
            progress("tune", step + 1, steps)
    base.model.eval()
    return losses


def likelihoods(base: Base, examples: Sequence[tuple[str, str]]) -> list[tuple[float, int]]:
    """Return for each pair of prompt and completion the negative log-likelihood of the completion, and its tokens.

    Returns
    -------
    list of (float, int)
        In nats, summed over the tokens of the completion and the end token; and the number of these tokens.
    """
    import torch

    scored = []
    with torch.no_grad():
        for prompt, completion in examples:
            losses = _losses(base, [base.pair(prompt, completion)])
            scored.append((float(losses.sum()), len(losses)))
    return scored


def perplexity(base: Base, texts: Sequence[str]) -> tuple[float, int]:
    """Return the perplexity of texts without a prompt, ``exp(mean negative log-likelihood per token)``, and the tokens."""
    return pooled(likelihoods(base, [("", text) for text in texts]))


def pooled(scored: Sequence[tuple[float, int]]) -> tuple[float, int]:
    """Return the perplexity of several texts together, from :func:`likelihoods`, and their tokens."""
    total = sum(tokens for _, tokens in scored)
    return math.exp(sum(loss for loss, _ in scored) / total), total


def _losses(base: Base, pairs: Sequence[tuple[list[int], list[int]]]) -> torch.Tensor:
    """Return the negative log-likelihoods of all tokens of the completions of one batch, in nats, one after the other.

    Logits are computed for these tokens only: with 49,152 tokens in the vocabulary they are the largest part of a step.
    """
    import torch

    longest = max(len(before) + len(after) for before, after in pairs)
    tokens = torch.zeros(len(pairs), longest, dtype=torch.long)
    targets = torch.full((len(pairs), longest), IGNORED)
    mask = torch.zeros(len(pairs), longest, dtype=torch.long)
    for row, (before, after) in enumerate(pairs):
        both = len(before) + len(after)
        tokens[row, :both] = torch.tensor(before + after)
        mask[row, :both] = 1
        targets[row, len(before) - 1 : both - 1] = torch.tensor(after)
    inner = base.model.get_base_model() if base.tuned else base.model
    hidden = inner.base_model(input_ids=tokens, attention_mask=mask, use_cache=False).last_hidden_state
    wanted = targets != IGNORED
    logits = inner.get_output_embeddings()(hidden[wanted])
    return torch.nn.functional.cross_entropy(logits, targets[wanted], reduction="none")
