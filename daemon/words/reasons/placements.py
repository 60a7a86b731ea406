"""Where the coil belongs: targets, registrations of heads, calibrations, as they are filed and gone by."""

from __future__ import annotations

from daemon.words.reasons.row import Row

# A row is read as a whole, so it takes few lines.
# fmt: off
ROWS = {
    "target-missing": Row(
        it=("La seduta non è stata aperta.", "Per {subject} non è registrato alcun bersaglio.",
            "Portarvi la bobina e registrarlo, o chiamare l'ingegnere."),
        en=("The session was not opened.", "{subject} has no target on file.",
            "Have the coil led there and the target recorded, or call the engineer."),
    ),
    "target-unread": Row(
        it=("La seduta non è stata aperta.", "Il bersaglio registrato non si può leggere.", "Chiamare l'ingegnere."),
        en=("The session was not opened.", "The target on file cannot be read.", "Call the engineer."),
    ),
    "target-of-another": Row(
        it=("La seduta non è stata aperta.", "Il bersaglio registrato è di un altro paziente o di una simulazione.",
            "Far registrare il bersaglio di {subject}."),
        en=("The session was not opened.", "The target on file is another subject's, or from a simulation.",
            "Have the target of {subject} recorded."),
    ),
    "target-old": Row(
        it=("La seduta non è stata aperta.",
            "Il bersaglio ha {hours} h e valeva solo per quella posizione del marcatore.",
            "Far registrare la testa di {subject}, poi di nuovo il bersaglio."),
        en=("The session was not opened.",
            "The target is {hours} h old and held for that placement of the marker only.",
            "Have the head of {subject} registered, then its target recorded."),
    ),
    "target-unregistered": Row(
        it=("La seduta non è stata aperta.",
            "La testa di {subject} è stata registrata dopo il bersaglio: il marcatore può essersi spostato.",
            "Far registrare di nuovo il bersaglio."),
        en=("The session was not opened.",
            "The head of {subject} was registered after the target: its marker may have been moved.",
            "Have the target recorded again."),
    ),
    "target-unsteady": Row(
        it=("Il bersaglio non è stato registrato.",
            "Bobina e testa si sono mosse di {spread_mm} mm e {spread_deg}° l'una rispetto all'altra.",
            "Far stare fermo il paziente e registrarlo di nuovo."),
        en=("The target was not filed.", "Coil and head moved by {spread_mm} mm and {spread_deg}° against each other.",
            "Have the subject sit still and record it again."),
    ),
    "target-disagreed": Row(
        it=("Il bersaglio non è stato registrato.",
            "Braccio e telecamera discordano di {apart_mm} mm e {apart_deg}° sulla posizione della bobina.",
            "Chiamare l'ingegnere per trovare che cosa si è spostato."),
        en=("The target was not filed.", "Arm and camera disagree about the coil by {apart_mm} mm and {apart_deg}°.",
            "Call the engineer to find out what has shifted."),
    ),
    "target-on-marker": Row(
        it=("Il bersaglio non è stato registrato.",
            "La testa di {subject} non è registrata: varrebbe solo finché il marcatore resta fermo.",
            "Far registrare la testa, poi di nuovo il bersaglio."),
        en=("The target was not filed.",
            "The head of {subject} is not registered: the target would hold only until its marker is moved.",
            "Have the head registered, then record again."),
    ),
    "target-not-filed": Row(
        it=("Il bersaglio non è stato registrato.", "L'archivio dei bersagli non si può scrivere.",
            "Chiamare l'ingegnere."),
        en=("The target was not filed.", "The targets on file cannot be written.", "Call the engineer."),
    ),
    "target-refused": Row(
        it=("La seduta non è stata aperta.", "Il braccio non accetta il bersaglio registrato.",
            "Far registrare di nuovo il bersaglio; altrimenti chiamare l'ingegnere."),
        en=("The session was not opened.", "The arm does not take the target on file.",
            "Have the target recorded again; otherwise call the engineer."),
    ),
    "target-changed": Row(
        it=("Non è partito nulla.", "Il bersaglio è stato registrato di nuovo dopo l'apertura di questa seduta.",
            "Chiudere la seduta e riaprirla."),
        en=("Nothing was released.", "The target was recorded anew since this session was opened.",
            "End the session and start it again."),
    ),
    "registration-missing": Row(
        it=("La seduta non è stata aperta.", "La testa di {subject} non è registrata: non si sa dove sia il bersaglio.",
            "Far registrare la testa."),
        en=("The session was not opened.",
            "The head of {subject} is not registered, so nobody knows where the target is.",
            "Have the head registered."),
    ),
    "registration-unread": Row(
        it=("La seduta non è stata aperta.", "La registrazione della testa non si può leggere.",
            "Chiamare l'ingegnere."),
        en=("The session was not opened.", "The registration of the head cannot be read.", "Call the engineer."),
    ),
    "registration-of-another": Row(
        it=("Nulla è stato eseguito.", "La registrazione della testa è di un altro paziente o di una simulazione.",
            "Far registrare la testa di {subject}."),
        en=("Nothing was done.", "The registration of the head is another subject's, or from a simulation.",
            "Have the head of {subject} registered."),
    ),
    "registration-poor": Row(
        it=("La seduta non è stata aperta.",
            "La registrazione della testa ha un errore di {mm} mm; ammessi {allowed_mm} mm.",
            "Far registrare di nuovo la testa di {subject}."),
        en=("The session was not opened.",
            "The registration of the head misses by {mm} mm; {allowed_mm} mm are allowed.",
            "Have the head of {subject} registered again."),
    ),
    "registration-old": Row(
        it=("La seduta non è stata aperta.",
            "La registrazione della testa ha {hours} h; vale al massimo {allowed_hours} h.",
            "Far registrare di nuovo la testa di {subject}."),
        en=("The session was not opened.",
            "The registration of the head is {hours} h old; it holds for {allowed_hours} h at most.",
            "Have the head of {subject} registered again."),
    ),
    "registration-changed": Row(
        it=("Non è partito nulla.", "La testa è stata registrata di nuovo dopo l'apertura della seduta.",
            "Chiudere la seduta e riaprirla."),
        en=("Nothing was released.", "The marker on the head was registered anew since this session was opened.",
            "End the session and start it again."),
    ),
    "calibration-changed": Row(
        it=("Non è partito nulla.", "Il braccio tiene la bobina con una calibrazione diversa da quella all'apertura.",
            "Chiudere la seduta e riaprirla."),
        en=("Nothing was released.", "The arm holds the coil by another calibration than this session was opened with.",
            "End the session and start it again."),
    ),
    "calibration-simulated": Row(
        it=("Nulla è stato registrato.", "La calibrazione viene da una simulazione, e questo braccio è reale.",
            "Chiamare l'ingegnere per calibrare qui."),
        en=("Nothing was filed.", "The calibration was made in a simulation, and this arm is real.",
            "Call the engineer to calibrate here."),
    ),
    "calibration-not-taken": Row(
        it=("La seduta non è stata aperta.", "Il braccio non accetta la calibrazione registrata.",
            "Chiamare l'ingegnere."),
        en=("The session was not opened.", "The arm does not take the calibration on file.", "Call the engineer."),
    ),
    "not-filed": Row(
        it=("Nulla è stato registrato.", "L'archivio non si può scrivere.", "Chiamare l'ingegnere."),
        en=("Nothing was filed.", "The files cannot be written.", "Call the engineer."),
    ),
    "no-arm": Row(
        it=("Nulla è stato eseguito.", "In questa sala non c'è un braccio.", "Muovere la bobina a mano."),
        en=("Nothing was done.", "This room has no arm.", "Move the coil by hand."),
    ),
    "coil-busy": Row(
        it=("Non si è mosso nulla.", "La seduta è in corso.", "Metterla prima in pausa."),
        en=("Nothing was moved.", "The session is under way.", "Pause it first."),
    ),
    "arm-absent": Row(
        it=("La seduta non è stata aperta.", "Nulla indica dove si trova la bobina.",
            "Chiamare l'ingegnere: il programma del braccio va avviato."),
        en=("The session was not opened.", "Nothing reports where the coil is.",
            "Call the engineer: the arm's program has to be started."),
    ),
    "not-the-arm": Row(
        it=("Il collegamento è stato rifiutato.", "Solo il programma del braccio può dire dove sia la bobina.",
            "Chiamare l'ingegnere."),
        en=("The connection was refused.", "Only the arm's own program may report that the coil is on its target.",
            "Call the engineer."),
    ),
    "not-the-daemon": Row(
        it=("Il collegamento è stato rifiutato.", "Solo il programma di controllo può dire quale persona chiede.",
            "Chiamare l'ingegnere."),
        en=("The connection was refused.", "Only the control program may say which person asks.", "Call the engineer."),
    ),
    "lease-missing": Row(
        it=("Non comincia alcun nuovo treno.", "La bobina non è sul bersaglio.",
            "Attendere, o portare la bobina sul bersaglio."),
    ),
    "lease-lost": Row(
        it=("Il treno è stato interrotto.", "La bobina ha lasciato il bersaglio; gli impulsi già dati sono contati.",
            "Riportarla: dopo una breve assenza la seduta riprende da sola."),
        en=("The train was cut.", "The coil left its target; pulses already given are counted.",
            "Bring the coil back; it goes on by itself after a short absence."),
    ),
}
# fmt: on
