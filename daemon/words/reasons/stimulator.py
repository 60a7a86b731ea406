"""What the stimulator and its coil do, or do not."""

from __future__ import annotations

from daemon.words.reasons.row import Row

# A row is read as a whole, so it takes few lines.
# fmt: off
ROWS = {
    "read-back-stale": Row(
        it=("Non comincia alcun nuovo treno.", "Le impostazioni dello stimolatore non sono state rilette di recente.",
            "Attendere un momento; se resta così, controllare il cavo."),
    ),
    "not-ready": Row(
        it=("Non comincia alcun nuovo treno.", "Lo stimolatore si sta ancora caricando.", "Attendere che sia pronto."),
    ),
    "coil-hot": Row(
        it=("La seduta è in pausa.", "La bobina è calda; gli impulsi già dati sono contati.",
            "Lasciarla raffreddare o cambiarla, poi premere Avvia."),
        en=("The session is paused.", "The coil is warm; pulses already given are counted.",
            "Let it cool or change the coil, then press Release."),
    ),
    "coil-too-hot": Row(
        it=("La stimolazione è stata fermata.",
            "La bobina è troppo calda per la pelle; gli impulsi già dati sono contati.",
            "Togliere la bobina dalla testa, lasciarla raffreddare, poi ripristinare."),
        en=("Stimulation was stopped.", "The coil is too hot for skin; pulses already given are counted.",
            "Take the coil off the head, let it cool, then reset."),
    ),
    "temperature-unread": Row(
        it=("La stimolazione è stata fermata.",
            "La temperatura della bobina non si è potuta leggere; gli impulsi già dati sono contati.",
            "Controllare il connettore della bobina, poi ripristinare."),
        en=("Stimulation was stopped.", "The coil's temperature could not be read; pulses already given are counted.",
            "Check the coil's plug, then reset."),
    ),
    "coil-missing": Row(
        it=("La seduta è in pausa.", "Lo stimolatore non rileva alcuna bobina; gli impulsi già dati sono contati.",
            "Collegare la bobina, poi premere Avvia."),
        en=("The session is paused.", "The stimulator sees no coil; pulses already given are counted.",
            "Plug the coil in, then press Release."),
    ),
    "device-fault": Row(
        it=("La seduta è in pausa.", "Lo stimolatore segnala un guasto; gli impulsi già dati sono contati.",
            "Leggere il suo display e seguire il manuale, poi premere Avvia."),
        en=("The session is paused.", "The stimulator reports a fault; pulses already given are counted.",
            "Read its display and follow its manual, then press Release."),
    ),
    "port-absent": Row(
        it=("Nessuno stimolatore.", "Manca il collegamento, o lo stimolatore non risponde.",
            "Controllare alimentazione e cavo; se resta così, chiamare l'ingegnere."),
        en=("No stimulator.", "Its connection is missing, or it does not answer.",
            "Check power and cable; if it stays so, call the engineer."),
    ),
    "port-lost": Row(
        it=("Premere STOP sullo stimolatore.",
            "Il collegamento è caduto mentre era armato; gli impulsi in dubbio sono contati come dati.",
            "Controllare il cavo, poi ripristinare."),
        en=("Press STOP on the stimulator.",
            "The connection was lost while it was armed; pulses in doubt are counted as given.",
            "Check the cable, then reset."),
    ),
    "disarm-unconfirmed": Row(
        it=("Premere STOP sullo stimolatore.", "Non ha confermato di essere disarmato: può ancora dare impulsi.",
            "Quando mostra standby, ripristinare."),
        en=("Press STOP on the stimulator.", "It has not confirmed that it is disarmed: it may still give pulses.",
            "When it shows standby, reset."),
    ),
    "level-changed": Row(
        it=("La stimolazione è stata fermata.",
            "L'intensità è stata cambiata sullo stimolatore mentre era armato; gli impulsi già dati sono contati.",
            "Non toccarne le manopole durante una seduta, poi ripristinare."),
        en=("Stimulation was stopped.",
            "The output was changed at the stimulator while armed; pulses already given are counted.",
            "Leave its knobs alone during a session, then reset."),
    ),
    "trigger-refused": Row(
        it=("La seduta è in pausa.", "Lo stimolatore ha rifiutato di dare l'impulso: quell'impulso manca.",
            "Leggere il suo display, poi premere Avvia."),
        en=("The session is paused.", "The stimulator refused to give the pulse: that pulse is missing.",
            "Read its display, then press Release."),
    ),
    "device-disarmed-itself": Row(
        it=("La seduta è in pausa.", "Lo stimolatore è andato da solo in standby; gli impulsi già dati sono contati.",
            "Leggere il suo display, controllare la bobina, poi premere Avvia."),
        en=("The session is paused.", "The stimulator went to standby by itself; pulses already given are counted.",
            "Read its display, check the coil, then press Release."),
    ),
    "armed-idle": Row(
        it=("Lo stimolatore è stato disarmato.", "Era armato da un po' e non è seguito nulla.",
            "Viene armato di nuovo prima del prossimo treno."),
    ),
    "armed-elsewhere": Row(
        it=("La seduta è in pausa.", "Lo stimolatore è stato armato da qualcun altro.",
            "Non toccarne i pulsanti durante una seduta, poi premere Avvia."),
    ),
    "remote-lost": Row(
        it=("Non si stimola.", "Lo stimolatore ha lasciato il controllo remoto.",
            "Attendere che il programma lo riprenda; se resta così, chiamare l'ingegnere."),
        en=("Nothing is stimulated.", "The stimulator gave up remote control.",
            "Wait until the program has taken it again; if it stays so, call the engineer."),
    ),
    "stimulator-lost": Row(
        it=("La seduta è in pausa.",
            "Il collegamento con lo stimolatore è caduto; gli impulsi già dati sono contati.",
            "Si ricollega da solo: attendere, poi premere Avvia."),
        en=("The session is paused.", "The connection to the stimulator was lost; pulses already given are counted.",
            "It connects again by itself: wait, then press Release."),
    ),
    "stimulator-away": Row(
        it=("Nulla è stato eseguito.", "Nessuno stimolatore è collegato.",
            "Controllare alimentazione e cavo; se resta così, chiamare l'ingegnere."),
        en=("Nothing was done.", "No stimulator is connected.",
            "Check power and cable; if it stays so, call the engineer."),
    ),
    "trains-not-delivered": Row(
        it=("La seduta è in pausa.", "Tre treni di seguito non hanno erogato nulla: quegli impulsi mancano.",
            "Guardare il display dello stimolatore, poi premere Avvia."),
        en=("The session is paused.", "Three trains in a row delivered nothing: those pulses are missing.",
            "Look at the stimulator's display, then press Release."),
    ),
    "not-made-ready": Row(
        it=("La seduta è in pausa.", "Lo stimolatore non è stato preparato: quel treno non è partito.",
            "Guardare il display dello stimolatore, poi premere Avvia; se si ripete, chiamare l'ingegnere."),
        en=("The session is paused.", "The stimulator could not be made ready: that train did not begin.",
            "Look at the stimulator's display, then press Release; if it repeats, call the engineer."),
    ),
    "not-at-rest": Row(
        it=("Nulla è stato eseguito.", "Lo stimolatore non è ancora in standby.",
            "Attendere un momento, poi riprovare; se resta così, premere STOP."),
        en=("Nothing was done.", "The stimulator is not in standby yet.",
            "Wait a moment, then try again; if it stays so, press STOP."),
    ),
    "energy": Row(
        it=("Il treno non è partito.", "Questo stimolatore non può erogarlo: {why}.",
            "Ridurre la frequenza, l'intensità o gli impulsi."),
    ),
}
# fmt: on
