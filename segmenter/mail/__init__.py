"""A `Result` as letters: written, reviewed, sent, remembered."""
