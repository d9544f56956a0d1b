"""Qwen3-ASR and Qwen3-ForcedAligner on torch and transformers.

engine                 the two protocols of speech: prompts, answers, posteriors
setup                  which backend computes, where, in which number format
backend                the interface of a backend
transformers_backend   transformers' own classes: the plain way; transformers_layers for streams
loop_backend           our loop on a CPU; device_backend on a GPU
audio/                 log-mel features and the audio encoder
decoding/              the language model's layers, its cache, the loops over steps
tensors/               weights: read by name, multiplied, packed in 8 bits
streaming              what is kept of an utterance between two steps
loading                opens a stored model; what we take of transformers
preloading             8-bit weights read while transformers is imported
calibration            whether 8-bit weights change what a model writes
prompts, languages     token ids and names
"""
