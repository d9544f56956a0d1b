"""Voices as vectors: the network that tells speakers apart, and its weights.

package   finds the weights in an installed package, without importing it
fbank     Kaldi's filter banks
campplus  the network, CAM++
encoder   audio and windows to vectors
"""
