'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const http = require('node:http');
const { once } = require('node:events');

// storage plays the part of Zapier that keeps files, since z.stashFile brings
// them there. Its address must be known before the platform is loaded.
const storage = async (t) => {
  const uploads = [];
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString('latin1');
    if (request.url === '/upload') {
      uploads.push(body);
      return response.writeHead(204).end();
    }
    const { id, method } = JSON.parse(body);
    assert.equal(method, 'get_presigned_upload_post_data');
    const result = { url: `${process.env.ZAPIER_BASE_ENDPOINT}/upload`, fields: { key: 'kept/1' } };
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ id, result }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  process.env.ZAPIER_BASE_ENDPOINT = `http://127.0.0.1:${server.address().port}`;
  process.env.ZAPIER_DEPLOY_KEY = 'none';
  return uploads;
};

test('a file that somebody sent is fetched with the key when a later step asks for it', async (t) => {
  const uploads = await storage(t);
  const { App, authData, run, fails, listen } = require('./harness');
  const { withFiles } = require('../lib/files');

  const path = `/api/v1/workspaces/${authData.workspace}/inbound/wa_backend:3EB001A01E73DA3B8B44AF/files/0`;
  const seen = [];
  const server = await listen(t, (request, response) => {
    seen.push([request.url, request.headers.authorization]);
    if (request.url !== path) return response.writeHead(404).end();
    response.writeHead(200, { 'Content-Type': 'image/png' }).end('the bytes of a cat');
  });

  const file = { name: 'cat.png', type: 'image/png', caption: null, size: 18, missing: null };
  const { files } = await run((z) => withFiles(z, { files: [{ ...file, url: path }, { ...file, url: null, missing: 'It is too large.' }] }));
  assert.equal(files[1].file, null);
  const [, dehydrated] = files[0].file.split('|||');
  const { method, bundle: inputData } = JSON.parse(dehydrated.slice(0, dehydrated.lastIndexOf('}') + 1));
  assert.equal(method, 'hydrators.download');

  const kept = await run(App.hydrators.download, { authData: { ...authData, server }, inputData });
  assert.equal(kept, `${process.env.ZAPIER_BASE_ENDPOINT}/kept/1`);
  assert.deepEqual(seen, [[path, `Bearer ${authData.api_key}`]]);
  assert.equal(uploads.length, 1);
  assert.match(uploads[0], /the bytes of a cat/);
  assert.match(uploads[0], /filename="cat\.png"/);

  // Not kept any longer: the step fails, and nothing is handed on.
  await fails(App.hydrators.download, { authData: { ...authData, server }, inputData: { ...inputData, path: `${path}0` } });
  assert.equal(uploads.length, 1);
});
