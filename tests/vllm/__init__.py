"""`make vllm`: qasr with a real vLLM, in process and over HTTP. `make test` collects nothing of it."""
