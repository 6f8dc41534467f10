#!/usr/bin/env node
// Takes Relevo's events, and verifies who sent them: node receive.mjs PORT
//
// RELEVO_SECRET is the endpoint's secret, whsec_… Needs nothing but Node.js 18 or
// later. It prints one event per line. It listens on this machine alone: put
// your web server, which has the certificate, in front of it.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const tolerance = 5 * 60; // seconds
const most = 1 << 20; // bytes of a body

// verified returns the event's id, or null where Relevo did not sign it
// (https://www.standardwebhooks.com).
function verified(secret, headers, body) {
  const id = headers["webhook-id"] ?? "";
  const timestamp = headers["webhook-timestamp"] ?? "";
  if (!id || !/^[0-9]+$/.test(timestamp)) return null;
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > tolerance) return null;
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const want = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
  // While the secret is replaced there are two signatures.
  const good = (headers["webhook-signature"] ?? "").split(" ").some((one) => {
    const got = Buffer.from(one.startsWith("v1,") ? one.slice(3) : "", "base64");
    return got.length === want.length && timingSafeEqual(got, want);
  });
  return good ? id : null;
}

// bodyOf is the body as it came, since it is verified byte for byte; null where
// it is too long.
async function bodyOf(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > most) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const secret = process.env.RELEVO_SECRET ?? "";
const port = Number(process.argv[2]);
if (!secret.startsWith("whsec_") || !port) {
  console.error("usage: RELEVO_SECRET=whsec_… node receive.mjs PORT");
  process.exit(2);
}

const seen = new Set(); // ids of events that were taken; use your database, a restart forgets these

// It answers at once. Work that takes longer than some seconds belongs into a
// queue.
const server = createServer(async (request, response) => {
  if (request.method !== "POST") return response.writeHead(405, { Allow: "POST" }).end();
  const body = await bodyOf(request).catch(() => null);
  if (body === null) return response.writeHead(413, { Connection: "close" }).end();
  const id = verified(secret, request.headers, body);
  if (id === null) return response.writeHead(401).end();
  if (!seen.has(id)) console.log(JSON.stringify(JSON.parse(body))); // an event may come twice
  seen.add(id);
  response.writeHead(204).end();
});
server.listen(port, "127.0.0.1");
