"""What the interface to the language model costs, as ratios measured side by side in one run.

Run ``python benchmarks/llm.py [--repetitions 7] [--out DIR]`` on an idle machine. Each repetition takes all variants in turn;
of each the median is shown, and its ratio to the bare runtime on the same prompt, seed and number of tokens.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from review import llm
from review.files import to_json, write_text
from review.llm import Message, Request, weights
from review.llm.local import Local

TOKENS = 96
PROMPT = "Write a long note about a patient with a cough that does not end. Go on for many sentences."
SCHEMA = {
    "type": "object",
    "properties": {"note": {"type": "string", "minLength": 300, "maxLength": 300}},
    "required": ["note"],
    "additionalProperties": False,
}


def bare() -> Callable[[], int]:
    """Return the runtime itself, asked for the same answer."""
    import xllamacpp

    options = xllamacpp.CommonParams()
    options.model.path = str(weights.embedded().path)
    options.n_ctx, options.n_parallel, options.warmup, options.verbosity = 2048, 1, False, -1
    options.cpuparams.n_threads = options.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(options)
    body = {
        "messages": [{"role": "user", "content": PROMPT}],
        "max_tokens": TOKENS,
        "temperature": 0.8,
        "top_p": 0.95,
        "seed": 1,
        "cache_prompt": False,
    }
    return lambda: int(server.handle_chat_completions(body)["usage"]["completion_tokens"])


def asked(model: llm.Model, **changes: object) -> Callable[[], int]:
    """Return a request to a model."""
    request = Request((Message("user", PROMPT),), max_tokens=TOKENS, seed=1, **changes)  # type: ignore[arg-type]
    return lambda: model.complete(request).completion_tokens


def main() -> None:
    """Measure, print and write."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--repetitions", type=int, default=7)
    arguments.add_argument("--out", type=Path, default=Path("runs/benchmarks"))
    options = arguments.parse_args()
    file = weights.embedded()
    with tempfile.TemporaryDirectory() as folder:
        one, two = Local(file, threads=1), Local(file, threads=2)
        cached = llm.load(cache=Path(folder))
        variants = {
            "bare runtime": bare(),
            "review.llm": asked(one),
            "review.llm, JSON schema": asked(one, schema=SCHEMA),
            "review.llm, two threads": asked(two),
            "review.llm, answer in the cache": asked(cached),
        }
        for run in variants.values():
            run()  # the first answer pays for what is set up once
        speeds: dict[str, list[float]] = {name: [] for name in variants}
        for repetition in range(options.repetitions):
            for name, run in variants.items():
                start = time.perf_counter()
                tokens = run()
                speeds[name].append(tokens / (time.perf_counter() - start))
            print(f"repetition {repetition + 1} of {options.repetitions}", file=sys.stderr)
    base = statistics.median(speeds["bare runtime"])
    rows = []
    for name, values in speeds.items():
        middle = statistics.median(values)
        rows.append({"variant": name, "tokens_per_second": round(middle, 1), "ratio": round(middle / base, 3)})
        print(f"{name:<34} {middle:>10.1f} tokens/s   {middle / base:>8.3f} of the bare runtime")
    write_text(options.out / "llm.json", to_json(rows))


if __name__ == "__main__":
    main()
