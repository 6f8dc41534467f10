'use strict';

const { api } = require('./lib/relevo');

// test asks for the workspace: that proves address, id and key at once. It
// hands on no more than the label needs; the webhook's URL is a secret.
const test = async (z, bundle) => {
  const { id, name } = (await api(z, bundle, { path: '' })).data;
  return { id, name };
};

const host = (address) => {
  try {
    return new URL(address).host;
  } catch {
    return address;
  }
};

module.exports = {
  type: 'custom',
  test,
  connectionLabel: (z, bundle) => `${bundle.inputData.name} (${host(bundle.authData.server)})`,
  fields: [
    {
      key: 'server',
      label: 'Address of Relevo',
      type: 'string',
      required: true,
      placeholder: 'https://relay.example.com',
      helpText: 'Where your Relevo runs, as in the webhook URL up to `/hook`. Zapier must be able to reach it.',
    },
    {
      key: 'workspace',
      label: 'Workspace ID',
      type: 'string',
      required: true,
      placeholder: 'ws_…',
      helpText: 'It begins with `ws_`. `relevo workspace list` shows it.',
    },
    {
      key: 'api_key',
      label: 'API key',
      type: 'password',
      required: true,
      helpText: "A key of this workspace, which begins with `rlvk_`. Make one with `relevo key create`. Don't give the operator's key.",
    },
  ],
};
