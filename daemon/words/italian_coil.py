"""Italian, of the arm and the coil it holds."""

from __future__ import annotations

from daemon.words.catalogue import PhaseWord

STATES = {
    "parked": PhaseWord(
        "PARCHEGGIATA", "grey", "square", "La bobina è a riposo lontano dal paziente, o ci sta andando."
    ),
    "approach": PhaseWord("IN ARRIVO", "blue", "triangle", "La bobina si sta portando sul bersaglio."),
    "track": PhaseWord("SEGUE LA TESTA", "green", "circle", "La bobina segue la testa."),
    "freeze": PhaseWord("FERMA", "yellow", "dashed", "Il braccio non ha dati sufficienti per muoversi."),
    "retract": PhaseWord(
        "RITIRATA", "yellow", "octagon", "Il braccio ha tolto la bobina dalla testa; solo una persona la fa tornare."
    ),
    "away": PhaseWord("ALLONTANATA", "grey", "square", "La bobina è stata allontanata dalla testa."),
    "hand": PhaseWord("GUIDA A MANO", "yellow", "triangle", "Il braccio cede alla mano di chi lo guida."),
    "stopped": PhaseWord(
        "ARRESTATA", "red", "octagon", "È stato premuto STOP: la bobina si stacca dalla testa e resta lontana."
    ),
    "fault": PhaseWord(
        "GUASTO BRACCIO",
        "red",
        "triangle",
        "Il braccio non obbedisce: controllare il braccio e la sua unità di controllo.",
    ),
}
