"""A table for a paper as LaTeX: rules of booktabs, no vertical ones; ASCII wherever LaTeX has a name for a letter."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Any

from review.paper_table import FIGURE_SPACE, Cell, Column, Link, PaperTable, parts

PACKAGES = ("booktabs", "array", "longtable", "hyperref")
"""What a document needs to take a table in."""

LONG = 18
"""Letters of a word that may be broken after its signs."""

_BREAKS = re.compile(r"(?<=[/.:_#-])(?=.)")
_OWN = {FIGURE_SPACE: r"\phantom{0}", "\u2011": "-", "\u00a0": "~", "`": r"\textasciigrave{}"}
_OWN |= {"\u0170": r"\H{U}", "\u0171": r"\H{u}"} | {
    letter: letter for letter in "\u0126\u0127\u0138\u013f\u0140\u0149\u0166\u0167"
}
_OWN |= {
    sign: r"\textsuperscript{" + above + r"}/\textsubscript{" + below + "}"
    for sign in map(chr, range(0x2153, 0x215F))
    for above, below in [unicodedata.normalize("NFKC", sign).split("\u2044")]
}
"""Also letters that pylatexenc prints as others (\u0171 as \u00fa), and fractions, whose command in it LaTeX does not have."""

_LIGATURE = re.compile(r"(?<=([-,]))(?=\1)")
"""Between two hyphens or commas, which TeX would print as one sign."""


@cache
def _encoder() -> Any:
    from pylatexenc.latexencode import UnicodeToLatexEncoder  # type: ignore[import-untyped]

    return UnicodeToLatexEncoder(
        non_ascii_only=False,
        replacement_latex_protection="braces",
        unknown_char_policy="keep",
        unknown_char_warning=False,
    )


def escape(text: str) -> str:
    """Return text that LaTeX prints letter by letter.

    Letters that LaTeX has no name for are kept as they are: XeLaTeX and LuaLaTeX print them if the font has them.
    """
    pieces = re.split(f"([{''.join(_OWN)}])", text)
    coded = (_OWN.get(piece) or _LIGATURE.sub("{}", _encoder().unicode_to_latex(piece)) for piece in pieces if piece)
    return "".join(coded)


def _address(address: str) -> str:
    """Return an address for a link; what would end the argument is percent-encoded."""
    coded = address.replace("\\", "%5C").replace("{", "%7B").replace("}", "%7D").replace("^", "%5E").replace(" ", "%20")
    return coded.replace("%", r"\%").replace("#", r"\#").replace("&", r"\&").replace("_", r"\_").replace("~", r"\~{}")


def _breakable(text: str) -> str:
    """Return escaped text in which addresses and names of files may be broken."""
    words = [_BREAKS.split(word) if len(word) > LONG else [word] for word in text.split(" ")]
    return " ".join(r"\allowbreak{}".join(map(escape, pieces)) for pieces in words)


def _part(part: str | Link) -> str:
    if isinstance(part, str):
        return _breakable(part)
    return rf"\href{{{_address(part.address)}}}{{{_breakable(part.text)}}}"


def _cell(cell: Cell) -> str:
    return "".join(_part(part) for part in parts(cell))


def _row(cells: Iterator[str]) -> str:
    """Return a line; the first cell is guarded, since ``[`` after a line end would be read as its option."""
    texts = list(cells)
    first = f"{{}}{texts[0]}" if texts[0].startswith(("[", "*")) else texts[0]
    return " & ".join([first, *texts[1:]]) + r" \\"


def _column(column: Column) -> str:
    ragged = r"\raggedright" if column.align == "left" else r"\raggedleft"
    return rf">{{{ragged}\arraybackslash}}p{{\dimexpr {column.share:.3f}\linewidth-2\tabcolsep\relax}}"


def _head(table: PaperTable) -> list[str]:
    lines = []
    if table.spans:
        cells, rules, place = [], [], 0
        for label, first, last in table.spans:
            cells += [""] * (first - place)
            cells.append(rf"\multicolumn{{{last - first + 1}}}{{c}}{{{escape(label)}}}")
            rules.append(rf"\cmidrule(lr){{{first + 1}-{last + 1}}}")
            place = last + 1
        cells += [""] * (len(table.columns) - place)
        lines += [_row(iter(cells)), " ".join(rules)]
    return [*lines, _row(escape(column.label) for column in table.columns)]


def _body(table: PaperTable) -> Iterator[str]:
    width = len(table.columns)
    for place, group in enumerate(table.groups):
        if place:
            yield r"\addlinespace"
        if group.title:
            yield rf"\multicolumn{{{width}}}{{@{{}}l}}{{\textbf{{{escape(group.title)}}}}} \\*"
        for row in group.rows:
            yield _row(_cell(cell) for cell in row)
            if table.loose:
                yield r"\addlinespace[2pt]"


def to_latex(table: PaperTable) -> str:
    """Return the table as a piece of LaTeX to take into a document, labelled ``tab:<name>``.

    Tables that may be long are a ``longtable``, which repeats its head on every page, others a floating ``table``.
    """
    table = table.shown()
    spec = "@{}" + "".join(_column(column) for column in table.columns) + "@{}"
    head, body, width = _head(table), list(_body(table)), len(table.columns)
    title = rf"\caption{{{escape(table.title)}}}\label{{tab:{table.name}}}"
    notes = [rf"{_breakable(note)}\par" for note in table.notes]
    if table.long:
        again = rf"\multicolumn{{{width}}}{{@{{}}l}}{{\textit{{continued}}}} \\"
        below = rf"\multicolumn{{{width}}}{{r@{{}}}}{{\textit{{continued on the next page}}}} \\"
        lines = [
            r"\begingroup\footnotesize",
            rf"\begin{{longtable}}{{{spec}}}",
            title + r"\\",
            *[r"\toprule", *head, r"\midrule", r"\endfirsthead"],
            *[again, r"\toprule", *head, r"\midrule", r"\endhead"],
            *[r"\midrule", below, r"\endfoot", r"\bottomrule", r"\endlastfoot"],
            *body,
            r"\end{longtable}",
            *[r"\noindent\begin{minipage}{\linewidth}\footnotesize\raggedright", *notes, r"\end{minipage}", r"\endgroup"],
        ]
    else:
        lines = [
            r"\begin{table}[tbp]",
            r"\setlength{\belowcaptionskip}{6pt}",
            title,
            r"\footnotesize",
            rf"\begin{{tabular}}{{{spec}}}",
            *[r"\toprule", *head, r"\midrule", *body, r"\bottomrule"],
            r"\end{tabular}",
            *[r"\par\smallskip", r"\begin{minipage}{\linewidth}\raggedright", *notes, r"\end{minipage}"],
            r"\end{table}",
        ]
    text = "\n".join(lines) + "\n"
    comments = [f"% needs: {', '.join(PACKAGES)}"]
    if table.wide:
        comments.append("% wide: best on a page in landscape (package pdflscape)")
    odd = sorted({letter for letter in text if not letter.isascii()})
    if odd:
        comments.append(f"% compile with XeLaTeX or LuaLaTeX and a font that has: {' '.join(odd)}")
    return "\n".join(comments) + "\n" + text
