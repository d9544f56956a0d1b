"""qasr beside other programs for Qwen3-ASR on one machine: the same weights, the same clips, in turn."""
