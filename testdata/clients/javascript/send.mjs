#!/usr/bin/env node
// Sends one WhatsApp message through Relevo: node send.mjs PHONE TEXT
//
// RELEVO_HOOK is the webhook's URL. Needs nothing but Node.js 18 or later.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

const retries = 4;

// post makes one call. Status 0: no answer came.
async function post(hook, body, key) {
  try {
    const response = await fetch(hook, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": key },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    return { status: response.status, after: response.headers.get("Retry-After"), text };
  } catch (error) {
    return { status: 0, after: null, text: error.cause?.message ?? error.message };
  }
}

// send sends a message once, and returns the last call's status and answer.
async function send(hook, body) {
  const key = randomUUID(); // one key for all tries: the message goes out once
  for (let retry = 0; ; retry++) {
    const { status, after, text } = await post(hook, body, key);
    const again = status === 0 || status === 429 || status >= 500;
    if (!again || retry === retries) return { status, text };
    const seconds = /^\d+$/.test(after ?? "") ? Math.min(Number(after), 60) : 2 ** retry;
    await sleep(seconds * 1000);
  }
}

// why says what went wrong, in Relevo's words where it answered.
function why(status, text) {
  try {
    return JSON.parse(text).message ?? `HTTP ${status}`;
  } catch {
    return status ? `HTTP ${status}` : text;
  }
}

const hook = process.env.RELEVO_HOOK;
const [phone, text] = process.argv.slice(2);
if (!hook || text === undefined) {
  console.error("usage: RELEVO_HOOK=https://… node send.mjs PHONE TEXT");
  process.exit(2);
}
const last = await send(hook, { action: "send", phone, text });
if (last.status !== 200) {
  console.error(why(last.status, last.text));
  process.exit(1);
}
console.log(JSON.parse(last.text).data.message_id);
