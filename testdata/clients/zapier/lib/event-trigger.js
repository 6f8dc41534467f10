'use strict';

const { api } = require('./relevo');
const { verified } = require('./verify');
const { withFiles } = require('./files');
const samples = require('./samples');

// subscribe makes an endpoint for one Zap. Zapier keeps what it returns, and
// with it the secret that signs.
const subscribe = (label, typesOf) => async (z, bundle) => {
  const { id, secret } = (
    await api(z, bundle, {
      method: 'POST',
      path: '/endpoints',
      body: { url: bundle.targetUrl, types: typesOf(bundle), description: `Zapier: ${label}` },
    })
  ).data;
  return { id, secret };
};

// unsubscribe deletes it. That somebody has deleted it before is no fault.
const unsubscribe = async (z, bundle) => {
  try {
    await api(z, bundle, { method: 'DELETE', path: `/endpoints/${bundle.subscribeData.id}` });
  } catch (error) {
    if (error.name !== 'AppError' || JSON.parse(error.message).status !== 404) throw error;
  }
  return {};
};

// current is the secret as it is now: the owner may have replaced it since.
const current = async (z, bundle) => (await api(z, bundle, { path: `/endpoints/${bundle.subscribeData.id}/secret` })).data.secret;

const shown = (z, id, event) => ({
  id,
  ...event,
  data: event.type === 'message.received' ? withFiles(z, event.data) : event.data,
});

// perform takes one post. One that Relevo did not sign starts nothing.
const perform = async (z, bundle) => {
  const raw = bundle.rawRequest || {};
  const id = verified(raw, bundle.subscribeData.secret) || verified(raw, await current(z, bundle));
  return id ? [shown(z, id, JSON.parse(raw.content))] : [];
};

// recent are real messages for the editor, as the events of a type tell them.
const recent = {
  'message.received': '/inbound?limit=3',
  'message.sent': '/messages?limit=3&status=sent',
  'message.delivered': '/messages?limit=3&status=delivered',
  'message.read': '/messages?limit=3&status=read',
  'message.failed': '/messages?limit=3&status=failed',
};

// list is what the editor shows: the newest of its kind, or a made-up one.
const list = (typesOf) => async (z, bundle) => {
  const [type] = typesOf(bundle);
  const found = recent[type] ? (await api(z, bundle, { path: recent[type] })).data.data : [];
  if (found.length > 0) {
    return found.map(({ history, ...data }) =>
      shown(z, data.id, { type, timestamp: data.at || data.created_at, workspace_id: bundle.authData.workspace, data }),
    );
  }
  const [event] = (await api(z, bundle, { path: '/events/sample', params: { type } })).data.data;
  return [shown(z, samples.event(type).id, event)];
};

const labels = {
  id: 'Event ID',
  type: 'Type',
  timestamp: 'When',
  workspace_id: 'Workspace ID',
  data__id: 'ID',
  data__status: 'Status',
  data__to: 'Recipient',
  data__sender: 'Sender',
  data__author_name: 'Name in the Group',
  data__chat_id: 'Chat ID',
  data__text: 'Text',
  data__at: 'Written At',
  data__error__message: 'Why It Failed',
  data__name: 'Account',
  data__phone: 'Phone of the Account',
  data__reason: 'Why It Is Held',
  data__used_percent: 'Used (Percent)',
  data__available: 'Units Left',
};

// has reports whether a sample has a field by its path.
const has = (sample, path) => {
  let at = sample;
  for (const step of path.split('__')) {
    if (at === null || typeof at !== 'object' || !(step in at)) return false;
    at = at[step];
  }
  return true;
};

const outputFields = (sample) =>
  Object.entries(labels)
    .filter(([key]) => has(sample, key))
    .map(([key, label]) => ({ key, label }));

// eventTrigger is a trigger that Relevo's events start. types are those that it
// hears of; without them the user chooses.
const eventTrigger = ({ key, noun, label, description, types, sample, inputFields = [] }) => {
  const typesOf = (bundle) => types || bundle.inputData.types;
  return {
    key,
    noun,
    display: { label, description },
    operation: {
      type: 'hook',
      inputFields,
      performSubscribe: subscribe(label, typesOf),
      performUnsubscribe: unsubscribe,
      perform,
      performList: list(typesOf),
      sample,
      outputFields: outputFields(sample),
    },
  };
};

module.exports = { eventTrigger };
