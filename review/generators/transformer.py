"""The network behind the three ``specialized`` cells: a small decoder-only transformer.

Pre-normalised blocks of causal self-attention (Vaswani et al. 2017) and a two-layer perceptron, learned positions, output
weights shared with the token embeddings. Training and sampling are in :mod:`review.generators.decoder`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from review.errors import OptionError

Memory = tuple[Tensor, Tensor]
"""Keys and values of the tokens so far, each (batch, heads, length, width / heads)."""

SPREAD = 0.02
"""Standard deviation of the weights before training."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread: sums of several threads depend on how many there are."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Block(nn.Module):
    """Causal self-attention, then a perceptron; each adds to what comes in.

    Parameters
    ----------
    width, heads : int
    dropout : float
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mix, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor, memory: Memory | None = None) -> tuple[Tensor, Memory]:
        """Return the next layer (batch, length, width) and the memory with these tokens added.

        With a memory, ``x`` holds one token a sequence: the next one.
        """
        batch, length, width = x.shape
        mixed = self.mix(self.first(x)).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = (part.transpose(1, 2) for part in mixed.unbind(2))
        if memory is not None:
            key, value = torch.cat((memory[0], key), 2), torch.cat((memory[1], value), 2)
        drop = self.dropout if self.training else 0.0
        seen = functional.scaled_dot_product_attention(query, key, value, dropout_p=drop, is_causal=memory is None)
        x = x + self._drop(self.out(seen.transpose(1, 2).reshape(batch, length, width)))
        return x + self._drop(self.down(functional.gelu(self.up(self.second(x))))), (key, value)

    def _drop(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.dropout, self.training)


class Decoder(nn.Module):
    """A decoder-only transformer.

    Parameters
    ----------
    vocabulary : int
        Number of tokens.
    width, layers, heads : int
        ``heads`` divides ``width``.
    context : int
        Tokens of a sequence at most.
    dropout : float
        Share of the activations that training leaves out.
    seed : int
        Of the weights before training.

    Raises
    ------
    OptionError
        If the sizes do not fit together.
    """

    def __init__(
        self,
        vocabulary: int,
        width: int = 64,
        layers: int = 2,
        heads: int = 4,
        context: int = 128,
        *,
        dropout: float = 0.0,
        seed: int = 0,
    ) -> None:
        if min(vocabulary, width, layers, heads, context) < 1:
            raise OptionError("vocabulary, width, layers, heads and context are 1 or more -> change them")
        if width % heads:
            raise OptionError(f"{heads} heads do not divide the width {width} -> choose a width that they divide")
        super().__init__()
        self.vocabulary, self.context = vocabulary, context
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
            self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
            self.last = nn.LayerNorm(width)
            for weights in self.parameters():
                if weights.dim() > 1:
                    nn.init.normal_(weights, std=SPREAD)

    def forward(self, tokens: Tensor, memory: list[Memory] | None = None) -> Tensor:
        """Return the logits of each next token.

        Parameters
        ----------
        tokens : Tensor
            Token numbers, (batch, length).
        memory : list, optional
            Empty at first, filled in place: then each further call needs the one next token only.

        Returns
        -------
        Tensor
            (batch, length, vocabulary).
        """
        past = memory[0][0].shape[2] if memory else 0
        places = torch.arange(past, past + tokens.shape[1])
        x = self.tokens(tokens) + self.places(places)
        kept = []
        for index, block in enumerate(self.blocks):
            x, one = block(x, memory[index] if memory else None)
            kept.append(one)
        if memory is not None:
            memory[:] = kept
        return functional.linear(self.last(x), self.tokens.weight)

    @property
    def size(self) -> int:
        """Number of parameters."""
        return sum(weights.numel() for weights in self.parameters())

    @property
    def checksum(self) -> str:
        """SHA-256 of the parameters: equal weights, equal text."""
        total = hashlib.sha256()
        for name, weights in self.state_dict().items():
            total.update(f"{name} {tuple(weights.shape)} ".encode())
            total.update(weights.contiguous().numpy().tobytes())
        return total.hexdigest()
