"""Qwen3-ASR and its forced aligner on torch and transformers."""
