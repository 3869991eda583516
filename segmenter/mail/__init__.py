"""A `Result` as letters: written (`summary`, `body`, `mime`, `letters`), reviewed (`outbox`), sent (`sending`),
remembered (`ledger`)."""
