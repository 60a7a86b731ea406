"""What is sent to the stimulator by a program, and not passed on."""

from __future__ import annotations

from daemon.words.reasons.row import Row

# A row is read as a whole, so it takes few lines.
# fmt: off
ROWS = {
    "not-speaking": Row(
        it=("Il comando non è stato inoltrato.", "Un altro programma sta usando lo stimolatore.",
            "Chiudere prima quella seduta, poi riprovare."),
    ),
    "unknown-frame": Row(
        it=("Il comando non è stato inoltrato.", "Non è un comando di questo stimolatore.",
            "Chiamare l'ingegnere: modello o firmware potrebbero essere impostati male."),
        en=("The command was not passed on.", "It is not a command of this stimulator.",
            "Call the engineer: model or firmware may be set wrongly."),
    ),
    "malformed-frame": Row(
        it=("Il comando non è stato inoltrato.", "È arrivato danneggiato o con una somma di controllo errata.",
            "Controllare il programma che lo ha inviato."),
    ),
    "forbidden-frame": Row(
        it=("Il comando non è stato inoltrato.", "Aggirerebbe una protezione dello stimolatore.",
            "Togliere questo comando dal programma: non è mai ammesso."),
    ),
    "queue-full": Row(
        it=("Il comando non è stato inoltrato.", "Troppi comandi attendono lo stimolatore.",
            "Il programma deve attendere ogni risposta."),
    ),
    "no-session": Row(
        it=("Il comando non è stato inoltrato.", "Nessuna seduta è aperta.", "Aprire prima una seduta."),
    ),
    "setting-out-of-range": Row(
        it=("Impostazione non modificata: {field}.", "{asked} è fuori da quanto ora ammesso: {allowed}.",
            "Scegliere un valore ammesso, o aprire la seduta giusta."),
    ),
    "setting-while-train": Row(
        it=("L'impostazione non è stata modificata.", "È in corso un treno.", "Modificarla quando il treno è finito."),
    ),
    "over-limit-frame": Row(
        it=("La stimolazione è stata fermata.",
            "Il programma di controllo ha chiesto più di quanto ammettono i limiti; non è stato dato.",
            "Devono ripristinare due operatori; segnalare il guasto all'ingegnere."),
        en=("Stimulation is locked.", "Our own program asked for more than the limits allow; that was not given.",
            "Two operators reset; report this fault to the engineer."),
    ),
    "malformed-message": Row(
        it=("La richiesta non è stata compresa.", "Non ha la forma concordata: {why}.",
            "Usare programmi della stessa versione; se resta, chiamare l'ingegnere."),
    ),
    "no-permit": Row(
        it=("L'impulso non è stato dato.", "Non era stato richiesto in anticipo.",
            "Richiedere prima il treno, poi avviarlo."),
    ),
    "permit-expired": Row(
        it=("L'impulso non è stato dato.", "È arrivato troppo tempo dopo la richiesta.",
            "Richiedere di nuovo il treno."),
    ),
    "permit-differs": Row(
        it=("L'impulso non è stato dato.", "Lo stimolatore è impostato a {shown}, era ammesso {expected}.",
            "Impostare quanto ammesso, o richiedere di nuovo il treno."),
    ),
    "permit-too-soon": Row(
        it=("L'impulso non è stato dato.", "È arrivato troppo presto dopo il precedente.",
            "Rispettare i tempi richiesti."),
    ),
    "permit-busy": Row(
        it=("Il treno non è partito.", "Un altro non è ancora concluso.", "Attenderne la fine, o ritirarlo."),
    ),
    "train-running": Row(
        it=("Il comando non è stato inoltrato.", "È in corso un treno.", "Attenderne la fine."),
    ),
    "read-back-differs": Row(
        it=("L'impulso non è stato dato.", "Lo stimolatore mostra {shown}, era atteso {expected}.",
            "Impostare di nuovo lo stimolatore."),
    ),
    "not-armed": Row(
        it=("L'impulso non è stato dato.", "Lo stimolatore non è armato.", "Armarlo prima."),
    ),
}
# fmt: on
