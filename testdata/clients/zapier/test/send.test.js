'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { App, authData, run, fails, send, relevo, between } = require('./harness');

const phone = '+14155550100';
const ofText = async (text) => (await relevo('GET', '/messages?limit=200')).data.filter((message) => message.text === text);

test('a text goes out, and is found again', async () => {
  const text = 'By Zapier: "quoted" \\ Jürgen\'s 10 % & <more> 👋';
  const sent = await run(send, { inputData: { phone, text } });
  const [message, ...others] = await ofText(text);
  assert.equal(others.length, 0);
  assert.equal(sent.id, message.id);
  assert.equal(sent.replayed, false);
  assert.equal(typeof sent.units_available, 'number');
  const find = App.searches.find_message.operation.perform;
  assert.equal((await run(find, { inputData: { id: sent.id } }))[0].text, text);
  assert.deepEqual(await run(find, { inputData: { id: 'wa_backend:3EB0000000000000000000' } }), []);
});

test('a message goes to a chat by its number and by its name', async () => {
  const [channel] = (await relevo('GET', '/channels')).data;
  const chat = await relevo('POST', '/chats', { channel_id: channel.id, phone: '+14155550188', name: 'Zapier team' });
  for (const recipient of [{ chat_id: chat.id }, { chat_name: 'Zapier team' }]) {
    const { id } = await run(send, { inputData: { ...recipient, text: 'To a chat' } });
    assert.equal((await relevo('GET', `/messages/${id}`)).to, '+14155550188');
  }
});

test('a file takes its name from its address, and the account and the time are kept', async () => {
  const [channel] = (await relevo('GET', '/channels')).data;
  const inputData = {
    phone,
    file_url: 'https://example.com/files/menu%20card.pdf?x=1',
    whatsapp_account_phone: channel.phone,
    send_at: new Date(Date.now() + 3_600_000).toISOString(),
    expires_in: 7200,
  };
  const { id } = await run(send, { inputData });
  const message = await relevo('GET', `/messages/${id}`);
  assert.equal(message.file.name, 'menu card.pdf');
  assert.equal(message.channel_id, channel.id);
  assert.equal(new Date(message.send_at).getTime(), new Date(inputData.send_at).getTime());
  assert.equal(Math.round((new Date(message.expires_at) - new Date(message.created_at)) / 1000), 7200);
});

test('a template goes with its language and its variables', async (t) => {
  const line = await between(t);
  const inputData = { phone, template_name: 'no_such_template', template_language: 'en', template_variables: { 1: 'Ann', 2: '77234' } };
  const refused = await fails(send, { authData: line.authData, inputData });
  assert.match(refused.code, /^template_/, refused.message);
  assert.equal(line.calls.length, 1);
});

test('a refusal is told in the words of Relevo, and the step is not repeated', async (t) => {
  const cases = [
    [{ phone: '12', text: 'x' }, 'invalid_phone'],
    [{ text: 'x' }, 'missing_recipient'],
    [{ phone, chat_id: '10001', text: 'x' }, 'too_many_recipients'],
    [{ phone }, 'no_content'],
    [{ chat_name: 'Nobody has this name', text: 'x' }, 'chat_not_found'],
  ];
  for (const [inputData, code] of cases) {
    const line = await between(t);
    const refused = await fails(send, { authData: line.authData, inputData });
    assert.equal(refused.name, 'AppError');
    assert.equal(refused.status, 400);
    assert.equal(refused.code, code);
    assert.match(refused.message, /\.$/);
    assert.equal(line.calls.length, 1);
  }
});

test('a disabled webhook is told', async (t) => {
  await relevo('PATCH', '/webhook', { enabled: false });
  t.after(() => relevo('PATCH', '/webhook', { enabled: true }));
  const refused = await fails(send, { inputData: { phone, text: 'x' } });
  assert.equal(refused.status, 403);
  assert.equal(refused.message, 'Webhook is disabled');
});

test('a webhook with a limit says when to come back', async (t) => {
  await relevo('PATCH', '/webhook', { rate_per_minute: 1 });
  t.after(() => relevo('PATCH', '/webhook', { rate_per_minute: 0 }));
  await run(send, { inputData: { phone, text: 'The only one in this minute' } });
  const error = await fails(send, { inputData: { phone, text: 'One too many' } });
  assert.equal(error.name, 'ThrottledError');
  assert.ok(error.delay > 0 && error.delay <= 60, `delay ${error.delay}`);
  assert.match(error.message, /\.$/);
});

test('a rotated webhook goes on working', async () => {
  await relevo('POST', '/webhook/rotate', { grace_seconds: 0 });
  assert.match((await run(send, { inputData: { phone, text: 'After the rotation' } })).id, /^wa_backend:/);
});

test('the same name is sent once, another text under it is refused', async () => {
  const inputData = { phone, text: 'Order 1017 left', idempotency_key: 'zapier-order-1017' };
  const first = await run(send, { inputData });
  const second = await run(send, { inputData });
  assert.equal(second.id, first.id);
  assert.equal(second.replayed, true);
  assert.equal((await ofText(inputData.text)).length, 1);
  assert.equal((await fails(send, { inputData: { ...inputData, text: 'Order 1018 left' } })).code, 'idempotency_conflict');
});

test('equal messages of two runs go out twice', async () => {
  const inputData = { phone, text: 'Good morning' };
  const first = await run(send, { inputData });
  const second = await run(send, { inputData });
  assert.notEqual(second.id, first.id);
});

test('a step that Zapier repeats after a lost answer sends once', async (t) => {
  const line = await between(t);
  const bundle = { authData: line.authData, inputData: { phone, text: 'Once, by Zapier' } };
  const lost = [
    [(response) => response.writeHead(503, { 'Retry-After': '7' }).end('{}'), 7],
    [(response) => response.writeHead(429, { 'Retry-After': '12' }).end('{}'), 12],
    [(response) => response.writeHead(502).end('<html>'), 60],
    [(response) => response.destroy(), 60],
  ];
  for (const [lose, delay] of lost) {
    line.answers.push(lose);
    const error = await fails(send, bundle);
    assert.equal(error.name, 'ThrottledError');
    assert.equal(error.delay, delay);
  }
  const sent = await run(send, bundle);
  assert.equal(sent.replayed, true);
  assert.equal(new Set(line.calls.map((call) => call.key)).size, 1);
  const [message, ...others] = await ofText(bundle.inputData.text);
  assert.equal(message.id, sent.id);
  assert.equal(others.length, 0);
  // The doubt is over: the next run is another message.
  assert.notEqual((await run(send, bundle)).id, sent.id);
});

test('the key of the API goes to the API alone', async (t) => {
  const line = await between(t);
  const seen = [];
  line.answers.push((response) => {
    seen.push(response.req.headers.authorization);
    response.writeHead(503).end();
  });
  await fails(send, { authData: line.authData, inputData: { phone, text: 'x' } });
  assert.deepEqual(seen, [undefined]);
  assert.ok(authData.api_key);
});
