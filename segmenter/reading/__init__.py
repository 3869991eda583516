"""From cells to typed values: what people type, read without guessing."""
