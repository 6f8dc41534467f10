'use strict';

// What fills the drop-down lists of the editor. Users do not see them as
// triggers.
const { api } = require('../lib/relevo');

const list = ({ key, noun, path, itemOf, sample }) => ({
  key,
  noun,
  display: { label: `List of ${noun}s`, description: 'Fills a drop-down list.', hidden: true },
  operation: {
    perform: async (z, bundle) => (await api(z, bundle, { path })).data.data.map(itemOf).filter(Boolean),
    sample,
  },
});

module.exports = [
  list({
    key: 'chat_list',
    noun: 'Chat',
    path: '/chats?limit=200',
    itemOf: (chat) => ({ id: chat.id, label: chat.name ? `${chat.name} (${chat.recipient})` : chat.recipient }),
    sample: { id: '10001', label: 'Ann (+12025550143)' },
  }),
  list({
    key: 'account_list',
    noun: 'Account',
    path: '/channels',
    itemOf: (channel) => channel.phone && { id: channel.id, phone: channel.phone, label: `${channel.name} (${channel.phone})` },
    sample: { id: 'ch_06g1ssuq7eikrigo4ko0', phone: '+12025550100', label: 'Shop (+12025550100)' },
  }),
];
