"""The server under load, beside vLLM's own server with the same model: `make bench-serve`."""
