"""From embeddings to tokens: the language model's layers, its cache, and the loops over steps."""
