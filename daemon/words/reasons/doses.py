"""The limits: how strong, how long, how often, how many, and how good the motor threshold is."""

from __future__ import annotations

from daemon.words.reasons.row import Row

# A row is read as a whole, so it takes few lines.
# fmt: off
ROWS = {
    "threshold-missing": Row(
        it=("La seduta non è stata aperta.", "Per questo paziente non c'è una soglia motoria.", "Prima determinarla."),
    ),
    "threshold-old": Row(
        it=("Il treno non è partito.", "La soglia motoria risale a {asked} fa; al massimo {allowed}.",
            "Determinarla di nuovo."),
    ),
    "threshold-poor": Row(
        it=("Il treno non è partito.", "La soglia motoria è incerta: {asked}; servono: {allowed}.",
            "Continuare a determinarla, o rifarla."),
    ),
    "threshold-other-coil": Row(
        it=("Il treno non è partito.", "La soglia motoria è di una bobina diversa da quella in uso.",
            "Collegare quella bobina, o determinare di nuovo la soglia."),
    ),
    "threshold-visual": Row(
        it=("Il treno non è partito.", "{asked} di una soglia rilevata a vista è troppo; al massimo {allowed}.",
            "Ridurre l'intensità, o determinare la soglia con EMG."),
    ),
    "threshold-simulated": Row(
        it=("La seduta non è stata aperta.", "La soglia motoria proviene da una simulazione.",
            "Determinarla sul paziente."),
    ),
    "thresholds-unread": Row(
        it=("La seduta non è stata aperta.", "L'archivio delle soglie motorie non si può leggere.",
            "Chiamare l'ingegnere."),
        en=("The session was not opened.", "The motor thresholds on file cannot be read.", "Call the engineer."),
    ),
    "threshold-not-filed": Row(
        it=("La soglia non è stata registrata.", "L'archivio delle soglie motorie non si può scrivere.",
            "Annotarla su carta e chiamare l'ingegnere."),
        en=("The threshold was not filed.", "The motor thresholds on file cannot be written.",
            "Write it down on paper and call the engineer."),
    ),
    "hunt-single-pulses": Row(
        it=("Il treno non è partito.", "La soglia si determina con impulsi singoli.",
            "Impostare lo stimolatore su impulsi singoli."),
    ),
    "hunt-too-strong": Row(
        it=("L'impulso non è stato dato.", "{asked} è molto oltre la stima; al massimo {allowed}.",
            "Salire a passi più piccoli."),
    ),
    "not-in-protocol": Row(
        it=("Il treno non è partito.", "{asked} non è quanto prescrive il protocollo: {allowed}.",
            "Impostare quanto prescrive il protocollo."),
    ),
    "level-over-ceiling": Row(
        it=("L'impulso non è stato dato.", "{asked} supera l'intensità massima di questa seduta, {allowed}.",
            "Ridurre l'intensità."),
    ),
    "intensity-over-limit": Row(
        it=("L'impulso non è stato dato.", "{asked} supera il limite di {allowed}.", "Ridurre l'intensità."),
    ),
    "raise-too-large": Row(
        it=("L'intensità non è stata aumentata.", "{asked} è più di un passo in su; ora al massimo {allowed}.",
            "Salire fin lì, dare un treno e chiedere al paziente."),
    ),
    "intensity-missing": Row(
        it=("L'intensità non è stata modificata.", "Non ne è stata indicata una.", "Indicarne una sopra 0 % RMT."),
        en=("The intensity was not changed.", "None was given.", "Name one above 0 % rMT."),
    ),
    "above-prescribed": Row(
        it=("L'intensità non è stata modificata.", "{asked} supera quanto prescrive il protocollo, {allowed}.",
            "Chiedere al massimo quella."),
        en=("The intensity was not changed.", "{asked} is above what the protocol prescribes, {allowed}.",
            "Ask for that or less."),
    ),
    "rate-over-limit": Row(
        it=("Il treno non è partito.", "{asked} è più rapido del limite di {allowed}.",
            "Scegliere una frequenza più bassa."),
    ),
    "train-too-long": Row(
        it=("Il treno non è partito.", "A {cell} può durare {allowed}; durerebbe {asked}.",
            "Ridurre gli impulsi, la frequenza o l'intensità."),
    ),
    "gap-too-short": Row(
        it=("Il treno non è partito.", "Segue il precedente dopo {asked}; devono passare almeno {allowed}.",
            "Allungare l'intervallo tra i treni."),
    ),
    "pulses-too-close": Row(
        it=("L'impulso non è stato dato.", "Segue il precedente dopo {asked}; devono passare almeno {allowed}.",
            "Attendere di più, o usare i treni dello stimolatore."),
    ),
    "window-full": Row(
        it=("Il treno non è partito.", "In {window} cadrebbero {asked} impulsi; al massimo {allowed}.",
            "Allungare l'intervallo tra i treni."),
    ),
    "session-full": Row(
        it=("Gli impulsi non sono stati dati.", "La seduta arriverebbe a {asked} impulsi; al massimo {allowed}.",
            "Chiudere la seduta."),
    ),
    "day-full": Row(
        it=("Gli impulsi non sono stati dati.", "Oggi il paziente arriverebbe a {asked} impulsi; al massimo {allowed}.",
            "Proseguire un altro giorno."),
    ),
    "twelve-hours-full": Row(
        it=("Gli impulsi non sono stati dati.",
            "In 12 ore il paziente arriverebbe a {asked} impulsi; al massimo {allowed}.", "Attendere alcune ore."),
    ),
    "week-full": Row(
        it=("Gli impulsi non sono stati dati.",
            "In 7 giorni il paziente arriverebbe a {asked} impulsi; al massimo {allowed}.",
            "Proseguire un altro giorno."),
    ),
    "course-full": Row(
        it=("Gli impulsi non sono stati dati.", "Questo ciclo arriverebbe a {asked} impulsi; al massimo {allowed}.",
            "Chiedere al medico responsabile."),
    ),
    "witness-too-weak": Row(
        it=("Il treno non è partito.",
            "A {asked} qui non si possono contare gli impulsi erogati; al massimo {allowed}.",
            "Scegliere una frequenza più bassa, o collegare un contatore di impulsi."),
    ),
    "autonomy": Row(
        it=("Il treno non è partito.",
            "{asked} con un solo comando non si possono fermare in tempo; al massimo {allowed}.",
            "Dividerlo in treni più brevi."),
    ),
    "block-too-large": Row(
        it=("Gli impulsi non sono stati dati.", "Ne sono stati chiesti {asked} insieme; al massimo {allowed}.",
            "Chiederne meno alla volta."),
    ),
}
# fmt: on
