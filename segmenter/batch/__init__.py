"""Many workbooks in one go."""
