"""The coil on its arm: why it waits, is taken away, or is not where a train may begin."""

from __future__ import annotations

from typing import Final

from daemon.words.reasons.row import Row

_ANEW_IT: Final = "Chiudere la seduta e chiamare l'ingegnere per calibrare di nuovo."
_ANEW_EN: Final = "End the session and call the engineer to calibrate again."
_BACK_IT: Final = "Controllare il paziente, poi premere Avvia: la bobina torna."

# A row is read as a whole, so it takes few lines.
# fmt: off
ROWS = {
    "head-lost": Row(
        it=("La bobina attende.", "La telecamera non vede il marcatore della testa.",
            "Liberare la visuale tra telecamera e testa."),
    ),
    "tracker-silent": Row(
        it=("La bobina attende.", "Il tracciamento non invia nulla.", "Controllarne alimentazione e cavo."),
    ),
    "tracker-late": Row(
        it=("La bobina attende.", "Le immagini del tracciamento arrivano in ritardo.",
            "Chiudere ciò che occupa questo computer e controllare il cavo del tracciamento."),
    ),
    "tracker-frozen": Row(
        it=("La bobina attende.", "Il tracciamento ripete sempre la stessa posizione.", "Spegnerlo e riaccenderlo."),
        en=("The coil waits.", "The tracker repeats the same position again and again.",
            "Switch the tracker off and on."),
    ),
    "tracker-hangs": Row(
        it=("La bobina attende.", "Il tracciamento risponde, ma mostra sempre la stessa immagine.",
            "Spegnerlo e riaccenderlo."),
    ),
    "jump": Row(
        it=("La bobina attende.", "Il marcatore della testa ha fatto un salto impossibile per una testa.",
            "Se non è al suo posto, far registrare di nuovo la testa."),
        en=("The coil waits.", "The head marker moved further at once than a head can.",
            "See whether it sits where it was; if it moved, have the head registered again."),
    ),
    "marker-swap": Row(
        it=("La bobina attende.", "Il tracciamento ha scambiato il marcatore della bobina con quello della testa.",
            "Controllare i marcatori, poi premere Avvia; se si ripete, chiamare l'ingegnere."),
        en=("The coil waits.", "The tracker took the coil's marker for the head's.",
            "Check the markers, then press Release; if it repeats, call the engineer."),
    ),
    "camera-moved": Row(
        it=("La bobina viene allontanata.", "Testa e bobina risultano spostate insieme: si è mossa la telecamera.",
            _ANEW_IT),
        en=("The coil is taken away.", "Head and coil marker shifted together: the camera has moved.", _ANEW_EN),
    ),
    "coil-marker-disagrees": Row(
        it=("La bobina viene allontanata.", "Telecamera e braccio la vedono in punti diversi: qualcosa si è spostato.",
            _ANEW_IT),
        en=("The coil is taken away.", "Camera and arm see it in different places: something has shifted.", _ANEW_EN),
    ),
    "coil-marker-unseen": Row(
        it=("Nessun treno può cominciare o continuare.", "La telecamera non vede il marcatore della bobina.",
            "Liberare la visuale tra telecamera e bobina."),
        en=("No train can begin or go on.", "The camera does not see the coil's marker.",
            "Clear the view from the camera to the coil's marker."),
    ),
    "coil-seen-off": Row(
        it=("Nessun treno può cominciare.", "Telecamera e braccio non concordano su dove sia la bobina.", _ANEW_IT),
        en=("No train can begin.", "Camera and arm disagree about where the coil is.", _ANEW_EN),
    ),
    "head-fast": Row(
        it=("Nessun treno può cominciare o continuare.", "La testa si muove troppo in fretta.",
            "Attendere che sia ferma."),
    ),
    "no-target": Row(
        it=("La bobina resta dov'è.", "Nessuna seduta le ha dato un bersaglio.", "Aprire una seduta."),
        en=("The coil stays where it is.", "No session has given it a target.", "Start a session."),
    ),
    "not-calibrated": Row(
        it=("La bobina resta dov'è.", "Non è stato misurato dove si trova la telecamera rispetto al braccio.",
            "Chiamare l'ingegnere per calibrare."),
        en=("The coil stays where it is.", "Nobody has measured where the camera stands from the arm.",
            "Call the engineer to calibrate."),
    ),
    "out-of-reach": Row(
        it=("La bobina non va lì.", "Il bersaglio è fuori dallo spazio di lavoro del braccio.",
            "Spostare la poltrona o la base del braccio."),
    ),
    "joint-range": Row(
        it=("La bobina viene allontanata.", "Un'articolazione del braccio è quasi a fine corsa.",
            "Parcheggiare il braccio e spostare la poltrona o la base."),
    ),
    "near-singularity": Row(
        it=("La bobina viene allontanata.", "Il braccio è quasi disteso o ripiegato.",
            "Parcheggiare il braccio e spostare la poltrona o la base."),
        en=("The coil is taken away.", "The arm is nearly stretched or folded.",
            "Park the arm and place its base or the chair differently."),
    ),
    "other-model": Row(
        it=("La bobina resta dov'è.", "Il modello o l'utensile del braccio non è quello impostato.",
            "Chiamare l'ingegnere."),
        en=("The coil stays where it is.", "The arm's model or tool is not the one that was set.",
            "Call the engineer."),
    ),
    "tilt": Row(
        it=("La bobina non va lì.", "Sarebbe troppo inclinata rispetto alla testa.",
            "Controllare il bersaglio e la postura della testa."),
    ),
    "not-now": Row(
        it=("L'ordine non è stato eseguito.", "Nello stato attuale del braccio non è possibile.",
            "Parcheggiare il braccio o allontanare la bobina, poi riprovare."),
    ),
    "sent-off": Row(
        it=("La bobina resta dov'è.", "Qualcuno l'ha fatta allontanare dopo questo ordine.",
            "Chiederne il motivo, poi premere Avvia."),
        en=("The coil stays where it is.", "Somebody sent it off the head after this was asked.",
            "See why, then press Release."),
    ),
    "robot-stopped": Row(
        it=("Il braccio è fermo.", "Lo ha fermato la sua stessa protezione, o una persona.",
            "Cercarne il motivo, poi sbloccarlo dal suo terminale o chiamare l'ingegnere."),
        en=("The arm stands.", "Its own safety system, or a person, has stopped it.",
            "Look why it stopped, then release it at its pendant or call the engineer."),
    ),
    "robot-off": Row(
        it=("Il braccio è fermo.", "È spento, o i suoi freni sono chiusi.", "Chiamare l'ingegnere per accenderlo."),
        en=("The arm stands.", "Its power is off, or its brakes are closed.", "Call the engineer to switch it on."),
    ),
    "program-ended": Row(
        it=("La bobina viene allontanata.", "Il programma del braccio è finito mentre la bobina era sulla testa.",
            "Leggere il terminale del braccio, poi premere Avvia; se si ripete, chiamare l'ingegnere."),
        en=("The coil is taken away.", "The arm's program ended while the coil was at the head.",
            "Look at its pendant, then press Release; if it repeats, call the engineer."),
    ),
    "not-taken-off": Row(
        it=("La bobina è ferma, forse sulla testa.", "Il programma del braccio è finito: nulla la stacca dalla testa.",
            "Scostare la testa dalla bobina, poi chiamare l'ingegnere."),
        en=("The coil stands, maybe at the head.", "The arm's program ended, so nothing takes the coil off.",
            "Move the head away from the coil, then call the engineer."),
    ),
    "robot-unreachable": Row(
        it=("Il braccio non obbedisce più.", "La sua unità di controllo non risponde; si ritira da solo.",
            "Controllarne alimentazione e cavo."),
    ),
    "robot-slow": Row(
        it=("Nessun treno può cominciare o continuare.", "Il braccio non segue gli ordini in tempo.",
            "Portare al 100 % la velocità sul terminale del braccio."),
    ),
    "robot-timed-out": Row(
        it=("Il braccio si è ritirato da solo.", "Non ha ricevuto ordini in tempo.",
            "Controllare computer e rete, poi premere Avvia."),
        en=("The arm has retracted by itself.", "It heard nothing from us in time.",
            "Check this computer and the network, then press Release."),
    ),
    "refused-goal": Row(
        it=("Il braccio è fermo.", "La sua unità di controllo ha rifiutato un punto troppo lontano o fuori spazio.",
            "Chiamare l'ingegnere."),
        en=("The arm stands.", "Its controller refused a point as too far or outside.", "Call the engineer."),
    ),
    "too-fast": Row(
        it=("La bobina viene allontanata.", "Il braccio è stato misurato più veloce del consentito.",
            "Non usarlo finché l'ingegnere non lo ha controllato."),
        en=("The coil is taken away.", "The arm was measured faster than it may be.",
            "Do not use it until the engineer has checked it."),
    ),
    "closing-fast": Row(
        it=("La bobina viene allontanata.", "Testa e bobina si sono avvicinate troppo in fretta.", _BACK_IT),
        en=("The coil is taken away.", "The head and the coil came together too fast.",
            "Look at the subject, then press Release: the coil comes back."),
    ),
    "force": Row(
        it=("La bobina viene allontanata.", "Ha incontrato una forza eccessiva.", _BACK_IT),
        en=("The coil is taken away.", "It met a force it must not meet.",
            "Look at the subject, then press Release: the coil comes back."),
    ),
    "arm-lost": Row(
        it=("Nessuno muove il braccio.", "Il suo programma non risponde; il braccio stacca da solo la bobina.",
            "Attendere che torni; se resta così, chiamare l'ingegnere."),
        en=("Nobody moves the arm.", "Its program does not answer; the arm takes the coil off by itself.",
            "Wait until it is back; if it stays so, call the engineer."),
    ),
    "arm-silent": Row(
        it=("Non si sa dove sia la bobina.", "Il programma del braccio tace da mezzo secondo.",
            "Attendere; se resta così, chiamare l'ingegnere."),
        en=("Nobody knows where the coil is.", "The arm's program has said nothing for half a second.",
            "Wait; if it stays silent, call the engineer."),
    ),
    "coil-approaching": Row(
        it=("Ancora nessun treno.", "La bobina si sta portando sul bersaglio.", "Attendere che arrivi."),
    ),
    "coil-settling": Row(
        it=("Ancora nessun treno.", "La bobina è sul bersaglio da troppo poco tempo.", "Attendere un momento."),
    ),
    "coil-absent": Row(
        it=("La seduta è in pausa.", "La bobina è rimasta fuori bersaglio troppo a lungo.", _BACK_IT),
    ),
    "coil-retracted": Row(
        it=("La seduta è in pausa.", "Il braccio ha staccato la bobina dalla testa.", _BACK_IT),
    ),
    "coil-away": Row(
        it=("La seduta è in pausa.", "Una persona ha fatto allontanare la bobina dalla testa.", _BACK_IT),
    ),
    "coil-parked": Row(
        it=("La seduta è in pausa.", "Il braccio è andato in posizione di parcheggio.", _BACK_IT),
    ),
    "coil-guided": Row(
        it=("La seduta è in pausa.", "Il braccio cede alla mano di chi lo guida.",
            "Lasciarlo, poi premere Avvia: la bobina va da sola sul bersaglio."),
    ),
    "coil-stopped": Row(
        it=("La seduta è in pausa.", "STOP ha staccato la bobina dalla testa.", _BACK_IT),
    ),
    "coil-fault": Row(
        it=("La seduta è in pausa.", "Il braccio non obbedisce.",
            "Controllare il braccio e la sua unità di controllo; quando funziona di nuovo, premere Avvia."),
    ),
    "coil-refused": Row(
        it=("La seduta è in pausa.", "Il braccio non va sul bersaglio.",
            "Eliminare la causa indicata, poi premere Avvia."),
        en=("The session is paused.", "The arm does not go to the target.",
            "Mend what it names, then press Release."),
    ),
}
# fmt: on
