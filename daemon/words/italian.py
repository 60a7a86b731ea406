"""Italian: the words of rTMS clinics, and the impersonal infinitive for what to do ("Premere Avvia")."""

from __future__ import annotations

from daemon.words.catalogue import Catalogue, PhaseWord
from daemon.words.english import ENGLISH
from daemon.words.italian_coil import STATES
from daemon.words.reasons import COIL_ROWS, ROWS, told

ITALIAN = Catalogue(
    phases={
        "idle": PhaseWord("DISARMATO", "grey", "square", "Lo stimolatore è disarmato; nessuna seduta è aperta."),
        "checks": PhaseWord("VERIFICA", "blue", "circle", "La sorveglianza valuta se la seduta può essere aperta."),
        "positioning": PhaseWord(
            "PREPARAZIONE",
            "blue",
            "square",
            "Disarmato. Posizionare la bobina, controllare il paziente, poi premere Avvia.",
        ),
        "gap": PhaseWord("INTERVALLO", "blue", "circle", "Tra due treni: il prossimo parte da solo."),
        "arming": PhaseWord("ARMAMENTO", "yellow", "triangle", "Lo stimolatore viene impostato e armato."),
        "armed": PhaseWord("ARMATO", "yellow", "triangle", "Lo stimolatore è pronto: gli impulsi stanno per iniziare."),
        "train": PhaseWord("STIMOLAZIONE", "red", "circle", "Impulsi in corso."),
        "stopping": PhaseWord("ARRESTO IN CORSO", "yellow", "octagon", "Disarmato; si contano gli ultimi impulsi."),
        "held": PhaseWord(
            "IN ATTESA",
            "yellow",
            "dashed",
            "Qualcosa impedisce di proseguire; la seduta riprende da sola appena si risolve.",
        ),
        "paused": PhaseWord(
            "PAUSA", "yellow", "square", "Disarmato. Premere Avvia per riprendere, oppure chiudere la seduta."
        ),
        "tripped": PhaseWord(
            "ARRESTO DI SICUREZZA",
            "red",
            "octagon",
            "La sorveglianza ha fermato tutto e lo mantiene fermo: eliminare la causa, poi ripristinare.",
        ),
        "unknown-pulses": PhaseWord(
            "IMPULSI INCERTI",
            "red",
            "dashed",
            "Non si sa se alcuni impulsi siano stati erogati: chiarirli indicando il motivo.",
        ),
        "done": PhaseWord("COMPLETATA", "green", "square", "La seduta è completa."),
        "ended-early": PhaseWord("INTERROTTA", "grey", "square", "La seduta è finita prima del previsto."),
        "refused": PhaseWord("RIFIUTATA", "grey", "square", "La seduta non è stata aperta."),
    },
    unknown=PhaseWord(
        "STATO SCONOSCIUTO",
        "grey",
        "dashed",
        "Dalla sala non arriva alcun segnale: fidarsi solo del display dello stimolatore.",
    ),
    standing={
        "boot": PhaseWord(
            "INIZIALIZZAZIONE", "blue", "dashed", "Lo stimolatore viene portato in standby. Attendere un momento."
        ),
        "lockout": PhaseWord(
            "BLOCCATO",
            "red",
            "square",
            "Nessuna stimolazione possibile: il registro degli impulsi è in dubbio. Chiamare l'ingegnere.",
        ),
        "no-watchdog": PhaseWord(
            "SORVEGLIANZA ASSENTE",
            "grey",
            "triangle",
            "Il programma di sorveglianza non risponde: nessuna stimolazione è possibile finché non torna.",
        ),
        "no-stimulator": PhaseWord(
            "NESSUNO STIMOLATORE",
            "grey",
            "octagon",
            "Lo stimolatore non risponde. Controllarne l'alimentazione e il cavo.",
        ),
        "emergency": PhaseWord(
            "EMERGENZA",
            "red",
            "triangle",
            "Assistere il paziente. Lo stimolatore viene disarmato; chiamare aiuto.",
        ),
        "no-arm": PhaseWord(
            "NESSUN BRACCIO", "grey", "dashed", "Il braccio non risponde; stacca da solo la bobina dalla testa."
        ),
    },
    reasons=told({name: ROWS[name] for name in ENGLISH.reasons}, "it"),
    outcomes={
        "completed": "completata",
        "ended_early": "interrotta prima del previsto",
        "emergency": "chiusa da un'emergenza, da non riprendere",
        "never_ended": "mai chiusa: il programma di controllo è mancato prima; del seguito sa solo il registro",
        "stopped": "fermata dall'operatore",
        "tripped": "fermata dalla sorveglianza",
        "refused": "rifiutata",
        "unknown_pulses": "impulsi incerti: non si sa se siano stati erogati",
    },
    cutting={
        "assumed": "si presume che interrompa un treno in corso; nessun laboratorio lo ha dimostrato",
        "proven": "interrompe un treno in corso, come dimostrato da questo laboratorio",
        "no": "non interrompe un treno in corso",
    },
    coil=STATES,
    coil_reasons=told(COIL_ROWS, "it"),
)
