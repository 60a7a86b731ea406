// What is known of one STOP or Emergency after its press, as a pure function of what was heard since: it is confirmed
// only by the watchdog's own word of standby, by whichever of its two ways that comes first.

export const CONFIRM_MS = 2500;

export const pressed = (verb, number, at) => ({
  verb,
  number,
  at,
  state: "sending",
  ways: { direct: false, mqtt: false },
  direct: null,
  answer: null,
  arm: null,
});

/** After one message of the worker's about it. */
export function hearUrgent(urgent, message) {
  if (message.say === "urgent" && message.number === urgent.number) {
    const sent = message.direct || message.mqtt;
    const state = urgent.state === "sending" && sent ? "sent" : urgent.state;
    return { ...urgent, state, ways: { direct: message.direct, mqtt: message.mqtt } };
  }
  if (message.say === "direct" && message.told.direct === urgent.verb.toUpperCase()) return heardDirect(urgent, message.told);
  if (message.say === "answer" && message.number === `${urgent.verb}:${urgent.number}`) {
    const { answer } = message;
    const standby = answer.ok && answer.detail?.standby === true;
    return { ...urgent, answer, state: standby ? "confirmed" : urgent.state };
  }
  return urgent;
}

function heardDirect(urgent, { watchdog, arm, refused }) {
  if (refused) return { ...urgent, direct: "refused" };
  if (watchdog === "sent") return { ...urgent, state: urgent.state === "sending" ? "sent" : urgent.state };
  const state = watchdog === "confirmed" ? "confirmed" : urgent.state;
  return { ...urgent, direct: watchdog, arm: arm ?? urgent.arm, state };
}

/** At `now`: too long without a confirmation, or both ways have said no, is NOT CONFIRMED; a late one still confirms. */
export function judge(urgent, now) {
  if (urgent.state === "confirmed" || urgent.state === "not-confirmed") return urgent;
  const over = now - urgent.at >= CONFIRM_MS;
  const directNo = urgent.direct === "unreachable" || urgent.direct === "not-confirmed" || urgent.direct === "refused";
  const mqttNo = !urgent.ways.mqtt || (urgent.answer && urgent.answer.detail?.standby !== true);
  const bothNo = urgent.state !== "sending" && directNo && mqttNo;
  return over || bothNo ? { ...urgent, state: "not-confirmed" } : urgent;
}
