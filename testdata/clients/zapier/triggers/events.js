'use strict';

const { eventTrigger } = require('../lib/event-trigger');
const { message, failed, received, channel, quota, event } = require('../lib/samples');

// choices are all types, as the user reads them.
const choices = {
  'message.accepted': 'Message accepted',
  'message.sent': 'Message sent',
  'message.delivered': 'Message delivered',
  'message.read': 'Message read',
  'message.failed': 'Message failed',
  'message.unconfirmed': 'Message unconfirmed',
  'message.canceled': 'Message canceled',
  'message.expired': 'Message expired',
  'message.received': 'Message received',
  'channel.connected': 'Account connected',
  'channel.held': 'Account held',
  'channel.resumed': 'Account resumed',
  'template.updated': 'Template updated',
  'quota.low': 'Quota low',
  'quota.exhausted': 'Quota exhausted',
  'webhook.rotated': 'Webhook rotated',
};

module.exports = [
  eventTrigger({
    key: 'message_received',
    noun: 'Message',
    label: 'New Message Received',
    description: 'Triggers when somebody writes to one of your accounts.',
    types: ['message.received'],
    sample: event('message.received', received),
  }),
  eventTrigger({
    key: 'message_delivered',
    noun: 'Message',
    label: 'Message Delivered',
    description: 'Triggers when a message reached the phone.',
    types: ['message.delivered'],
    sample: event('message.delivered', message),
  }),
  eventTrigger({
    key: 'message_read',
    noun: 'Message',
    label: 'Message Read',
    description: 'Triggers when somebody read a message.',
    types: ['message.read'],
    sample: event('message.read', { ...message, status: 'read' }),
  }),
  eventTrigger({
    key: 'message_failed',
    noun: 'Message',
    label: 'Message Failed',
    description: 'Triggers when a message was not sent, or not delivered. It says why.',
    types: ['message.failed', 'message.expired', 'message.unconfirmed'],
    sample: event('message.failed', failed),
  }),
  eventTrigger({
    key: 'channel_held',
    noun: 'Account',
    label: 'Account Held',
    description: 'Triggers when an account stands still, and needs somebody to look at it.',
    types: ['channel.held'],
    sample: event('channel.held', channel),
  }),
  eventTrigger({
    key: 'quota_low',
    noun: 'Quota',
    label: 'Quota Low',
    description: 'Triggers when 80 and 95 percent of the units are used, and when none is left.',
    types: ['quota.low', 'quota.exhausted'],
    sample: event('quota.low', quota),
  }),
  eventTrigger({
    key: 'event',
    noun: 'Event',
    label: 'New Event',
    description: 'Triggers when one of the events that you choose happens.',
    inputFields: [{ key: 'types', label: 'Events', list: true, required: true, choices, helpText: 'The fields of an event depend on its type.' }],
    sample: event('message.delivered', message),
  }),
];
