'use strict';

const { api } = require('../lib/relevo');
const { message } = require('../lib/samples');

// perform finds nothing rather than fail where there is no such message; Zapier
// asks the user whether to go on then.
const perform = async (z, bundle) => {
  const id = encodeURIComponent(bundle.inputData.id.trim());
  try {
    return [(await api(z, bundle, { path: `/messages/${id}` })).data];
  } catch (error) {
    if (error.name === 'AppError' && JSON.parse(error.message).status === 404) return [];
    throw error;
  }
};

module.exports = {
  key: 'find_message',
  noun: 'Message',
  display: {
    label: 'Find Message',
    description: 'Finds a message by its ID, to see what became of it.',
  },
  operation: {
    perform,
    inputFields: [{ key: 'id', label: 'Message ID', type: 'string', required: true, placeholder: 'wa_backend:3EB0…' }],
    sample: message,
    outputFields: [
      { key: 'id', label: 'Message ID', type: 'string' },
      { key: 'status', label: 'Status', type: 'string' },
      { key: 'to', label: 'Recipient', type: 'string' },
      { key: 'text', label: 'Text', type: 'string' },
      { key: 'error__message', label: 'Why It Failed', type: 'string' },
    ],
  },
};
