"""`qasr eval --fit-confidence`: the map of confidences of each model that was run.

In go words with their posteriors and whether they are right; out come maps, where `engines.confidence_files`
keeps them. Later transcripts have the calibrated confidences; those that exist stay as they are.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from qasr_cli.engines import confidence_files, model_store
from qasr_cli.errors import printable
from qasr_cli.evaluation.answers import RunFacts
from qasr_cli.evaluation.calibration.evidence import ConfidenceEvidence
from qasr_cli.options import EngineOptions
from qasr_cli.version import __version__

logger = logging.getLogger(__name__)

_N_DIGITS = 4


def fit(
    evidence: Mapping[str, ConfidenceEvidence],
    models: Mapping[str, tuple[EngineOptions, Sequence[RunFacts]]],
) -> None:
    """Fit and store a map for each model, and say what it changes.

    Args:
        evidence: Of each system, by its name.
        models: The models that were run, by their names: options and runs.

    Raises:
        QasrError: A model is not on this machine any more, or no map can be written.
    """
    for name, (options, runs) in models.items():
        fitted = evidence[name].fit() if name in evidence else None
        stored = model_store.find(model_store.recognizer_location(options.model), options.revision)
        if fitted is None:
            logger.warning("%s: too few words to fit confidences: 200 are needed, 20 of them wrong", name)
            continue
        if stored is None or not runs or runs[-1].model != stored.id:
            logger.warning("%s: confidences are fitted for models in a folder or the hub's cache only", name)
            continue
        facts = {
            "qasr": __version__,
            "n_words": fitted.n_words,
            "ece_before": round(fitted.before.ece, _N_DIGITS),
            "ece_after": round(fitted.after.ece, _N_DIGITS),
        }
        path = confidence_files.store(stored, runs[-1].aligner, fitted.map, facts)
        logger.warning(
            "%s: confidences fitted to %d words: calibration error %.1f %%, %.1f %% before (%s)",
            *(name, fitted.n_words, 100 * fitted.after.ece, 100 * fitted.before.ece, printable(path)),
        )
