'use strict';

// Calls to Relevo, and what its refusals become in Zapier.

// callTimeout is below the 30 seconds that Zapier gives a step.
const callTimeout = 20_000;

// quietSeconds is how long Zapier waits before it repeats a step where Relevo
// gave no answer, or did not say when to come back.
const quietSeconds = 60;

// base is the server's address as typed, without a slash at its end.
const base = (z, bundle) => {
  const typed = (bundle.authData.server || '').trim().replace(/\/+$/, '');
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(typed) ? typed : `https://${typed}`;
  try {
    const { protocol } = new URL(address);
    if (protocol === 'https:' || protocol === 'http:') return address;
  } catch {
    // told below
  }
  throw new z.errors.Error('The address of Relevo cannot be read. Give it like https://relay.example.com, and reconnect.', 'invalid_server', 400);
};

// call makes one call and returns the answer, whatever its status. Without an
// answer it throws a ThrottledError: Zapier repeats the step later.
const call = async (z, request) => {
  try {
    return await z.request({
      ...request,
      timeout: callTimeout,
      redirect: 'manual', // a POST must not become a GET
      skipThrowForStatus: true,
      throwForThrottlingEarly: false,
    });
  } catch (error) {
    const why = error.code || error.type || 'no answer';
    throw new z.errors.ThrottledError(`${new URL(request.url).host} could not be reached (${why}).`, quietSeconds);
  }
};

// sentence is what an answer says in words, with what to do about it.
const sentence = (response) => {
  const said = response.data || {};
  const message = said.message || said.detail;
  if (message) {
    const hints = (said.errors || []).map((fault) => fault.hint).filter((hint) => hint && !message.includes(hint));
    return [message, ...new Set(hints)].join(' ');
  }
  if (response.status >= 300 && response.status < 400) {
    return 'The address of Relevo leads on to another one. Reconnect, and give the one where it ends.';
  }
  return `Relevo answered ${response.status}. Check the address of Relevo: another program may answer there.`;
};

// waits are the seconds after which to come back.
const waits = (response) => {
  const after = Number.parseInt(response.getHeader('retry-after'), 10);
  return after > 0 ? after : quietSeconds;
};

// refusal is the error of an answer that is no success. Zapier repeats a step
// by itself where Relevo asks to come back, and where it failed; a call that it
// refused stays refused.
const refusal = (z, response) => {
  const message = sentence(response);
  if (response.status === 429 || response.status >= 500) return new z.errors.ThrottledError(message, waits(response));
  // Zapier asks the user to reconnect, and holds the Zap meanwhile.
  if (response.status === 401) return new z.errors.ExpiredAuthError(message);
  const { error_code, code } = response.data || {};
  return new z.errors.Error(message, error_code || code || 'refused', response.status);
};

// api calls the workspace's part of the management API. path begins with a
// slash, or is empty for the workspace itself.
const api = async (z, bundle, { method = 'GET', path, params, body }) => {
  const workspace = encodeURIComponent((bundle.authData.workspace || '').trim());
  const response = await call(z, {
    method,
    url: `${base(z, bundle)}/api/v1/workspaces/${workspace}${path}`,
    params,
    body,
    headers: { Authorization: `Bearer ${(bundle.authData.api_key || '').trim()}` },
  });
  if (response.status < 200 || response.status >= 300) throw refusal(z, response);
  // A page that answers 200 to everything is not Relevo.
  if (response.status !== 204 && typeof response.data !== 'object') throw refusal(z, response);
  return response;
};

// hookURL looks the webhook up, so that a connection outlives its rotation. The
// call goes to the address that the user typed, whatever name the server has
// for itself.
const hookURL = async (z, bundle) => {
  const { url } = (await api(z, bundle, { path: '/webhook' })).data;
  return base(z, bundle) + url.slice(url.lastIndexOf('/hook/'));
};

module.exports = { api, base, call, hookURL, refusal };
