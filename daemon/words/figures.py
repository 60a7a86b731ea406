"""The words inside figures: what fills a brace is said in English by whoever refused ("20 pulses at 10 Hz").

A reader puts each phrase of its language in the place of the English one, whole words only, the longest first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_ITALIAN: Final = {
    # why a session cannot be continued: safety's sessions
    "there is no such treatment": "questo trattamento non esiste",
    "subject, coil or protocol differ": "paziente, bobina o protocollo sono diversi",
    "an emergency ended it": "l'ha chiusa un'emergenza",
    "it ended too long ago": "è finita da troppo tempo",
    "a reason is needed": "serve un motivo",
    "nothing is left to deliver": "non resta nulla da erogare",
    # what a study lacks: safety's review
    "the study ended on": "lo studio è finito il",
    "is not signed": "non è firmato",
    # settings and trains, as safety's rules say them
    "a duration that fits them": "una durata compatibile",
    "there is none": "nessun protocollo",
    "at most": "al massimo",
    "s at": "s a",
    "pulses at": "impulsi a",
    "pulses in": "impulsi in",
    "pulses or SD": "impulsi o DS",
    "pulses": "impulsi",
    "pulse": "impulso",
    "SD unknown": "DS ignota",
    "SD": "DS",
    "days": "giorni",
    "level": "intensità",
    "rate": "frequenza",
    "duration": "durata",
    "charge-delay": "ritardo di carica",
    "enhanced": "potenza aumentata",
    "it needs": "servono",
    "between trains": "tra i treni",
    "% rMT": "% RMT",
    # uses and roles
    "simulation": "simulazione",
    "bench": "banco",
    "study": "studio",
    "viewer": "osservatore",
    "operator": "operatore",
    "physician": "medico",
    "engineer": "ingegnere",
    # verbs of the daemon's, by the page's buttons
    "stop": "STOP",
    "emergency": "Emergenza",
    "pause": "Pausa",
    "lower": "Riduci intensità",
    "raise": "Aumenta intensità",
    "take": "Prendi il controllo",
    "hand-over": "Offri il controllo",
    "let-go": "Lascia il controllo",
    "start": "Apri la seduta",
    "continue": "Continua",
    "release": "Avvia",
    "resume": "Avvia",
    "end": "Chiudi la seduta",
    "reset": "Ripristina",
    "resolve": "Chiarisci",
    "file-threshold": "Registra la soglia",
    "file-registration": "Registra la testa",
    "file-calibration": "Registra la calibrazione",
    "file-target": "Registra il bersaglio",
    "note": "Annota",
    "history": "Storico",
    "read-report": "Rapporto",
    "read-journal": "Diario",
    "dose": "Dose",
    "block": "Blocca il paziente",
    "unblock": "Sblocca il paziente",
    "coil-away": "Allontana bobina",
    "hand-guide": "Guida a mano",
    "park": "Parcheggia",
}
FIGURES: Final[Mapping[str, Mapping[str, str]]] = {"en": {}, "it": _ITALIAN}
"""By language: English phrase → the language's own."""
AS_WRITTEN: Final = ("user", "holder", "subject", "of", "protocol", "known", "coil", "path")
"""Fields that hold names of people, files and the like: a user called park is no verb."""


def in_language(field: str, value: object, language: str) -> str:
    """One figure as a reader of `language` reads it; the panel's page does the same."""
    phrases = FIGURES[language]
    if not phrases or field in AS_WRITTEN:
        return str(value)
    longest_first = sorted(phrases, key=len, reverse=True)
    whole = re.compile("|".join(rf"(?<![\w-]){re.escape(phrase)}(?![\w-])" for phrase in longest_first))
    return whole.sub(lambda found: phrases[found[0]], str(value))
