"""The words an operator meets, one for one: what they are called in each language, and what is meant.

`docs/glossary.md` shows the same table to whoever writes the next text.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Word(NamedTuple):
    """One term in one language."""

    word: str
    meaning: str


class Term(NamedTuple):
    """One term in every language."""

    en: Word
    it: Word


# A term is read as a whole.
# fmt: off
TERMS: Final = {
    "session": Term(Word("session", "one visit, from its opening to its report"),
                    Word("seduta", "una visita, dall'apertura al rapporto")),
    "course": Term(Word("course", "the series of sessions of one subject"),
                   Word("ciclo", "la serie di sedute di un paziente")),
    "subject": Term(Word("subject", "the person who is stimulated, known here by a code only"),
                    Word("paziente", "la persona stimolata, anche volontaria; qui nota solo con un codice")),
    "protocol": Term(Word("protocol", "what is prescribed: trains, pulses, intensity"),
                     Word("protocollo", "ciò che è prescritto: treni, impulsi, intensità")),
    "pulse": Term(Word("pulse", "one discharge of the coil"),
                  Word("impulso", "una scarica della bobina")),
    "train": Term(Word("train", "pulses one after another at a steady rate"),
                  Word("treno", "impulsi in serie a frequenza costante (treno di impulsi)")),
    "interval": Term(Word("interval", "from the last pulse of a train to the first of the next"),
                     Word("intervallo", "dall'ultimo impulso di un treno al primo del successivo")),
    "coil": Term(Word("coil", "what lies on the head and gives the pulse; mostly a figure of eight"),
                 Word("bobina", "ciò che poggia sulla testa e dà l'impulso; di solito a farfalla (a otto)")),
    "motor-threshold": Term(
        Word("resting motor threshold", "the output at which a resting hand just twitches, in % MSO; rMT"),
        Word("soglia motoria a riposo", "l'intensità a cui una mano a riposo appena si contrae, in % MSO; RMT")),
    "percent-rmt": Term(Word("% rMT", "intensity in per cent of the resting motor threshold"),
                        Word("% RMT", "intensità in percentuale della soglia motoria a riposo")),
    "percent-mso": Term(Word("% MSO", "output in per cent of the stimulator's maximum"),
                        Word("% MSO", "intensità in percentuale del massimo dello stimolatore")),
    "target": Term(Word("target", "where on the head the coil is to be"),
                   Word("bersaglio", "il punto della testa su cui deve stare la bobina")),
    "on-target": Term(Word("on target", "near enough to the target for a train"),
                      Word("sul bersaglio", "abbastanza vicina al bersaglio per un treno")),
    "placement": Term(Word("placement", "where the coil was put, in the operator's words"),
                      Word("posizione", "dove è stata messa la bobina, con le parole dell'operatore")),
    "tracker": Term(Word("tracker", "the camera that follows head and coil"),
                    Word("tracciamento", "la telecamera che segue testa e bobina")),
    "arm": Term(Word("arm", "the robot that holds the coil"),
                Word("braccio", "il robot che tiene la bobina")),
    "disarmed": Term(Word("disarmed", "the stimulator takes no command for a pulse; its parts may still be charged"),
                     Word("disarmato", "lo stimolatore non accetta comandi di impulso; può essere ancora carico")),
    "armed": Term(Word("armed", "the stimulator is ready to give pulses"),
                  Word("armato", "lo stimolatore è pronto a dare impulsi")),
    "release": Term(Word("Release", "the press that lets the trains begin, after the subject was looked at"),
                    Word("Avvia", "la pressione che dà il via ai treni, dopo aver controllato il paziente")),
    "held": Term(Word("held", "something stands in the way; it goes on by itself when that clears"),
                 Word("in attesa", "qualcosa lo impedisce; riprende da sola appena si risolve")),
    "paused": Term(Word("paused", "it goes on only when a person presses Release"),
                   Word("pausa", "riprende solo quando una persona preme Avvia")),
    "stop": Term(Word("STOP", "disarms at once and ends the session; software, not the emergency stop"),
                 Word("STOP, arresto",
                      "disarma subito e chiude la seduta; software, non l'arresto di emergenza")),
    "safety-stop": Term(Word("safety stop", "the watchdog has stopped it and keeps it so until a person resets"),
                        Word("arresto di sicurezza",
                             "la sorveglianza ha fermato tutto, finché una persona non ripristina")),
    "reset": Term(Word("reset", "lifting a safety stop, once its cause is gone"),
                  Word("ripristino", "togliere un arresto di sicurezza, eliminata la causa")),
    "locked": Term(Word("locked", "nothing can be stimulated until an engineer has looked at the pulse record"),
                   Word("bloccato", "nessuna stimolazione finché un ingegnere non ha visto il registro degli impulsi")),
    "watchdog": Term(Word("watchdog", "the separate program that judges every pulse and can stop it"),
                     Word("sorveglianza", "il programma separato che giudica ogni impulso e può fermarlo")),
    "delivered": Term(Word("delivered", "given, as far as the evidence goes"),
                      Word("erogato", "dato, per quanto si può stabilire")),
    "withheld": Term(Word("withheld", "planned and not given"),
                     Word("trattenuto", "previsto e non dato")),
    "unknown-pulse": Term(Word("pulse in doubt", "it may have gone out: counted as given, never sent again"),
                          Word("impulso incerto", "forse erogato: contato come dato, mai ripetuto")),
    "pulse-record": Term(Word("pulse record", "every pulse of every subject, kept for good"),
                         Word("registro degli impulsi", "ogni impulso di ogni paziente, conservato per sempre")),
    "control": Term(Word("control", "who may give commands: one person at a time; STOP needs none"),
                    Word("controllo", "chi può dare comandi: una persona alla volta; STOP non lo richiede")),
    "declared": Term(Word("declared", "typed by a person, not taken from a record"),
                     Word("dichiarato", "inserito da una persona, non preso da un archivio")),
    "training": Term(Word("training", "the same panel on a simulated room: nobody is stimulated"),
                     Word("esercitazione", "lo stesso pannello su una sala simulata: nessuno viene stimolato")),
}
# fmt: on
