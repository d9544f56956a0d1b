"""Evaluation: reference sets, systems' answers, normalizers, figures, reports.

In go references and the texts of systems, its own or other programs'; out come figures with intervals. Never
loads a model and never starts a run: `tasks.eval` does both and hands the transcripts in.
"""
