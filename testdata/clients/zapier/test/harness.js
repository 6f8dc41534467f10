'use strict';

// What the tests share: the app under Zapier's tester, against a real Relevo
// whose address, workspace and key the environment has.
const http = require('node:http');
const { once } = require('node:events');
const { createAppTester } = require('zapier-platform-core');

const App = require('../index');

const need = (name) => {
  if (!process.env[name]) throw new Error(`${name} is not set: go test ./cmd/relevo -run Zapier runs these tests`);
  return process.env[name];
};

const authData = { server: need('RELEVO_URL'), workspace: need('RELEVO_WORKSPACE'), api_key: need('RELEVO_KEY') };

const tester = createAppTester(App);
const send = App.creates.send_message.operation.perform;

// run runs a part of the app as Zapier does.
const run = (part, bundle = {}) => tester(part, { authData, ...bundle });

// fails runs a part that must fail, and returns the error with what Zapier
// reads in it.
const fails = async (part, bundle) => {
  try {
    await run(part, bundle);
  } catch (error) {
    try {
      return { name: error.name, ...JSON.parse(error.message) };
    } catch {
      return { name: error.name, message: error.message };
    }
  }
  throw new Error('it did not fail');
};

// relevo calls the management API itself.
const relevo = async (method, path, body) => {
  const response = await fetch(`${authData.server}/api/v1/workspaces/${authData.workspace}${path}`, {
    method,
    headers: { Authorization: `Bearer ${authData.api_key}`, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : {};
};

// listen starts a server on this machine, which ends with the test.
const listen = async (t, handle) => {
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    handle(request, response, Buffer.concat(chunks).toString());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
};

// catcher stands for Zapier's catch URL: next is the next post, as Zapier hands
// it to a trigger.
const catcher = async (t) => {
  const posts = [];
  const waiting = [];
  const url = await listen(t, (request, response, content) => {
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [`Http-${name}`, value]));
    const raw = { method: request.method, querystring: '', headers, content };
    response.end('{}');
    if (waiting.length) waiting.shift()(raw);
    else posts.push(raw);
  });
  const next = () => (posts.length ? Promise.resolve(posts.shift()) : new Promise((resolve) => waiting.push(resolve)));
  return { url: `${url}/hooks/catch/1`, next };
};

// between stands between the app and Relevo. It answers the next calls of the
// webhook by what is in answers, after Relevo had them.
const between = async (t) => {
  const calls = [];
  const answers = [];
  const url = await listen(t, async (request, response, content) => {
    const { host, connection, 'content-length': length, ...headers } = request.headers;
    const answer = await fetch(authData.server + request.url, { method: request.method, headers, body: content || undefined });
    const body = await answer.text();
    if (request.url.startsWith('/hook/')) {
      calls.push({ key: request.headers['idempotency-key'], status: answer.status });
      if (answers.length) return answers.shift()(response);
    }
    response.writeHead(answer.status, { 'Content-Type': answer.headers.get('content-type'), 'Idempotent-Replayed': answer.headers.get('idempotent-replayed') ?? 'false' });
    response.end(body);
  });
  return { authData: { ...authData, server: url }, calls, answers };
};

module.exports = { App, authData, run, fails, send, relevo, listen, catcher, between };
