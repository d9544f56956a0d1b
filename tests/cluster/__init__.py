"""A real Ray cluster of three nodes on this machine, in a network namespace that has only loopback.

Run by `make cluster`, in an environment of its own (`.venv-ray`); `make test` collects nothing here. Ray
opens ports on every interface it finds, so outside of such a namespace the tests refuse to start it.
"""
