"""The recipe of the demo pair: a tiny recogniser and aligner trained on synthetic speech.

In: nothing but the packages of the ``demo-model`` extra (espeak-ng comes inside ``espeakng-loader``).
Out: two checkpoints in transformers' own layout, sample media with true word times, and figures.
Never: a model for real speech. ``python -m tools.demo_model --help`` lists the steps.
"""
