'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const core = require('zapier-platform-core');
const { App, authData, run, fails, relevo, listen } = require('./harness');

test('the app passes the validation of the platform', async () => {
  const { results } = await core.createAppHandler(App)({ command: 'validate' });
  assert.deepEqual(results, []);
});

test('a connection is tested, and named by its workspace', async () => {
  const inputData = await run(App.authentication.test);
  assert.deepEqual(Object.keys(inputData), ['id', 'name']);
  const label = await run(App.authentication.connectionLabel, { inputData });
  assert.equal(label, `${(await relevo('GET', '')).name} (${new URL(authData.server).host})`);
});

test('what is typed around an address, an id and a key does no harm', async () => {
  const typed = { server: ` ${authData.server}// `, workspace: ` ${authData.workspace}`, api_key: `${authData.api_key} ` };
  assert.equal((await run(App.authentication.test, { authData: typed })).id, authData.workspace);
});

test('a connection that does not work says why', async (t) => {
  const broken = (change) => fails(App.authentication.test, { authData: { ...authData, ...change } });
  assert.equal((await broken({ api_key: 'rlvk_wrong' })).name, 'ExpiredAuthError');
  assert.match((await broken({ workspace: 'ws_00000000000000000000' })).message, /no workspace ws_0/);
  assert.match((await broken({ server: 'not an address' })).message, /cannot be read/);
  assert.match((await broken({ server: 'http://127.0.0.1:1' })).message, /127\.0\.0\.1:1 could not be reached/);
  const page = await listen(t, (request, response) => response.end('<h1>Shop</h1>'));
  assert.match((await broken({ server: page })).message, /another program/);
  const moved = await listen(t, (request, response) => response.writeHead(301, { Location: authData.server }).end());
  assert.match((await broken({ server: moved })).message, /leads on to another/);
});

test('the drop-down lists have the chats and the accounts', async () => {
  const [channel] = (await relevo('GET', '/channels')).data;
  const chat = await relevo('POST', '/chats', { channel_id: channel.id, phone: '+14155550177', name: 'Zapier list' });
  const chats = await run(App.triggers.chat_list.operation.perform);
  assert.equal(chats.find((item) => item.id === chat.id).label, 'Zapier list (+14155550177)');
  const accounts = await run(App.triggers.account_list.operation.perform);
  assert.equal(accounts.find((item) => item.id === channel.id).phone, channel.phone);
});
