"""What stands in the way, or has stopped the stimulation: people, programs, records."""

from __future__ import annotations

from daemon.words.reasons.row import Row

# A row is read as a whole, so it takes few lines.
# fmt: off
ROWS = {
    "boot": Row(
        it=("Lo stimolatore non è ancora pronto.", "Dopo l'avvio viene portato in standby.", "Attendere un momento."),
    ),
    "tripped": Row(
        it=("Ora non si può stimolare.", "È attivo un arresto di sicurezza.",
            "Leggerne la causa, eliminarla, poi ripristinare."),
    ),
    "locked-out": Row(
        it=("Il sistema è bloccato.",
            "Il registro degli impulsi manca o non è coerente: la dose di oggi è in dubbio.",
            "Non stimolare nessuno. Chiamare l'ingegnere."),
        en=("The system is locked.",
            "The pulse record could not be written, or does not hold together: today's dose is in doubt.",
            "Stimulate nobody. Call the engineer."),
    ),
    "ledger-failed": Row(
        it=("Il sistema è bloccato.",
            "Il registro degli impulsi non si è potuto scrivere: la dose di oggi è in dubbio.",
            "Non stimolare nessuno. Chiamare l'ingegnere per controllare il disco."),
        en=("The system is locked.", "The pulse record could not be written: today's dose is in doubt.",
            "Stimulate nobody. Call the engineer to check the disk."),
    ),
    "ledger-late": Row(
        it=("Il treno non è partito.", "Il disco è stato troppo lento per registrarlo prima.",
            "Riprovare; se si ripete, chiamare l'ingegnere per controllare il disco."),
        en=("The train was not begun.", "The disk was too slow to record it first.",
            "Try again; if it repeats, call the engineer to check the disk."),
    ),
    "not-released": Row(
        it=("Non si stimola.", "L'operatore non ha ancora dato l'avvio a questa parte della seduta.",
            "Controllare il paziente e premere Avvia."),
    ),
    "beats-lost": Row(
        it=("La stimolazione è stata fermata.",
            "Il programma di controllo non risponde più; gli impulsi già dati sono contati.",
            "Attendere che risponda, poi ripristinare; altrimenti chiamare l'ingegnere."),
        en=("Stimulation was stopped.", "The control program stopped answering; pulses already given are counted.",
            "Wait until it answers, then reset; otherwise call the engineer."),
    ),
    "presence-old": Row(
        it=("Non comincia alcun nuovo treno.", "L'operatore non risulta presente.", "Tornare al pannello."),
    ),
    "presence-lost": Row(
        it=("La seduta è in pausa.", "L'operatore è stato assente troppo a lungo; gli impulsi già dati sono contati.",
            "Tornare, controllare il paziente e premere Avvia."),
        en=("The session is paused.", "The operator was away too long; pulses already given are counted.",
            "Come back, check the subject and press Release."),
    ),
    "late-tick": Row(
        it=("La stimolazione è stata fermata.",
            "Questo computer si è bloccato per un attimo; gli impulsi già dati sono contati.",
            "Chiudere gli altri programmi, poi ripristinare."),
        en=("Stimulation was stopped.", "This computer stalled for a moment; pulses already given are counted.",
            "End other programs on it, then reset."),
    ),
    "unknown-open": Row(
        it=("La seduta è in pausa.", "Non si sa se l'ultimo impulso sia stato erogato; è contato come dato.",
            "Dire che cosa è successo con Chiarisci, indicando il motivo."),
        en=("The session is paused.", "Nobody knows whether the last pulse went out; it is counted as given.",
            "Say what happened under Resolve, with a reason."),
    ),
    "evidence-contradicts": Row(
        it=("La stimolazione è stata fermata.",
            "Lo stimolatore ha erogato un numero di impulsi diverso da quello impostato; si conta il numero maggiore.",
            "Devono ripristinare due operatori; far controllare lo stimolatore."),
        en=("Stimulation is locked.",
            "The stimulator delivered another number of pulses than was set; the larger number is counted.",
            "Two operators reset; have the stimulator checked."),
    ),
    "train-not-triggered": Row(
        it=("La stimolazione è stata fermata.",
            "Lo stimolatore ha erogato un treno non avviato da qui; è contato per intero.",
            "Trovare il pedale o il programma responsabile; devono ripristinare due operatori."),
        en=("Stimulation is locked.", "The stimulator ran a train that nobody here started; it is counted in full.",
            "Find the foot switch or program that did; two operators reset."),
    ),
    "too-many-cuts": Row(
        it=("La seduta è in pausa.", "Troppi treni sono stati interrotti; gli impulsi già dati sono contati.",
            "Controllare bobina, posizione del paziente e tracciamento, poi premere Avvia."),
        en=("The session is paused.", "Too many trains had to be cut; pulses already given are counted.",
            "Check the coil, the subject's seat and the tracker, then press Release."),
    ),
    "stop-asked": Row(
        it=("La stimolazione è stata fermata.", "Qualcuno lo ha chiesto; gli impulsi già dati sono contati.",
            "Controllare il paziente. Riprendere con Continua o Avvia, oppure chiudere."),
        en=("Stimulation was stopped.", "Somebody asked for it; pulses already given are counted.",
            "Check the subject. Go on with Continue or Release, or end it."),
    ),
    "pause-asked": Row(
        it=("La seduta è in pausa.", "Lo ha chiesto una persona; gli impulsi già dati sono contati.",
            "Premere Avvia per riprendere, oppure chiudere la seduta."),
        en=("The session is paused.", "A person paused it; pulses already given are counted.",
            "Press Release to go on, or end the session."),
    ),
    "end-asked": Row(
        it=("La seduta si sta chiudendo.", "Lo ha chiesto una persona; gli impulsi già dati sono contati.",
            "Attendere il rapporto."),
        en=("The session is ending.", "A person asked for it; pulses already given are counted.",
            "Wait for the report."),
    ),
    "watchdog-lost": Row(
        it=("La seduta è finita.", "La sorveglianza non risponde; disarma da sola, e gli impulsi dati sono contati.",
            "Attendere che torni, poi premere Continua."),
        en=("The session has ended.", "The watchdog went away; it disarms by itself, and what was given is counted.",
            "Wait until it is back, then press Continue."),
    ),
    "watchdog-away": Row(
        it=("Nulla è stato eseguito.", "La sorveglianza non risponde: nessuna stimolazione è possibile.",
            "Attendere che torni; se resta assente, chiamare l'ingegnere."),
        en=("Nothing was done.", "The watchdog does not answer: nothing can be stimulated.",
            "Wait until it is back; if it stays away, call the engineer."),
    ),
    "journal-not-written": Row(
        it=("Non comincia alcun treno.", "Il diario della seduta non si può scrivere; gli impulsi dati sono contati.",
            "Chiamare l'ingegnere per liberare spazio sul disco, poi premere Avvia."),
        en=("No train begins.", "The session's journal cannot be written; the pulses given are counted.",
            "Call the engineer to free space on the disk, then press Release."),
    ),
    "last-train-untold": Row(
        it=("La seduta non può proseguire.", "Dell'ultimo treno non si sa nulla: è contato per intero.",
            "Chiudere la seduta."),
        en=("The session cannot go on.", "Nothing is known of the last train: all of it is counted.",
            "End the session."),
    ),
    "emergency": Row(
        it=("È stata premuta Emergenza.", "La seduta è chiusa e non si riprende; gli impulsi dati restano contati.",
            "Occuparsi prima del paziente; un medico potrà sbloccarlo."),
        en=("Emergency was pressed.", "The session is over and cannot be continued; the pulses given stay counted.",
            "Look after the subject first; a physician may unblock the subject."),
    ),
    "trip-reset": Row(
        it=("L'arresto di sicurezza è stato ripristinato.", "La seduta è in pausa; gli impulsi dati restano contati.",
            "Controllare il paziente e premere Avvia, oppure chiudere la seduta."),
        en=("The safety stop was reset.", "The session is paused; the pulses given stay counted.",
            "Check the subject and press Release, or end the session."),
    ),
    "doubts-resolved": Row(
        it=("Gli impulsi incerti sono stati chiariti.", "Restano contati come dati; la seduta è in pausa.",
            "Controllare il paziente e premere Avvia, oppure chiudere la seduta."),
        en=("The pulses in doubt were resolved.", "They stay counted as given; the session is paused.",
            "Check the subject and press Release, or end the session."),
    ),
}
# fmt: on
