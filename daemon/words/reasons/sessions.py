"""Sessions: what is not opened, continued, released, reset or resolved."""

from __future__ import annotations

from daemon.words.reasons.row import Row

# A row is read as a whole, so it takes few lines.
# fmt: off
ROWS = {
    "session-open": Row(
        it=("La seduta non è stata aperta.", "Ne è aperta un'altra.", "Chiudere prima quella."),
    ),
    "not-session-holder": Row(
        it=("La richiesta non è stata eseguita.", "Questa seduta appartiene a un altro programma.",
            "Usare il programma che l'ha aperta; fermare è sempre possibile."),
    ),
    "session-ended": Row(
        it=("La seduta è finita.", "Il programma che la gestiva non c'è più; gli impulsi già dati sono contati.",
            "Attendere che riparta, poi premere Continua."),
        en=("The session has ended.", "The program that held it is gone; pulses already given are counted.",
            "Wait until it runs again, then press Continue."),
    ),
    "hash-differs": Row(
        it=("Non è partito nulla.", "La seduta è cambiata da quando è stata mostrata.",
            "Rileggerla, poi premere Avvia."),
    ),
    "nonce-stale": Row(
        it=("La richiesta non è stata eseguita.", "Ciò che era mostrato era troppo vecchio al momento della decisione.",
            "Guardare il pannello e premere di nuovo."),
    ),
    "reset-needs-second-person": Row(
        it=("L'arresto di sicurezza è ancora attivo.", "Per ripristinarlo servono due operatori diversi.",
            "Chiedere a un secondo operatore di ripristinare entro 30 s."),
    ),
    "reset-conditions": Row(
        it=("L'arresto di sicurezza è ancora attivo.", "La sua causa è ancora presente.",
            "Eliminarla, poi ripristinare."),
    ),
    "nothing-tripped": Row(
        it=("Nulla è stato ripristinato.", "Nessun arresto di sicurezza è attivo.", "Si può proseguire."),
    ),
    "nothing-to-resolve": Row(
        it=("Nulla è stato chiarito.", "Nessun impulso con questo numero è in dubbio.",
            "Rileggere l'elenco degli impulsi incerti."),
    ),
    "resolve-conditions": Row(
        it=("Nulla è stato chiarito.", "Lo stimolatore non è stato letto in standby: gli impulsi restano contati.",
            "Accenderlo e attendere lo standby, o scollegarlo; poi chiarire."),
        en=("Nothing was resolved.", "The stimulator has not been read in standby: the pulses stay counted.",
            "Switch it on and wait for its standby, or unplug it; then resolve."),
    ),
    "subject-blocked": Row(
        it=("La seduta non è stata aperta.", "Questo paziente è bloccato, dopo un'emergenza o da una persona.",
            "Non stimolarlo; chiedere al medico responsabile."),
        en=("The session was not opened.", "This subject is blocked after an emergency or by a person.",
            "Do not stimulate this subject; ask the responsible physician."),
    ),
    "no-report": Row(
        it=("Nulla è stato letto.", "Questa seduta non ha un rapporto.", "Guardare l'elenco delle sedute."),
        en=("Nothing was read.", "This session has no report.", "Look at the list of sessions."),
    ),
    "record-unread": Row(
        it=("Nulla è stato letto.", "Le registrazioni non si possono leggere.",
            "Chiamare l'ingegnere: riguarda il disco."),
        en=("Nothing was read.", "The records cannot be read.", "Call the engineer: it is about the disk."),
    ),
    "not-blocked": Row(
        it=("Nessun blocco è stato tolto.", "{subject} non risulta bloccato.", "Controllare il codice del paziente."),
    ),
    "block-while-open": Row(
        it=("Il blocco non è stato cambiato.", "C'è una seduta aperta.",
            "Prima chiuderla; in caso di emergenza premere Emergenza."),
    ),
    "block-late": Row(
        it=("La modifica del blocco non è confermata.", "Il disco era troppo lento per registrarla.",
            "Guardare se il paziente è bloccato, poi riprovare."),
    ),
    "cannot-continue": Row(
        it=("La seduta non è stata ripresa.", "Non può proseguire da dove è finita: {why}.",
            "Usare lo stesso paziente, protocollo e bobina, o aprire una nuova seduta."),
    ),
    "unknown-protocol": Row(
        it=("La seduta non è stata aperta.", "Qui non c'è il protocollo {protocol}.",
            "Sceglierne uno di questi: {known}."),
    ),
    "protocol-not-authorised": Row(
        it=("Il treno non è partito.",
            "A {cell} dura {asked}, le tabelle arrivano a {allowed}; questo paziente non ha autorizzazione.",
            "Registrare un'autorizzazione, o scegliere un altro protocollo."),
        en=("The train was not allowed.",
            "At {cell} it lasts {asked}, the tables end at {allowed}; this subject has no authorisation.",
            "Choose another protocol, or ask the responsible physician."),
    ),
    "use-forbids": Row(
        it=("La seduta non è stata aperta.", "In modalità {use} qui non si stimola nessuno.",
            "Aprire una seduta su fantoccio, o chiamare l'ingegnere."),
        en=("The session was not opened.", "In use {use} nobody is stimulated here.",
            "Open a phantom session, or call the engineer."),
    ),
    "study-incomplete": Row(
        it=("Non si stimola.", "Allo studio manca qualcosa: {lacks}.",
            "Chiamare l'ingegnere e il medico responsabile."),
        en=("Nothing is stimulated.", "The study lacks what it needs: {lacks}.",
            "Call the engineer and the responsible physician."),
    ),
    "nothing-left": Row(
        it=("La seduta non è stata aperta.", "Tutti gli impulsi di questo trattamento sono stati dati.",
            "Proseguire un altro giorno."),
    ),
    "nothing-to-continue": Row(
        it=("Nulla è stato ripreso.", "La seduta era completa, qui non è nota, o è finita da troppo tempo.",
            "Aprirne una nuova: la dose già data resta contata."),
        en=("Nothing was continued.", "The session completed, is unknown here, or ended too long ago.",
            "Start a new one: the dose already given stays counted."),
    ),
    "reason-missing": Row(
        it=("Nulla è stato eseguito.", "Manca il motivo.", "Indicare il motivo, poi riprovare."),
        en=("Nothing was done.", "No reason was given.", "Give a reason, then try again."),
    ),
    "report-missing": Row(
        it=("La seduta è finita.", "Il rapporto non è ancora scritto; gli impulsi sono contati comunque.",
            "Chiamare l'ingegnere per controllare il disco."),
        en=("The session has ended.", "Its report is not written yet; its pulses are counted all the same.",
            "Call the engineer to check the disk."),
    ),
    "pause-overtaken": Row(
        it=("La pausa non è avvenuta.", "Nel frattempo è successo altro; gli impulsi già dati sono contati.",
            "Leggere lo stato prima di fare altro."),
        en=("The pause did not come about.", "Something else happened first; pulses already given are counted.",
            "Read the state before you do anything else."),
    ),
    "out-of-place": Row(
        it=("Il comando non è stato eseguito.", "Nello stato attuale della seduta non è possibile.",
            "Leggere lo stato e che cosa indica di fare."),
        en=("The command was not carried out.", "It is not possible in the session's present state.",
            "Read the state and what it says to do."),
    ),
    "not-deliverable": Row(
        it=("La seduta non è stata aperta.", "Questo stimolatore non può erogare il trattamento con questa soglia.",
            "Scegliere un'altra intensità o un altro protocollo; altrimenti chiamare l'ingegnere."),
        en=("The session was not opened.", "This stimulator cannot deliver the treatment at this threshold.",
            "Choose another intensity or protocol; otherwise call the engineer."),
    ),
    "placement-missing": Row(
        it=("La seduta non è stata aperta.", "Qui non c'è tracciamento: solo l'operatore sa dove si trova la bobina.",
            "Scrivere dove è posizionata e secondo quale riferimento."),
        en=("The session was not opened.", "This room has no tracker, so only you know where the coil is.",
            "Write where it is placed and by which mark."),
    ),
}
# fmt: on
