'use strict';

// Verifying that an event comes from Relevo: Standard Webhooks,
// https://www.standardwebhooks.com.
const { createHmac, timingSafeEqual } = require('node:crypto');

// oldest is how many seconds after its posting an event is still taken. The
// standard says 5 minutes; Zapier may hand an event on hours later, when it has
// an outage behind it.
const oldest = 24 * 60 * 60;

// header finds one in any case, and with the Http- that Zapier may write before
// it.
const header = (headers, name) => {
  const found = Object.entries(headers || {}).find(([key]) => key.toLowerCase().replace(/^http-/, '') === name);
  return found ? String(found[1]) : '';
};

const same = (a, b) => a.length === b.length && timingSafeEqual(a, b);

// verified returns the event's id where the raw request is signed with the
// secret, else null.
const verified = (raw, secret, now = Date.now()) => {
  const id = header(raw.headers, 'webhook-id');
  const timestamp = header(raw.headers, 'webhook-timestamp');
  if (!id || !/^\d+$/.test(timestamp) || Math.abs(now / 1000 - Number(timestamp)) > oldest) return null;
  const key = Buffer.from((secret || '').replace(/^whsec_/, ''), 'base64');
  if (key.length === 0) return null;
  const want = createHmac('sha256', key).update(`${id}.${timestamp}.${raw.content}`).digest();
  // While the secret is replaced there are two signatures.
  const signed = header(raw.headers, 'webhook-signature')
    .split(' ')
    .some((one) => one.startsWith('v1,') && same(Buffer.from(one.slice(3), 'base64'), want));
  return signed ? id : null;
};

module.exports = { verified };
