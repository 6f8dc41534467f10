'use strict';

const { randomUUID } = require('node:crypto');
const { call, hookURL, refusal } = require('../lib/relevo');

// keptSeconds is for how long the key of a step in doubt is kept.
const keptSeconds = 60 * 60;

// What Zapier asks for under the name that the webhook has for it.
const asTheyAre = ['phone', 'chat_id', 'chat_name', 'jid', 'whatsapp_account_phone', 'text', 'file_url', 'file_name', 'send_at', 'expires_in'];

// lastOf is the file name at the end of an address, where it has an extension.
const lastOf = (address) => {
  try {
    const name = decodeURIComponent(new URL(address).pathname.split('/').pop());
    return /.\.\w+$/.test(name) ? name : undefined;
  } catch {
    return undefined;
  }
};

// messageOf is the call of the webhook. Whether it makes sense is Relevo's to
// say: it does so in words.
const messageOf = (input) => {
  const message = { action: 'send' };
  for (const field of asTheyAre) {
    if (input[field] !== undefined && input[field] !== null && input[field] !== '') message[field] = input[field];
  }
  if (message.file_url && !message.file_name) message.file_name = lastOf(message.file_url);
  if (input.template_name) {
    message.template = { name: input.template_name, language: input.template_language, variables: input.template_variables };
  }
  return message;
};

// doubt keeps the key of a call that must be repeated with it, because nobody
// knows whether it arrived. Zapier names no run of a Zap, so the slot is the
// message itself; equal messages share a key only while one of them is in doubt.
const doubt = (z, bundle, message) => {
  const slot = `doubt:${z.hash('sha256', JSON.stringify([bundle.authData.workspace, bundle.meta?.zap?.id, message]))}`;
  // A cache that fails must not keep a message from being sent.
  const quietly = (work) => work.catch(() => null);
  return {
    key: () => quietly(z.cache.get(slot)),
    keep: (key) => quietly(z.cache.set(slot, key, keptSeconds)),
    end: () => quietly(z.cache.delete(slot)),
  };
};

const perform = async (z, bundle) => {
  const message = messageOf(bundle.inputData);
  const url = await hookURL(z, bundle);
  const inDoubt = doubt(z, bundle, message);
  const given = bundle.inputData.idempotency_key;
  const kept = given ? null : await inDoubt.key();
  const key = given || kept || `zapier-${randomUUID()}`;
  let response;
  try {
    response = await call(z, { method: 'POST', url, body: message, headers: { 'Idempotency-Key': key } });
  } catch (error) {
    if (!given) await inDoubt.keep(key);
    throw error;
  }
  if (!given && (response.status === 429 || response.status >= 500)) await inDoubt.keep(key);
  if (response.status !== 200) throw refusal(z, response);
  if (kept) await inDoubt.end();
  return {
    id: response.data.data?.message_id,
    replayed: response.getHeader('idempotent-replayed') === 'true',
    not_sent: ['relevo-test', 'relevo-captured'].some((name) => response.getHeader(name) === 'true'),
    units_available: Number(response.getHeader('relevo-quota-available')),
    queue_position: Number(response.getHeader('relevo-queue-position') || 0),
    warnings: response.getHeader('relevo-warnings') || '',
  };
};

const inputFields = [
  { key: 'phone', label: 'Recipient: Phone', type: 'string', placeholder: '+14155550100', helpText: 'A number with its country code. Give one recipient: a phone, a chat, or the name of a chat.' },
  { key: 'chat_id', label: 'Recipient: Chat', type: 'string', dynamic: 'chat_list.id.label', helpText: 'A person or a group that there was a message with. The list has the newest 200; type the number of another one.' },
  { key: 'chat_name', label: 'Recipient: Name of a Chat', type: 'string', helpText: 'Exactly as Relevo shows it.' },
  { key: 'jid', label: 'Recipient: WhatsApp ID', type: 'string', placeholder: '120363041234567890@g.us', helpText: 'Of a person or a group, where you have that instead.' },
  { key: 'text', label: 'Text', type: 'text' },
  { key: 'file_url', label: 'File', type: 'file', helpText: 'A file of an earlier step, or an address that anybody can open.' },
  { key: 'file_name', label: 'File Name', type: 'string', placeholder: 'menu.pdf', helpText: 'With its extension. Needed with a file whose address does not end in one.' },
  { key: 'template_name', label: 'Template', type: 'string', placeholder: 'order_shipped', helpText: 'The name under which WhatsApp approved it, instead of a text. It may go to somebody who has not written for 24 hours.' },
  { key: 'template_language', label: 'Template: Language', type: 'string', placeholder: 'en', helpText: 'Needed with a template, such as `en` or `pt_BR`.' },
  { key: 'template_variables', label: 'Template: Variables', dict: true, helpText: 'On the left the number or the name of each, such as `1` and `2`.' },
  { key: 'whatsapp_account_phone', label: 'Send From', type: 'string', dynamic: 'account_list.phone.label', helpText: 'One of your accounts. Without it, the one that was connected last. A chat has its own.' },
  { key: 'send_at', label: 'Not Before', type: 'datetime', helpText: 'At most a year ahead.' },
  { key: 'expires_in', label: 'Give up After (Seconds)', type: 'integer', helpText: 'Its units are given back then. Without it, after a day.' },
  {
    key: 'idempotency_key',
    label: 'Name of This Message',
    type: 'string',
    helpText: 'The same name is sent once, however often a Zap is replayed. Insert the ID of what started the Zap, and add a word if the Zap sends several messages. Without it, only a step that Zapier repeats by itself is sent once.',
  },
];

module.exports = {
  key: 'send_message',
  noun: 'Message',
  display: {
    label: 'Send Message',
    description: 'Sends a text, a file or a template to a person or a group.',
  },
  operation: {
    perform,
    inputFields,
    sample: { id: 'wa_backend:3EB001A01E73DA3B8B44AE', replayed: false, not_sent: false, units_available: 989, queue_position: 1, warnings: '' },
    outputFields: [
      { key: 'id', label: 'Message ID', type: 'string' },
      { key: 'replayed', label: 'Was Sent Before', type: 'boolean' },
      { key: 'not_sent', label: 'Only a Test', type: 'boolean' },
      { key: 'units_available', label: 'Units Left', type: 'integer' },
      { key: 'queue_position', label: 'Place in the Queue', type: 'integer' },
      { key: 'warnings', label: 'Warnings', type: 'string' },
    ],
  },
};
