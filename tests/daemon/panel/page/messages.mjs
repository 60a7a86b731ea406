// Messages of a room as they come from the worker, for tests.

export const AT = 1_700_000_123_456;

export const state = (fields = {}) => ({
  state_seq: 7, phase: "idle", sentence: "", reason: null, fields: {}, coil_reason: null, holder: null, offered_to: null,
  session: null, hash: null, understood: {}, subject: null, protocol: null, intensity_tenths: null, level_tenths: null,
  holds: [], trip: null, unknown: [], continuable: null, report: null, linked: true, stimulator: "standby", ...fields,
});

export const running = (fields = {}) =>
  state({ phase: "gap", session: "00aa00aa00aa00aa", hash: "ab", subject: "S-1", protocol: "demo", holder: "olga",
    intensity_tenths: 1000, level_tenths: 500, ...fields });

export const heard = (channel, payload, at = AT) => ({ say: "heard", channel, payload, retained: false, at });
export const beat = (seq = 7, at = AT) => heard("heartbeat", { state_seq: seq, nonce: "0".repeat(32), phase: "idle" }, at);

export const progress = (fields = {}) => ({
  state_seq: 7, train: 1, trains: 3, next_train_in_us: 4_000_000,
  counts: { planned: 120, commanded: 40, settled: 40, unknown: 0 }, ...fields,
});
