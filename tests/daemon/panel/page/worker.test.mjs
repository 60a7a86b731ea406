import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { advance, newest, pageAnswers, posted, said, Socket, sockets, tell } from "./stage.mjs";
import "../../../../daemon/panel/static/worker.js";

const NONCE = "0123456789abcdef".repeat(2);
const beat = () => newest().say("heartbeat", { state_seq: 7, nonce: NONCE, phase: "idle" });
const needs = { nonce: true, state_seq: true };
const ask = (fields = {}) => tell({ do: "ask", ask: 1, verb: "take", fields: {}, needs, seen: 7, deadline: 5000, ...fields });
const commands = (socket = newest()) => socket.published.filter(({ topic }) => topic.startsWith("cmd/"));
const presences = (socket = newest()) => socket.published.filter(({ topic }) => topic.startsWith("presence/"));

beforeEach(async () => {
  tell({ do: "leave" });
  await advance(10_000);
  posted.length = sockets.length = 0;
  Socket.refuses = Socket.down = false;
  pageAnswers(true);
  tell({ do: "here", here: true });
  tell({ do: "connect", user: "olga", password: "secret", room: "room1" });
  await advance(20);
});

test("what the room says reaches the page, with the moment it was heard", async () => {
  newest().say("state/room", { state_seq: 7 });
  await advance(1);

  const heard = said("heard").at(-1);
  assert.equal(heard.channel, "room");
  assert.deepEqual(heard.payload, { state_seq: 7 });
});

test("a command quotes the newest nonce and the state its person saw, and its answer comes back", async () => {
  beat();
  await advance(1);
  ask({ seen: 5 });
  await advance(5);

  const [{ topic, payload }] = commands();
  assert.equal(topic, "cmd/olga/take");
  assert.equal(payload.nonce, NONCE);
  assert.equal(payload.state_seq, 5);
  newest().say(`reply/olga/${payload.client}`, { id: payload.id, ok: true, state_seq: 8 });
  await advance(5);
  assert.equal(said("answer")[0].answer.ok, true);
});

test("a command waits a moment for a late heartbeat, and no longer", async () => {
  ask();
  await advance(900);
  assert.equal(commands().length, 0);
  beat();
  await advance(5);
  assert.equal(commands().length, 1);

  await advance(2000);
  ask({ ask: 2 });
  await advance(1100);
  assert.equal(commands().length, 1);
  assert.equal(said("answer").at(-1).answer.reason, "link-room-unknown");
});

test("a command that nobody answers is told so, and is not sent again", async () => {
  beat();
  await advance(1);
  ask({ deadline: 500 });
  await advance(8000);

  assert.equal(commands().length, 1);
  assert.equal(said("answer")[0].answer.reason, "link-no-answer");
});

test("what is asked while there is no connection is refused at once and never sent later", async () => {
  Socket.down = true;
  newest().close();
  await advance(50);
  ask();
  await advance(5);
  assert.equal(said("answer")[0].answer.reason, "link-not-connected");

  Socket.down = false;
  await advance(5000);
  beat();
  await advance(100);
  assert.equal(said("link").at(-1).state, "connected");
  assert.equal(sockets.flatMap((socket) => commands(socket)).length, 0);
});

test("a command in flight when the connection goes is answered as lost, and not repeated by the next one", async () => {
  beat();
  await advance(1);
  ask();
  await advance(5);
  newest().close();
  await advance(5000);

  assert.equal(said("answer")[0].answer.reason, "link-lost-meanwhile");
  assert.equal(sockets.flatMap((socket) => commands(socket)).length, 1);
});

test("presence goes out four times a second with a fresh nonce, and not without one", async () => {
  for (let n = 0; n < 10; n += 1) {
    beat();
    await advance(200);
  }
  const there = presences().length;
  assert.ok(there >= 7 && there <= 9, String(there));

  await advance(3000);
  assert.ok(presences().length <= there + 5, "a silent room renews no presence");
});

test("a page that does not answer its ping is an operator who is not there", async () => {
  pageAnswers(false);
  for (let n = 0; n < 20; n += 1) {
    beat();
    await advance(200);
  }
  const hung = presences().length;
  assert.ok(hung <= 5, String(hung));

  pageAnswers(true);
  tell({ do: "pong" });
  beat();
  await advance(600);
  assert.ok(presences().length > hung, "a page that answers again is one");
});

test("whoever did not say that they are there has no presence", async () => {
  tell({ do: "here", here: false });
  beat();
  await advance(600);

  assert.equal(presences().length, 0);
});

test("STOP goes past the broker and through it, and again until it is confirmed", async () => {
  tell({ do: "urgent", verb: "stop", number: 9, fields: {} });
  await advance(5);
  assert.deepEqual(newest().texts, ["STOP"]);
  assert.deepEqual(commands().map(({ topic }) => topic), ["cmd/olga/stop"]);
  assert.deepEqual(said("urgent")[0].direct && said("urgent")[0].mqtt, true);

  await advance(1000);
  assert.equal(newest().texts.length, 2);
  tell({ do: "confirmed", number: 9 });
  await advance(3000);
  assert.equal(newest().texts.length, 2);
});

test("Emergency goes each way once", async () => {
  tell({ do: "urgent", verb: "emergency", number: 10, fields: {} });
  await advance(5000);

  assert.deepEqual(newest().texts, ["EMERGENCY"]);
  assert.deepEqual(commands().map(({ topic }) => topic), ["cmd/olga/emergency"]);
});

test("when the broker is lost the line stays for STOP until its successor is accepted", async () => {
  const old = newest();
  Socket.refuses = false;
  Socket.down = true;
  old.tell({ broker: "lost" });
  await advance(300);
  assert.equal(old.readyState, 1);
  assert.equal(said("link").at(-1).state, "lost");
  tell({ do: "urgent", verb: "stop", number: 11, fields: {} });
  await advance(5);
  assert.deepEqual(old.texts, ["STOP"]);
  tell({ do: "confirmed", number: 11 });

  Socket.down = false;
  await advance(3000);
  assert.equal(said("link").at(-1).state, "connected");
  assert.equal(old.readyState, 3);
  assert.equal(sockets.filter((socket) => socket.readyState === 1).length, 1);
});

test("a lost connection says whether STOP still has a way past the broker", async () => {
  const old = newest();
  Socket.down = true;
  old.tell({ broker: "lost" });
  await advance(300);
  assert.equal(said("link").at(-1).direct, true);

  old.close();
  await advance(5000);
  assert.equal(said("link").at(-1).direct, false);
  assert.ok(said("link").at(-1).tries > 0, "and a page that tries again is none that has only just come");
});

test("a sign-in that the broker refuses is not tried again", async () => {
  Socket.refuses = true;
  tell({ do: "connect", user: "olga", password: "wrong", room: "room1" });
  await advance(20);
  const tries = sockets.length;
  await advance(10_000);

  assert.equal(said("link").at(-1).state, "refused");
  assert.equal(sockets.length, tries);
});

test("a STOP that nobody is signed in for says that it went nowhere", async () => {
  tell({ do: "leave" });
  tell({ do: "urgent", verb: "stop", number: 12, fields: {} });
  await advance(5);

  assert.deepEqual([said("urgent").at(-1).direct, said("urgent").at(-1).mqtt], [false, false]);
  tell({ do: "confirmed", number: 12 });
});
