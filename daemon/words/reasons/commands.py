"""Commands of a person that are refused before anything happens."""

from __future__ import annotations

from daemon.words.reasons.row import Row

# A row is read as a whole, so it takes few lines.
# fmt: off
ROWS = {
    "retained": Row(
        it=("Il comando è stato rifiutato.", "Era rimasto nel servizio messaggi: non si sa a quando risalga.",
            "Guardare lo stato, poi premere di nuovo."),
        en=("The command was refused.", "It had stayed in the message service, so nobody knows when it was meant.",
            "Look at the state, then press again."),
    ),
    "stale": Row(
        it=("Il comando è stato rifiutato.", "All'arrivo aveva più di 2 secondi.",
            "Guardare lo stato, poi premere di nuovo; se si ripete, chiamare l'ingegnere."),
        en=("The command was refused.", "It was older than 2 seconds when it arrived.",
            "Look at the state, then press again; if it repeats, call the engineer."),
    ),
    "conflict": Row(
        it=("Il comando è stato rifiutato.", "Nel frattempo lo stato della sala è cambiato.",
            "Guardare lo stato attuale, poi decidere di nuovo."),
    ),
    "repeated": Row(
        it=("Il comando non è stato eseguito una seconda volta.", "Lo stesso comando era già arrivato.",
            "Guardare lo stato; premere di nuovo solo se serve ancora."),
        en=("The command was not carried out a second time.", "The same command has arrived before.",
            "Look at the state; press again only if it is still wanted."),
    ),
    "role": Row(
        it=("Il comando è stato rifiutato: {verb}.", "{user} ha fatto l'accesso come {role}; serve {needed}.",
            "Chiedere a chi ha quel ruolo, o chiamare l'ingegnere."),
        en=("The command was refused: {verb}.", "{user} is signed in as {role}, and it takes {needed}.",
            "Ask somebody with that role, or call the engineer."),
    ),
    "unknown-user": Row(
        it=("Il comando è stato rifiutato: {verb}.", "{user} non è tra gli operatori di questa sala.",
            "Chiamare l'ingegnere per farlo aggiungere."),
        en=("The command was refused: {verb}.", "{user} is not among this room's operators.",
            "Call the engineer to have the user added."),
    ),
    "no-control": Row(
        it=("Il comando è stato rifiutato: {verb}.", "Il controllo è di un altro utente, o di nessuno.",
            "Prima prendere il controllo; se lo ha qualcuno, chiedergli di cederlo."),
        en=("The command was refused: {verb}.", "You do not have control.",
            "Take control first; if somebody holds it, ask them to hand it over."),
    ),
    "held-by": Row(
        it=("Il controllo non è stato preso.", "Lo ha {holder}, che è presente.", "Chiedere a {holder} di cederlo."),
    ),
    "malformed": Row(
        it=("Il comando è stato rifiutato.", "Non ha la forma che la sala si aspetta.",
            "Controllare i valori inseriti e riprovare; se si ripete, chiamare l'ingegnere."),
        en=("The command was refused.", "It is not written as the room expects.",
            "Check what was typed and try again; if it repeats, call the engineer."),
    ),
    "unknown-verb": Row(
        it=("Il comando è stato rifiutato.", "Questa sala non conosce il comando {verb}.",
            "Ricaricare la pagina; se si ripete, chiamare l'ingegnere."),
        en=("The command was refused.", "This room does not know the command {verb}.",
            "Reload the page; if it repeats, call the engineer."),
    ),
    "busy": Row(
        it=("Il comando non è stato eseguito.", "La sala ne sta ancora eseguendo altri.",
            "Attendere un momento, poi riprovare. STOP passa sempre."),
    ),
    "no-answer": Row(
        it=("Il comando {verb} non è stato confermato.", "La sala non lo ha concluso entro {seconds} s.",
            "Guardare lo stato prima di fare qualunque altra cosa."),
        en=("The command {verb} has not been confirmed.", "The room did not finish it within {seconds} s.",
            "Look at the state before you do anything else."),
    ),
    "fault": Row(
        it=("Il comando {verb} non è riuscito.",
            "Il programma di controllo ha un guasto e si chiude; lo stimolatore viene disarmato.",
            "Guardare lo stimolatore, poi chiamare l'ingegnere."),
        en=("The command {verb} failed.", "The control program met a fault and ends; the stimulator is disarmed.",
            "Look at the stimulator, then call the engineer."),
    ),
    "not-lower": Row(
        it=("L'intensità non è stata modificata.", "{asked} supera quella attuale, {present}; qui si può solo ridurre.",
            "Per aumentarla usare Aumenta intensità."),
        en=("The intensity was not changed.", "{asked} is above the present {present}, and this only lowers.",
            "To raise it, use Raise intensity."),
    ),
}
# fmt: on
