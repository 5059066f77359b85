"""Where inputs start: the tiny corpus, the examples of how to get it wrong, and words that mean something in each format."""

from __future__ import annotations

from functools import cache

from fuzzing.limits import PROJECT
from review import corpus

TINY = PROJECT / "tests" / "examples" / "valid" / "tiny"
INVALID = PROJECT / "tests" / "examples" / "invalid"
MARK = "=== "
"""Stands before the name of each file of a corpus that is one input."""

BIB_WORDS = tuple(
    word.encode()
    for word in (
        *("@article{", "@misc{", "@book(", "@string{a = {b}}", "@comment{", "@preamble{", "@", "title = {", "author = {"),
        *("year = {2020},", "doi = {", "eprint = {", "pages = {1--9},", "month = jan,", " and ", "others", "{{", "}}", "},"),
        *(" # ", '"', "\\&", "\\%", "\\{", "\\}", "\\\\", "{\\ss}", "\\'{e}", '\\"o', "$x^2$", "\\verb|x|", "\\begin{x}"),
        *("\\end{x}", "\\textbackslash", "``", "''", "---", "~", "%", "\\url{", "\\href{a}{b}", "\\input{x}", "\\newcommand"),
        *("\\def\\x{\\x}", "^^M", "\\'", "\\^", "{\\lbrace}", "\\includegraphics{x}", "\\emph{", "\\item", "\\frac{1}{2}"),
        *(
            "$$",
            "\\(",
            "\\]",
            "\\char1",
        ),
    )
)
YAML_WORDS = tuple(
    word.encode()
    for word in (
        *("title: ", "kind: single", "kind: multiple", "absence: unlisted", "definition: ", "categories:", "include: "),
        *("exclude: ", "review:", "dimensions:", "terms: [a]", "sources: [pubmed]", "own:", "concepts:", "since: 2020-01-01"),
        *("where: []", "status: answered", "optional: true", "items:", "- ", "? ", ": ", "!!str "),
        *("!!python/object:os.system ", "&a ", "*a", "<<: ", "|", ">-", "---", "...", "%YAML 1.1", "# ", "{", "}", "[", "]"),
        *("'", '"', "0x1F", "1_000", "1:30", ".inf", ".nan", "~", "null", "yes", "off", "2020-13-45", "0o17", "012"),
        *(
            "!!binary aGk=",
            "!!set {a}",
            '"\\x00"',
            '"\\ud800"',
            '"\\e[31m"',
            "=",
            "not ",
        ),
    )
)
YAML_LINES = tuple(word + b"\n" for word in YAML_WORDS if word.endswith((b":", b"single", b"multiple", b"unlisted")))


def examples(name: str) -> list[bytes]:
    """Return a file of the tiny corpus, and every example of how to get it wrong."""
    return [path.read_bytes() for path in (TINY / name, *sorted(INVALID.glob(f"*/{name}")))]


def table_words(name: str) -> tuple[bytes, ...]:
    words = {field for line in (TINY / name).read_text("utf-8").splitlines() for field in line.split(",")}
    return (
        *(word.encode() for word in sorted(words)),
        b'"',
        b'""',
        b",,",
        b'",\n',
        b"not ",
        b"pending",
        b"consensus",
        b"llm",
        b"\r\n",
        b'"a\nb"',
    )


@cache
def whole_words() -> tuple[bytes, ...]:
    words = {word for name in corpus.FILES if name.endswith(".csv") for word in table_words(name)}
    return (*sorted(words), *BIB_WORDS[:14], *YAML_WORDS[:10], *(f"{MARK}{name}\n".encode() for name in corpus.FILES))
