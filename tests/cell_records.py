"""Records as the nine demonstrations write them, made in a second without a model: for what reads records."""

from pathlib import Path

from review.evaluation import cells
from review.files import records
from review.generators import seeds, tables
from review.generators.dataset import Dataset, Record

SIZE = 12


def write(folder: Path, seed: int) -> Path:
    """Write records of all nine cells; every fourth is rejected. Return the folder."""
    train, _ = tables.load("breast-cancer").split(seed)
    rows = {
        "text": [{"text": item.text, "label": item.label} for item in seeds.load("note")[:SIZE]],
        "tabular": tables.load("breast-cancer").rows(train.head(SIZE)),
        "multimodal": records(cells._segments("lessons", seed).head(SIZE)),
    }
    configurations = {"text": {"kind": "note"}, "tabular": {"table": "breast-cancer", "columns": "chosen"}, "multimodal": {}}
    for number, (modality, method) in cells.numbered().items():
        items = tuple(Record(place, row, "bad" if place % 4 == 3 else "") for place, row in enumerate(rows[modality] * 2))
        made = Dataset(modality, method, seed, {"model": "none"}, configurations[modality], {"bad": "bad"}, items)
        made.write(folder / f"{number}-records.jsonl")
    return folder
