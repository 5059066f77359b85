"""Look at a corpus from any side: filters, the shares that they leave, and the studies behind them.

:func:`view` computes, :func:`show` puts it under the hands of a reader in JupyterLab, :func:`table` makes long tables sortable.
"""

from review.explore.filters import Filters, Labels
from review.explore.tables import start_tables, table
from review.explore.views import View, count_boxes, view
from review.explore.widget import show

__all__ = ["Filters", "Labels", "View", "count_boxes", "show", "start_tables", "table", "view"]
