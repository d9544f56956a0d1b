"""Qwen3-ASR computed by vLLM in this process, behind the same protocol as our own engine.

recognizer    `Recognizer` on vLLM, with the prompts, budgets and answers of our own engine; loads the pair
writer        vLLM itself: requests in, tokens out
arguments     what vLLM is started with: context length, memory, devices
penalty_v1    our repetition penalty for vLLM's model runner 1 (CPUs), penalty_v2 for number 2 (GPUs)
environment   the variables that vLLM reads when it is imported, and whether it is installed
"""
