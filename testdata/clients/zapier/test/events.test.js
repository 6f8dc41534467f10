'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { createHmac } = require('node:crypto');
const { App, run, fails, send, relevo, catcher } = require('./harness');

const hooks = Object.values(App.triggers).filter((trigger) => trigger.operation.type === 'hook');

// subscribed is a Zap that was switched on with a trigger.
const subscribed = async (t, key, inputData = {}) => {
  const { operation } = App.triggers[key];
  const { url, next } = await catcher(t);
  const subscribeData = await run(operation.performSubscribe, { inputData, targetUrl: url });
  t.after(() => run(operation.performUnsubscribe, { subscribeData }));
  const perform = (rawRequest, data = subscribeData) => run(operation.perform, { inputData, rawRequest, subscribeData: data });
  return { operation, subscribeData, next, perform };
};

const endpoint = async (id) => (await relevo('GET', '/endpoints')).data.find((one) => one.id === id);

// writes pretends that somebody wrote to the only channel.
const writes = async (text) => {
  const [channel] = (await relevo('GET', '/channels')).data;
  await relevo('POST', `/channels/${channel.id}/sandbox/inbound`, { from: '+14155550143', name: 'Ann', text });
};

const sign = (secret, id, timestamp, content) =>
  `v1,${createHmac('sha256', Buffer.from(secret.slice(6), 'base64')).update(`${id}.${timestamp}.${content}`).digest('base64')}`;

test('a Zap is switched on, hears of what somebody wrote, and is switched off', async (t) => {
  const zap = await subscribed(t, 'message_received');
  assert.deepEqual((await endpoint(zap.subscribeData.id)).types, ['message.received']);
  await writes('Do you deliver?');
  const [event, ...others] = await zap.perform(await zap.next());
  assert.equal(others.length, 0);
  assert.match(event.id, /^evt_/);
  assert.equal(event.type, 'message.received');
  assert.equal(event.data.text, 'Do you deliver?');
  assert.equal(event.data.sender, '+14155550143');
  await run(zap.operation.performUnsubscribe, { subscribeData: zap.subscribeData });
  assert.equal(await endpoint(zap.subscribeData.id), undefined);
  // Again: it is off already, which is no fault.
  await run(zap.operation.performUnsubscribe, { subscribeData: zap.subscribeData });
});

for (const [key, to, type] of [
  ['message_delivered', '+14155550100', 'message.delivered'],
  ['message_read', '+14155550100', 'message.read'],
  ['message_failed', '+14155559901', 'message.failed'],
]) {
  test(`${key} starts when that happened`, async (t) => {
    const zap = await subscribed(t, key);
    const { id } = await run(send, { inputData: { phone: to, text: `For ${key}` } });
    let event;
    do { // one of a test before may come first
      [event] = await zap.perform(await zap.next());
      assert.equal(event.type, type);
    } while (event.data.id !== id);
    assert.equal(event.data.status, type.slice('message.'.length));
    if (type === 'message.failed') assert.match(event.data.error.message, /WhatsApp/);
  });
}

test('an account that stands still is told', async (t) => {
  const zap = await subscribed(t, 'channel_held');
  const channel = await relevo('POST', '/channels', { kind: 'sandbox', name: 'Zapier held', phone: '+15105550042' });
  t.after(() => relevo('DELETE', `/channels/${channel.id}`));
  await run(send, { inputData: { phone: '+14155559910', text: 'x', whatsapp_account_phone: channel.phone } });
  const [event] = await zap.perform(await zap.next());
  assert.equal(event.data.id, channel.id);
  assert.equal(event.data.state, 'held');
  assert.ok(event.data.reason);
});

test('a user chooses the events', async (t) => {
  const chosen = await subscribed(t, 'event', { types: ['message.accepted', 'webhook.rotated'] });
  await run(send, { inputData: { phone: '+14155550100', text: 'For any event' } });
  assert.equal((await chosen.perform(await chosen.next()))[0].type, 'message.accepted');
  const refused = await fails(App.triggers.event.operation.performSubscribe, { inputData: { types: ['no.such'] }, targetUrl: 'https://example.com/' });
  assert.equal(refused.status, 400);
});

