"""Rows of ``coding.csv`` that may be wrong, found for the whole table at once: most tables have none, and may be long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from review import codebook

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from review.codebook import Codebook


class Rows:
    """The rows of a table as numbers of equal keys, coders, dimensions and values.

    Attributes
    ----------
    group : ndarray of int, shape (rows,)
        The same number for what one coder said about one study in one dimension.
    several : ndarray of bool, shape (rows,)
        Whether the group of a row has other rows.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        import numpy as np
        import pandas as pd

        def numbered(values: np.ndarray) -> np.ndarray:
            return pd.factorize(values)[0].astype(np.int64)

        key, coder = (pd.factorize(table[name])[0].astype(np.int64) for name in ("key", "coder"))
        dimension, self._dimensions = pd.factorize(table["dimension"])
        value, self._values = pd.factorize(table["value"])
        self.index, self._value = table.index, value
        self._pair = dimension * np.int64(len(self._values)) + value
        said = numbered(key * (coder.max(initial=0) + 1) + coder)
        self.group = numbered(said * np.int64(len(self._dimensions)) + dimension)
        self.several = np.bincount(self.group)[self.group] > 1 if len(table) else np.zeros(0, dtype=bool)

    def twice(self) -> pd.Series:
        """Return which rows say what an earlier one has said."""
        import numpy as np
        import pandas as pd

        found = np.zeros(len(self.group), dtype=bool)
        said = self.group[self.several] * np.int64(len(self._values)) + self._value[self.several]
        found[self.several] = pd.Series(said).duplicated().to_numpy()
        return pd.Series(found, index=self.index)

    def suspect(self, book: Codebook) -> pd.Series:
        """Return the rows of all groups in which a code is not in the codebook, or may contradict another."""
        import numpy as np
        import pandas as pd

        pair, pairs = pd.factorize(self._pair)
        places = [divmod(int(each), len(self._values)) for each in pairs]
        asked = [(book.dimensions.get(self._dimensions[first]), self._values[second]) for first, second in places]
        allowed = np.array([dimension is not None and dimension.allows(code) for dimension, code in asked], dtype=bool)
        alone = np.array([code == "" or dimension is None or dimension.exclusive for dimension, code in asked], dtype=bool)
        denies = np.array([code.startswith(codebook.NOT) for _, code in asked], dtype=bool)
        wrong = ~allowed[pair] | (self.several & alone[pair])
        if (self.several & denies[pair]).any():
            about = pd.factorize(np.array([code.removeprefix(codebook.NOT) for _, code in asked], dtype=object))[0]
            subject = self.group * np.int64(len(asked)) + about[pair]
            wrong |= ~denies[pair] & np.isin(subject, subject[self.several & denies[pair]])
        groups = np.zeros(len(self.group), dtype=bool)
        groups[self.group[wrong]] = True
        return pd.Series(groups[self.group], index=self.index)
