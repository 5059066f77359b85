"""What every generator returns: records, accepted or not, each with its provenance."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review.files import digest, to_json, write_bytes
from review.statistics import wilson

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "synthetic-data-review/records/1"
ACCEPTED = "accepted"


@dataclass(frozen=True)
class Record:
    """One item that the generator was asked for.

    Attributes
    ----------
    index : int
        Place in the dataset, from 0.
    content : mapping
        The item as plain values, for example ``{"text": ..., "label": ...}`` or one value a column; what could be read
        of a rejected item, possibly nothing.
    reason : str
        Why the item was rejected (a code of the cell), "" if it was accepted.
    detail : str
        What exactly was wrong, for example the column and value.
    seed : int
        Seed of this item.
    parameters : mapping
        What this item was asked for: technique, label, attributes, temperature.
    prompt : str
        What the model was given, "" for a model without a prompt.
    raw : str
        What the model returned, word for word; "" where that is the content itself.
    """

    index: int
    content: Mapping[str, Any]
    reason: str = ""
    detail: str = ""
    seed: int = 0
    parameters: Mapping[str, Any] = field(default_factory=dict)
    prompt: str = ""
    raw: str = ""

    @property
    def accepted(self) -> bool:
        """Whether nothing was wrong with the item."""
        return not self.reason


@dataclass(frozen=True)
class Dataset:
    """The records of one run of one generator.

    Attributes
    ----------
    modality, method : str
        The cell.
    seed : int
    model : mapping of str to str
        What made the records: backend, name, build, SHA-256 of its file where it has one.
    configuration : mapping
        Every option and constant that decides the result.
    reasons : mapping of str to str
        The cell's reasons for rejection, in words.
    records : tuple of Record
    measures : mapping of str to tuple of mappings
        Named tables of what was measured on the way, for example perplexity or the loss of training.
    """

    modality: str
    method: str
    seed: int
    model: Mapping[str, str]
    configuration: Mapping[str, Any]
    reasons: Mapping[str, str]
    records: tuple[Record, ...]
    measures: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a record that was rejected for a reason which nobody explains."""
        unexplained = sorted({record.reason for record in self.records if record.reason} - set(self.reasons))
        if unexplained:
            raise ValueError(f"reasons without an explanation: {', '.join(unexplained)}")

    @property
    def cell(self) -> str:
        """Modality and method in one word."""
        return f"{self.modality}/{self.method}"

    @property
    def accepted(self) -> tuple[Record, ...]:
        """The records with which nothing was wrong."""
        return tuple(record for record in self.records if record.accepted)

    @property
    def recipe(self) -> str:
        """SHA-256 of cell, model, configuration and seed: what has to be the same for the same records."""
        facts = [self.cell, dict(self.model), dict(self.configuration), self.seed]
        return digest(json.dumps(facts, sort_keys=True, ensure_ascii=False).encode())

    def frame(self, *, rejected: bool = False) -> pd.DataFrame:
        """Return the contents as a table, one row an accepted item.

        Parameters
        ----------
        rejected : bool
            Whether rejected items are rows, too; then ``index``, ``accepted``, ``reason`` and ``detail`` come first.
        """
        import pandas as pd

        if not rejected:
            return pd.DataFrame([dict(record.content) for record in self.accepted])
        facts = ("index", "accepted", "reason", "detail")
        return pd.DataFrame([{**{name: getattr(item, name) for name in facts}, **item.content} for item in self.records])

    def outcomes(self, by: str = "") -> pd.DataFrame:
        """Count what became of the items.

        Parameters
        ----------
        by : str
            A parameter of the records to count apart, for example ``technique``; "" counts all together.

        Returns
        -------
        DataFrame
            ``group, outcome, meaning, count, total, share, low, high``: for each group first ``accepted``, then each
            reason that occurred, with 95 % Wilson intervals.
        """
        import pandas as pd

        groups: dict[str, list[Record]] = {}
        for record in self.records:
            groups.setdefault(str(record.parameters.get(by, "")) if by else "all", []).append(record)
        rows = []
        for group, records in groups.items():
            counts = Counter(record.reason or ACCEPTED for record in records)
            for outcome in [ACCEPTED, *(reason for reason in self.reasons if counts[reason])]:
                low, high = wilson(counts[outcome], len(records))
                meaning = "nothing was wrong with it" if outcome == ACCEPTED else self.reasons[outcome]
                share = counts[outcome] / len(records)
                rows.append((group, outcome, meaning, counts[outcome], len(records), share, low, high))
        return pd.DataFrame(rows, columns=["group", "outcome", "meaning", "count", "total", "share", "low", "high"])

    def measure(self, name: str) -> pd.DataFrame:
        """Return one of :attr:`measures` as a table.

        Raises
        ------
        KeyError
            If there is none of that name.
        """
        import pandas as pd

        return pd.DataFrame([dict(row) for row in self.measures[name]])

    def rows(self) -> Iterable[dict[str, Any]]:
        """Return each record with its whole provenance, as it is written."""
        common = {
            "format": FORMAT,
            "modality": self.modality,
            "method": self.method,
            "model": self.model.get("model", ""),
            "model_sha256": self.model.get("sha256", ""),
            "recipe": self.recipe,
        }
        for record in self.records:
            yield {
                **common,
                "index": record.index,
                "seed": record.seed,
                "accepted": record.accepted,
                "reason": record.reason,
                "detail": record.detail,
                "parameters": dict(record.parameters),
                "content": dict(record.content),
                "prompt": record.prompt,
                "raw": record.raw,
            }

    def write(self, path: Path) -> tuple[Path, Path]:
        """Write the records as JSON lines, and beside them ``<name>.provenance.json``; return both paths.

        The second file holds model, configuration, reasons, outcomes and measures.
        """
        lines = [json.dumps(row, ensure_ascii=False, allow_nan=False) for row in self.rows()]
        facts = {
            "format": FORMAT,
            "modality": self.modality,
            "method": self.method,
            "seed": self.seed,
            "recipe": self.recipe,
            "model": dict(self.model),
            "configuration": dict(self.configuration),
            "reasons": dict(self.reasons),
            "asked": len(self.records),
            "accepted": len(self.accepted),
            "measures": {name: [dict(row) for row in table] for name, table in self.measures.items()},
        }
        write_bytes(path, _bytes("".join(line + "\n" for line in lines)))
        write_bytes(beside(path), _bytes(to_json(facts)))
        return path, beside(path)


def beside(path: Path) -> Path:
    """Return the name of the file that tells where records come from."""
    return path.with_name(path.stem + ".provenance.json")


def _bytes(text: str) -> bytes:
    """Return JSON as UTF-8; half a surrogate pair, which a model may write, becomes its JSON escape."""
    return text.encode("utf-8", "backslashreplace")


def item_seed(seed: int, index: int) -> int:
    """Return the seed of one item: spread over 31 bits, the same for the same seed and index."""
    return int.from_bytes(bytes.fromhex(digest(f"{seed}/{index}".encode()))[:4], "big") & 0x7FFFFFFF


def normal(text: str) -> str:
    """Return text as it is compared: lower case, runs of white space as one blank."""
    return " ".join(text.lower().split())


def copied(text: str, sources: Sequence[str], longest: int = 8) -> bool:
    """Tell whether ``text`` shares ``longest`` words in a row with one of the sources, or is one of them."""
    words = normal(text).split()
    runs = {tuple(words[start : start + longest]) for start in range(len(words) - longest + 1)}
    for source in sources:
        other = normal(source).split()
        if words == other:
            return True
        if any(tuple(other[start : start + longest]) in runs for start in range(len(other) - longest + 1)):
            return True
    return False
