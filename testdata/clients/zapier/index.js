'use strict';

// Relevo for Zapier: it sends messages, finds them again, and starts Zaps by
// what happens in a workspace.
const core = require('zapier-platform-core');
const { version } = require('./package.json');

const byKey = (...parts) => Object.fromEntries(parts.map((part) => [part.key, part]));

module.exports = {
  version,
  platformVersion: core.version,
  // What is left empty in the editor is not sent at all.
  flags: { cleanInputData: true },
  authentication: require('./authentication'),
  hydrators: require('./lib/files').hydrators,
  triggers: byKey(...require('./triggers/events'), ...require('./triggers/lists')),
  searches: byKey(require('./searches/message')),
  creates: byKey(require('./creates/message')),
};
