"""Text, specialized: a small transformer with a tokenizer of its own, trained from scratch on the seed texts alone.

The family of models that are built for clinical text and know nothing else. About 140 short texts are very little for
it: what it writes has the look of notes and hardly any sense, which the measures say in numbers.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from review.files import digest
from review.generators import seeds, text_checks
from review.generators.dataset import Dataset, Record, item_seed, normal
from review.generators.text_labels import adherence
from review.generators.text_ngrams import Ngrams

if TYPE_CHECKING:
    from review.generators import Progress
    from review.generators.decoder import Fitted
    from review.generators.seeds import Seed

DEFAULT_SIZE = 48
BYTES = "broken-bytes"
BROKEN = "\N{REPLACEMENT CHARACTER}"
REASONS: Mapping[str, str] = types.MappingProxyType({**text_checks.REASONS, BYTES: "some bytes are no UTF-8 text"})
HEADS, BATCH, RATE, DROPOUT, DECAY, EVERY = 4, 8, 2e-3, 0.2, 0.1, 25
CONTEXT = 384
"""Tokens of a text at most; what is longer is cut before it is learnt."""


@dataclass(frozen=True)
class Options:
    """What the demonstration can be asked for.

    Attributes
    ----------
    kind : {"note", "dialogue", "report"}
        What is generated; all three kinds are learnt.
    label : str
        One label for all items; "" takes the labels in turn.
    steps : int
        Steps of training.
    vocabulary : int
        Tokens of the tokenizer, 300 or more (256 of them are single bytes).
    width, layers : int
        Size of the network.
    temperature : float
        1 draws from what was learnt; less keeps to what is probable.
    """

    kind: str = "note"
    label: str = ""
    steps: int = 250
    vocabulary: int = 1024
    width: int = 96
    layers: int = 2
    temperature: float = 0.8

    def __post_init__(self) -> None:
        """Refuse what cannot be made."""
        for name, known in (("kind", seeds.KINDS), ("label", ("", *seeds.LABELS))):
            if getattr(self, name) not in known:
                choices = ", ".join(repr(code) for code in known)
                raise ValueError(f"the option {name} is {getattr(self, name)!r} -> choose one of: {choices}")
        for name, least in (("steps", 1), ("vocabulary", 300), ("width", 4), ("layers", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"the option {name} is {getattr(self, name)} -> choose {least} or more")
        if self.width % HEADS:
            raise ValueError(f"the option width is {self.width} -> choose a multiple of {HEADS}")
        if not 0 <= self.temperature < math.inf:
            raise ValueError(f"the option temperature is {self.temperature} -> choose a number of 0 or more")


class Tokens:
    """Byte-level BPE (``tokenizers``) learnt from texts, one token for each kind and label, and one that ends a text.

    Parameters
    ----------
    texts : sequence of str
    size : int
        Tokens at most.
    """

    def __init__(self, texts: Sequence[str], size: int) -> None:
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

        marks = [f"<{kind} {label}>" for kind in seeds.KINDS for label in seeds.LABELS]
        self._coder: Any = Tokenizer(models.BPE())
        self._coder.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        self._coder.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(
            vocab_size=size, special_tokens=["<end>", *marks], initial_alphabet=sorted(alphabet), show_progress=False
        )
        self._coder.train_from_iterator(list(texts), trainer)
        self._coder.encode_special_tokens = True  # "<end>" in a text is five letters
        self.end = 0
        self.size = int(self._coder.get_vocab_size())
        self.usable = [self.end, *range(1 + len(marks), self.size)]

    def start(self, kind: str, label: str) -> int:
        """Return the token that says what a text is to be."""
        return 1 + seeds.KINDS.index(kind) * len(seeds.LABELS) + seeds.LABELS.index(label)

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text, none of them special whatever the text holds."""
        return [int(token) for token in self._coder.encode(text, add_special_tokens=False).ids]

    def sequence(self, seed: Seed, label: str = "") -> list[int]:
        """Return a whole text as it is learnt: start, text and end, or as much of it as fits; ``label`` may be a wrong one."""
        return [self.start(seed.kind, label or seed.label), *self.encode(seed.text), self.end][:CONTEXT]

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens, without the special ones."""
        return str(self._coder.decode([token for token in tokens if token > len(seeds.KINDS) * len(seeds.LABELS)]))

    @property
    def checksum(self) -> str:
        """SHA-256 of the vocabulary and the merges."""
        return digest(json.dumps(json.loads(self._coder.to_str()), sort_keys=True).encode())


def generate(n: int, seed: int, options: Options, progress: Progress) -> Dataset:
    """Train the tokenizer and the network, and write; see :func:`review.generators.generate`."""
    from review.generators import decoder

    train, held = seeds.split(seeds.load(), seed)
    tokens = Tokens([item.text for item in train], options.vocabulary)
    sequences = [tokens.sequence(item) for item in train]
    watched = [item for item in held if item.kind == options.kind]
    fitted = decoder.fit(
        sequences,
        vocabulary=tokens.size,
        steps=options.steps,
        batch=BATCH,
        width=options.width,
        layers=options.layers,
        heads=HEADS,
        rate=RATE,
        dropout=DROPOUT,
        decay=DECAY,
        seed=seed,
        context=CONTEXT,
        watch=[tokens.sequence(item) for item in watched],
        every=EVERY,
        progress=lambda done, total: progress("fit", done, total),
    )
    sources = {item.id: item.text for item in train}
    records: list[Record] = []
    for index in range(n):
        own = item_seed(seed, index)
        label, text, ended = _write(index, own, fitted, tokens, options)
        earlier = {normal(record.content["text"]) for record in records if record.accepted}
        reason, detail = judge(text, sources, earlier, ended=ended)
        parameters = {"kind": options.kind, "label": label, "temperature": options.temperature}
        records.append(Record(index, {"text": text, "label": label}, reason, detail, own, parameters))
        progress("write", index + 1, n)
    made = [(record.parameters["label"], record.content["text"]) for record in records if record.accepted]
    measures = {
        "training": _training(fitted),
        "prediction": _prediction(fitted, tokens, train, watched),
        "adherence": adherence(train, watched, made),
    }
    model = {
        "backend": "torch",
        "model": f"decoder trained from scratch, {fitted.decoder.size} parameters",
        "sha256": fitted.decoder.checksum,
        "build": _build(),
    }
    settings = {"batch": BATCH, "rate": RATE, "dropout": DROPOUT, "decay": DECAY, "heads": HEADS, "context": CONTEXT}
    facts = {
        "learnt": len(train),
        "held_out": len(watched),
        "cut": sum(sequence[-1] != tokens.end for sequence in sequences),
        "tokens": tokens.size,
        "tokenizer": tokens.checksum,
        "source": "data/seeds, written for this project by a language model, not reviewed by clinicians",
    }
    configuration = {**dataclasses.asdict(options), **settings, **facts}
    return Dataset("text", "specialized", seed, model, configuration, REASONS, tuple(records), measures)


def _build() -> str:
    import tokenizers
    import torch

    return f"torch {torch.__version__}, tokenizers {tokenizers.__version__}"


def _write(index: int, own: int, fitted: Fitted, tokens: Tokens, options: Options) -> tuple[str, str, bool]:
    """Return the label of an item, its text, and whether the network ended it."""
    from review.generators import decoder

    label = options.label or seeds.LABELS[index % len(seeds.LABELS)]
    drawn = decoder.sample(
        fitted.decoder,
        [[tokens.start(options.kind, label)]],
        length=CONTEXT,
        temperature=options.temperature,
        seeds=[own],
        end=tokens.end,
        allowed=lambda _, __: tokens.usable,
    )[0]
    return label, tokens.decode(drawn).strip(), drawn[-1] == tokens.end


def judge(text: str, sources: Mapping[str, str], earlier: Collection[str], *, ended: bool) -> tuple[str, str]:
    """Return why a text is rejected, and what exactly was wrong; two empty strings if nothing was."""
    if text and not ended:
        return text_checks.CUT, f"after {len(text.split())} words"
    if BROKEN in text:
        return BYTES, f"{text.count(BROKEN)} places"
    return text_checks.fault(text, sources, earlier)


def _training(fitted: Fitted) -> tuple[dict[str, Any], ...]:
    """Return the loss by step: of the texts held out, and the mean of the batches since the last look."""
    rows: list[dict[str, Any]] = []
    for (before, _), (step, loss) in zip(fitted.watched, fitted.watched[1:], strict=False):
        batches = fitted.losses[before:step]
        rows.append({"step": step, "loss": round(sum(batches) / len(batches), 4), "series": "texts to learn from"})
        rows.append({"step": step, "loss": round(loss, 4), "series": "texts held out"})
    return tuple(rows)


def _prediction(fitted: Fitted, tokens: Tokens, train: Sequence[Seed], held: Sequence[Seed]) -> tuple[dict[str, Any], ...]:
    """Return bits per character of held-out texts under the network, with right and wrong labels, and under n-grams.

    Texts that do not fit into the context are left out for all; how many is said. Fewer bits are better.
    """
    from review.generators import decoder

    scored = [item for item in held if tokens.sequence(item)[-1] == tokens.end]
    characters = sum(len(item.text) for item in scored)
    if not characters:
        return ()

    def network(sequences: Sequence[Sequence[int]]) -> float:
        loss, count = decoder.likelihood(fitted.decoder, sequences)
        return loss * count / math.log(2)

    wrong = [[tokens.sequence(item, label) for label in seeds.LABELS if label != item.label] for item in scored]
    bits = {
        "network, right label": network([tokens.sequence(item) for item in scored]),
        "network, wrong labels (mean)": network([sequence for part in wrong for sequence in part]) / (len(seeds.LABELS) - 1),
    }
    for order, name in ((1, "bytes (unigrams)"), (3, "bytes (trigrams)"), (5, "bytes (5-grams)")):
        counted = Ngrams([item.text for item in train], order)
        bits[name] = sum(counted.bits(item.text) for item in scored)
    facts = {"texts": len(scored), "left_out": len(held) - len(scored), "characters": characters}
    return tuple({"model": name, "bits_per_character": round(value / characters, 4), **facts} for name, value in bits.items())
