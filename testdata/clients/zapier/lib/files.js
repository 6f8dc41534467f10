'use strict';

const { base } = require('./relevo');

// download fetches a file that somebody sent, when a later step asks for it.
// Its path is of this server, and takes the key.
const download = (z, bundle) =>
  z.stashFile(
    z.request({
      url: base(z, bundle) + bundle.inputData.path,
      headers: { Authorization: `Bearer ${bundle.authData.api_key.trim()}` },
      redirect: 'error',
      raw: true,
    }),
    undefined,
    bundle.inputData.name || undefined,
    bundle.inputData.type || undefined,
  );

// withFiles gives each received file a field file that other steps can take.
const withFiles = (z, data) => ({
  ...data,
  files: data.files.map(({ url, ...file }) => ({
    ...file,
    file: url ? z.dehydrateFile(download, { path: url, name: file.name, type: file.type }) : null,
  })),
});

module.exports = { hydrators: { download }, withFiles };
