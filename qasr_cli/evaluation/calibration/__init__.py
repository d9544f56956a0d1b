"""Calibration: how far confidences are probabilities, and how far detectors find what is bad."""
