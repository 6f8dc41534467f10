'use strict';

// What the editor shows before there is anything real, of people who do not
// exist. The tests hold these against what the server says of itself.
const workspace = 'ws_06g1ssuq7fb26uper4f0';
const channelID = 'ch_06g1ssuq7eikrigo4ko0';
const time = '2026-08-20T09:15:04Z';

const message = {
  id: 'wa_backend:3EB001A01E73DA3B8B44AE',
  status: 'delivered',
  units: 1,
  channel_id: channelID,
  chat_id: '10001',
  to: '+12025550143',
  text: 'Hello from Relevo',
  file: null,
  template: null,
  created_at: time,
  send_at: null,
  expires_at: '2026-08-21T09:15:04Z',
  tries: 1,
  provider_id: 'sbx_3EB001A01E73DA3B8B44AE_1',
  error: null,
  part_of: null,
  parts: [],
  resend_of: null,
  resent_as: null,
};

const failed = { ...message, status: 'failed', provider_id: null, error: { code: 'not_on_whatsapp', message: 'This number is not on WhatsApp.' } };

const received = {
  id: 'wa_backend:3EB001A01E73DA3B8B44AF',
  channel_id: channelID,
  chat_id: '10001',
  sender: '+12025550143',
  author: null,
  author_name: null,
  kind: 'text',
  text: 'Hi',
  files: [],
  at: time,
};

const channel = {
  id: channelID,
  kind: 'meta',
  name: 'Shop',
  phone: '+12025550100',
  state: 'held',
  reason: 'the provider refused this account',
  paused: false,
  connected_at: time,
};

const quota = { used_percent: 80, full: 1000, granted: 1000, available: 200, reserved: 3, spent: 797 };

// event is a sample of a type, with its data.
const event = (type, data) => ({ id: 'evt_01a01e73da3b8b44ae', type, timestamp: time, workspace_id: workspace, data });

module.exports = { message, failed, received, channel, quota, event };
