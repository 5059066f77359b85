"""Draw completions from the language model in memory, in batches, each from its own stream of random numbers.

References
----------
The Gumbel-max way of drawing from a distribution: Gumbel, 1954.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from review.generators import Progress
    from review.generators.tuning import Base

START, END = "<|im_start|>", "<|im_end|>"
"""Tokens around a turn of a conversation; a completion ends with ``END``."""
BATCH = 16
"""Items at a time; with 8 or fewer most of the time goes into moving the weights."""


@dataclass(frozen=True)
class Sampled:
    """One drawn completion.

    Attributes
    ----------
    text : str
    finished : bool
        Whether the model ended it; else it was cut off.
    """

    text: str
    finished: bool


def sample(
    base: Base,
    prompts: Sequence[str],
    *,
    max_tokens: int,
    temperature: float = 0.8,
    top_p: float = 0.95,
    seeds: Sequence[int],
    batch: int = BATCH,
    progress: Progress | None = None,
) -> list[Sampled]:
    """Draw a completion for each prompt.

    Each item has its own stream of random numbers, so its draws do not depend on the other items. Its probabilities do,
    in their last bits: prompts are padded on the left to the longest of the batch, and sums are taken in another order.
    A draw that is a near tie can then fall differently. The same prompts, seeds and batch size always give the same texts.

    Parameters
    ----------
    prompts : sequence of str
        As the model is given them; "" is the start token alone.
    max_tokens : int
        Tokens of a completion at most, its end included.
    temperature : float
        0 takes the most probable token each time.
    top_p : float
        Probability mass of the tokens to draw from.
    seeds : sequence of int
        One an item.
    batch : int
        Items at a time.

    Returns
    -------
    list of Sampled

    Raises
    ------
    ValueError
        If there are not as many seeds as prompts.
    """
    if len(seeds) != len(prompts):
        raise ValueError(f"{len(seeds)} seeds for {len(prompts)} prompts")
    import torch
    from transformers import GenerationConfig, LogitsProcessorList, TemperatureLogitsWarper, TopPLogitsWarper

    end = base.tokenizer.convert_tokens_to_ids(END)
    kind: Any = GenerationConfig
    settings = kind(max_new_tokens=max_tokens, do_sample=False, eos_token_id=end, pad_token_id=end, use_cache=True)
    drawn: list[Sampled] = []
    for start in range(0, len(prompts), batch):
        some = [base.encode(prompt) for prompt in prompts[start : start + batch]]
        longest = max(map(len, some))
        tokens = torch.tensor([[end] * (longest - len(row)) + row for row in some])
        mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in some])
        processors = LogitsProcessorList()
        if temperature > 0:
            warpers = [TemperatureLogitsWarper(temperature), TopPLogitsWarper(top_p)]
            processors.extend([*warpers, _Noise(seeds[start : start + batch])])
        with torch.no_grad():
            made = base.model.generate(
                input_ids=tokens, attention_mask=mask, generation_config=settings, logits_processor=processors
            )
        for row in made[:, longest:].tolist():
            finished = end in row
            text = base.tokenizer.decode(row[: row.index(end)] if finished else row, skip_special_tokens=True)
            drawn.append(Sampled(text, finished))
        if progress is not None:
            progress("sample", len(drawn), len(prompts))
    return drawn


class _Noise:
    """Add Gumbel noise to log-probabilities: the largest sum is then a draw from them, from each item's own stream."""

    def __init__(self, seeds: Sequence[int]) -> None:
        import torch

        self.streams = [torch.Generator().manual_seed(seed) for seed in seeds]

    def __call__(self, _: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        import torch

        noise = torch.stack([torch.empty(scores.shape[1]).exponential_(generator=stream) for stream in self.streams])
        return scores - noise.log()
