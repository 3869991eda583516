"""A `Result` as a page, Word or PDF: its figures, charts, templates, and the child process that renders them."""
