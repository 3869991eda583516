"""On the path of a child process it gives it an Excel (`excel_engine`) with a workbook open, saved at its end."""

import atexit
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent))
import excel_engine

app = excel_engine.start()
book = app.books.open(os.environ["TEST_WORKBOOK"])
atexit.register(book.save)
