"""The version of qasr, in one place: the package's metadata and whatever prints it read it from here."""

__version__ = "0.1.0"