test('a sample that Relevo sends to test a Zap is taken', async (t) => {
  for (const key of ['channel_held', 'quota_low']) {
    const zap = await subscribed(t, key);
    await relevo('POST', `/endpoints/${zap.subscribeData.id}/test`, {});
    const [event] = await zap.perform(await zap.next());
    assert.equal(event.type, key.replace('_', '.'));
    await run(zap.operation.performUnsubscribe, { subscribeData: zap.subscribeData });
  }
});

test('what Relevo did not sign starts nothing', async (t) => {
  const zap = await subscribed(t, 'message_received');
  await writes('Signed');
  const raw = await zap.next();
  assert.equal((await zap.perform(raw)).length, 1);
  const with_ = (headers, content = raw.content) => ({ ...raw, content, headers: { ...raw.headers, ...headers } });
  const id = raw.headers['Http-webhook-id'];
  const then = String(Math.floor(Date.now() / 1000) - 2 * 24 * 60 * 60);
  const bad = {
    tampered: with_({}, raw.content.replace('Signed', 'Forged')),
    'another id': with_({ 'Http-webhook-id': 'evt_000000000000000000' }),
    'another time': with_({ 'Http-webhook-timestamp': String(Number(raw.headers['Http-webhook-timestamp']) - 1) }),
    unsigned: with_({ 'Http-webhook-signature': '' }),
    'a signature that is too short': with_({ 'Http-webhook-signature': 'v1,AAAA' }),
    old: with_({ 'Http-webhook-timestamp': then, 'Http-webhook-signature': sign(zap.subscribeData.secret, id, then, raw.content) }),
    empty: { method: 'POST', headers: {}, content: '' },
  };
  for (const [what, forged] of Object.entries(bad)) assert.deepEqual(await zap.perform(forged), [], what);
});

test('two signatures, and a secret that was replaced since, are taken', async (t) => {
  const zap = await subscribed(t, 'message_received');
  await relevo('POST', `/endpoints/${zap.subscribeData.id}/rotate`, { grace_seconds: 3600 });
  await writes('In the grace');
  const both = await zap.next();
  assert.equal(both.headers['Http-webhook-signature'].split(' ').length, 2);
  assert.equal((await zap.perform(both))[0].data.text, 'In the grace');
  await relevo('POST', `/endpoints/${zap.subscribeData.id}/rotate`, { grace_seconds: 0 });
  await writes('After it');
  assert.equal((await zap.perform(await zap.next()))[0].data.text, 'After it');
});

test('the editor shows real messages where there are some, else made-up ones', async () => {
  await writes('For the editor');
  const list = App.triggers.message_received.operation.performList;
  assert.equal((await run(list))[0].data.text, 'For the editor');
  for (const { key, operation } of hooks) {
    const events = await run(operation.performList, { inputData: { types: ['template.updated'] } });
    assert.ok(events.length > 0, key);
    assert.ok(events.every((event) => event.id && event.type && event.data), key);
  }
});

test('the samples have the fields that Relevo sends', async () => {
  for (const { key, operation } of hooks) {
    const { sample } = operation;
    const [made] = (await relevo('GET', `/events/sample?type=${sample.type}`)).data;
    assert.deepEqual(Object.keys(sample).sort(), ['id', ...Object.keys(made)].sort(), key);
    assert.deepEqual(Object.keys(sample.data).sort(), Object.keys(made.data).sort(), key);
    assert.ok(operation.outputFields.length > 5, key);
  }
});

test('the events to choose from are those that Relevo has', async () => {
  const [{ choices }] = App.triggers.event.operation.inputFields;
  for (const type of Object.keys(choices)) await relevo('GET', `/events/sample?type=${type}`);
  const { types, id } = await relevo('POST', '/endpoints', { url: 'https://example.com/all' });
  await relevo('DELETE', `/endpoints/${id}`);
  assert.deepEqual(Object.keys(choices).sort(), types.sort());
});
