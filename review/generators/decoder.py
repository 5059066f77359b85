"""Train a small decoder-only transformer, sample it, and score sequences with it: what the ``specialized`` cells share.

Everything runs on one thread and draws from its own seeds, so that the same seed gives the same bytes. A sequence is a list
of token numbers; its first token is given, never predicted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from review.errors import ModelError, OptionError
from review.generators.transformer import Decoder, Memory, one_thread

__all__ = ["Allowed", "Decoder", "Fitted", "fit", "likelihood", "sample"]

Allowed = Callable[[int, list[int]], Sequence[int] | None]
"""Called with the position that is drawn next and the tokens so far; returns the tokens that may stand there, or None for
every one."""

WARM_UP = 0.05
"""Share of the steps during which the learning rate rises."""

IGNORED = -100
"""Target that does not count."""


@dataclass(frozen=True)
class Fitted:
    """A trained decoder.

    Attributes
    ----------
    decoder : Decoder
    losses : tuple of float
        Mean negative log-likelihood in nats a token of each step's batch, before the step.
    watched : tuple of (int, float)
        Steps done, and the loss of the sequences that were only watched.
    """

    decoder: Decoder
    losses: tuple[float, ...]
    watched: tuple[tuple[int, float], ...] = ()


def fit(
    sequences: Sequence[Sequence[int]],
    *,
    vocabulary: int,
    steps: int,
    batch: int = 32,
    width: int = 64,
    layers: int = 2,
    heads: int = 4,
    rate: float = 3e-3,
    seed: int = 0,
    padding: int = 0,
    context: int | None = None,
    dropout: float = 0.0,
    decay: float = 0.01,
    watch: Sequence[Sequence[int]] = (),
    every: int = 50,
    progress: Callable[[int, int], None] | None = None,
) -> Fitted:
    """Train a decoder on sequences (AdamW; the rate rises, then falls as a cosine).

    Parameters
    ----------
    sequences : sequence of sequences of int
        Two tokens or more each. They are visited in random order, each once before any is visited again.
    vocabulary : int
        Number of tokens.
    steps, batch : int
        Steps of training, and sequences a step.
    width, layers, heads : int
    rate : float
        Highest learning rate.
    seed : int
        Of first weights, order and dropout.
    padding : int
        Token that fills short sequences of a batch; what it predicts and what predicts it does not count, so it may be a
        token with a meaning of its own.
    context : int, optional
        Tokens of a sequence at most, also for what is sampled later; the longest sequence if not given.
    dropout, decay : float
        Share of activations left out, and AdamW's weight decay: both work against learning few sequences by heart.
    watch : sequence of sequences of int
        Scored before the first step, after every ``every`` steps and after the last one; nothing is learnt from them.
    every : int
        1 or more.
    progress : callable, optional
        Called with steps done and steps in all.

    Raises
    ------
    OptionError
        If there is nothing to learn from, or a sequence or token does not fit.
    ModelError
        If the loss stops being a number.
    """
    longest = _check(sequences, vocabulary, context)
    if steps < 1 or batch < 1:
        raise OptionError(f"{steps} steps of {batch} sequences -> take 1 or more of each")
    if every < 1:
        raise OptionError(f"every is {every} -> score after every step or more of them")
    if not 0 <= padding < vocabulary:
        raise OptionError(f"the padding {padding} is no token -> choose one from 0 to {vocabulary - 1}")
    with one_thread(), torch.random.fork_rng(devices=[]):
        decoder = Decoder(vocabulary, width, layers, heads, context or longest, dropout=dropout, seed=seed)
        torch.manual_seed(seed)
        order = _orders(len(sequences), np.random.default_rng(seed))
        rising = max(1, round(WARM_UP * steps))
        optimiser = torch.optim.AdamW(decoder.parameters(), lr=rate, weight_decay=decay)
        losses, watched = [], _watched(decoder, watch, 0)
        decoder.train()
        for step in range(steps):
            for group in optimiser.param_groups:
                group["lr"] = rate * min((step + 1) / rising, 0.5 * (1 + np.cos(np.pi * step / steps)))
            chosen = [sequences[next(order)] for _ in range(min(batch, len(sequences)))]
            tokens, targets = _padded(chosen, padding)
            loss = _loss(decoder(tokens), targets)
            losses.append(float(loss.detach()))
            if not np.isfinite(losses[-1]):
                raise ModelError(f"the loss of step {step} is {losses[-1]} -> lower the learning rate")
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
            optimiser.step()
            if (step + 1) % every == 0 or step + 1 == steps:
                watched += _watched(decoder, watch, step + 1)
                decoder.train()
            if progress is not None:
                progress(step + 1, steps)
        decoder.eval()
    return Fitted(decoder, tuple(losses), tuple(watched))


def sample(
    decoder: Decoder,
    prefixes: Sequence[Sequence[int]],
    *,
    length: int,
    temperature: float = 1.0,
    seeds: Sequence[int],
    end: int | None = None,
    allowed: Allowed | None = None,
) -> list[list[int]]:
    """Draw one sequence for each prefix, each alone and with its own seed, so that none depends on the others.

    Parameters
    ----------
    decoder : Decoder
    prefixes : sequence of sequences of int
        One token or more each.
    length : int
        Tokens of a sequence at most, with the prefix.
    temperature : float
        1 draws from the model's distribution; 0 takes the most probable token.
    seeds : sequence of int
        One a prefix.
    end : int, optional
        The token after which a sequence is complete.
    allowed : callable, optional
        Which tokens may come next: the others get probability 0 before the draw.

    Returns
    -------
    list of lists of int
        With prefix and, where it was drawn, ``end``.

    Raises
    ------
    OptionError
        If lengths, temperature or seeds do not fit.
    """
    if len(prefixes) != len(seeds):
        raise OptionError(f"{len(prefixes)} prefixes and {len(seeds)} seeds -> give one seed a prefix")
    if not 1 <= length <= decoder.context:
        raise OptionError(f"a length of {length} -> choose from 1 to {decoder.context}, the model's context")
    if temperature < 0:
        raise OptionError(f"the temperature is {temperature} -> choose 0 or more")
    for prefix in prefixes:
        if not prefix or not all(0 <= token < decoder.vocabulary for token in prefix):
            raise OptionError(f"a prefix needs one token or more, each from 0 to {decoder.vocabulary - 1} -> change it")
    decoder.eval()
    with one_thread(), torch.inference_mode():
        return [
            _continue(decoder, list(prefix), length, temperature, seed, end, allowed)
            for prefix, seed in zip(prefixes, seeds, strict=True)
        ]


def likelihood(decoder: Decoder, sequences: Sequence[Sequence[int]]) -> tuple[float, int]:
    """Return the mean negative log-likelihood in nats a token, and the number of predicted tokens.

    The first token of each sequence is given, not predicted.

    Raises
    ------
    OptionError
        If a sequence is shorter than two tokens or longer than the context, or holds an unknown token.
    """
    _check(sequences, decoder.vocabulary, decoder.context)
    total, count = 0.0, 0
    decoder.eval()
    with one_thread(), torch.inference_mode():
        for sequence in sequences:
            tokens, targets = _padded([sequence], 0)
            total += float(_loss(decoder(tokens), targets, reduction="sum"))
            count += targets.numel()
    return total / count, count


def _watched(decoder: Decoder, sequences: Sequence[Sequence[int]], step: int) -> list[tuple[int, float]]:
    return [(step, likelihood(decoder, sequences)[0])] if sequences else []


def _check(sequences: Sequence[Sequence[int]], vocabulary: int, context: int | None) -> int:
    """Return the length of the longest sequence, or refuse the sequences."""
    if not sequences or min(map(len, sequences)) < 2:
        raise OptionError("the model needs sequences of two tokens or more -> give at least one")
    longest = max(map(len, sequences))
    if context is not None and longest > context:
        raise OptionError(f"a sequence has {longest} tokens and the model's context {context} -> shorten it")
    if min(map(min, sequences)) < 0 or max(map(max, sequences)) >= vocabulary:
        raise OptionError(f"a token is outside 0 to {vocabulary - 1} -> give the size of the vocabulary")
    return longest


def _orders(number: int, draw: np.random.Generator) -> Iterator[int]:
    """Return places without end: one random order after the other."""
    while True:
        yield from draw.permutation(number).tolist()


def _padded(sequences: Sequence[Sequence[int]], padding: int) -> tuple[Tensor, Tensor]:
    """Return inputs and targets (batch, longest - 1); targets behind the end of a sequence do not count."""
    longest = max(map(len, sequences)) - 1
    tokens = [[*sequence[:-1], *[padding] * (longest - len(sequence) + 1)] for sequence in sequences]
    targets = [[*sequence[1:], *[IGNORED] * (longest - len(sequence) + 1)] for sequence in sequences]
    return torch.tensor(tokens), torch.tensor(targets)


def _loss(logits: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
    return functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction=reduction)


def _continue(
    decoder: Decoder,
    tokens: list[int],
    length: int,
    temperature: float,
    seed: int,
    end: int | None,
    allowed: Allowed | None,
) -> list[int]:
    """Return the tokens with drawn ones added until ``end`` or ``length``."""
    draw = np.random.default_rng(seed)
    memory: list[Memory] = []
    new = tokens
    while len(tokens) < length:
        logits = decoder(torch.tensor([new]), memory)[0, -1].double().numpy()
        choice = None if allowed is None else allowed(len(tokens), tokens)
        if choice is not None:
            if not choice:
                raise OptionError(f"no token is allowed at position {len(tokens)} -> allow one or more")
            masked = np.full_like(logits, -np.inf)
            masked[list(choice)] = logits[list(choice)]
            logits = masked
        new = [_pick(logits, temperature, draw)]
        tokens = [*tokens, *new]
        if new[0] == end:
            break
    return tokens


def _pick(logits: np.ndarray, temperature: float, draw: np.random.Generator) -> int:
    """Return a token drawn by inverting the distribution function; of equal logits the first at temperature 0."""
    if temperature == 0:
        return int(logits.argmax())
    weights = np.exp((logits - logits.max()) / temperature)
    sums = weights.cumsum()
    place = int(np.searchsorted(sums, draw.random() * sums[-1], side="right"))
    return min(place, int(weights.nonzero()[0][-1]))  # a draw next to 1 may be rounded up to the whole sum
