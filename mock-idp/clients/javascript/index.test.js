// The client against the program itself. Run by `.ci/recipes javascript-client`.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { MockIdp, MockIdpError } from './index.js';

const client = 'web:a-secret-that-is-long-enough=http://localhost:3000/callback';
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
let idp;

before(async () => { idp = await MockIdp.start({ args: ['--client', client] }); });
after(() => idp.stop());

/** A browser and an app in one: the authorization request, which answers at once, and the code for tokens. */
async function signIn() {
  const query = new URLSearchParams({
    client_id: 'web', redirect_uri: 'http://localhost:3000/callback', response_type: 'code', scope: 'openid email', state: 's',
    code_challenge: challenge, code_challenge_method: 'S256',
  });
  const answer = await fetch(`${idp.issuer}/v1/authorize?${query}`, { redirect: 'manual' });
  const back = new URL(answer.headers.get('location'));
  const tokens = await fetch(`${idp.issuer}/v1/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code', code: back.searchParams.get('code'), redirect_uri: 'http://localhost:3000/callback',
      code_verifier: verifier, client_id: 'web', client_secret: 'a-secret-that-is-long-enough',
    }),
  });
  const { id_token: token } = await tokens.json();
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
}

test('somebody new signs in without a page, and his flow is found', async () => {
  const user = await idp.user({ given_name: 'Zoë' });
  await idp.login(user);
  assert.equal((await signIn()).email, user.login);
  const flow = await idp.flow({ user });
  assert.ok(flow.id);
});

test('a fault is for one sign-in of one person, and tells that it fired', async () => {
  const user = await idp.user();
  const fault = await idp.fault('id-token.aud-wrong.other', { user });
  await idp.login(user);
  assert.notEqual((await signIn()).aud, 'web');
  assert.ok((await idp.armed(fault)).fired > 0);
  await idp.verify();
  await idp.login(user);
  assert.equal((await signIn()).aud, 'web');
});

test('a fault that never fired is told by verify', async () => {
  const user = await idp.user();
  await idp.fault('id-token.alg-none', { user });
  await assert.rejects(idp.verify(), (error) => error instanceof MockIdpError && error.status === 409);
  await idp.reset();
  await idp.verify();
});

test('what is wrong is said', async () => {
  await assert.rejects(idp.fault('id-token.alg-nonne'), /alg-none/);
  await assert.rejects(idp.flow({ user: 'nobody@example.test', timeout: '50ms' }), MockIdpError);
});

test('the clock is shifted, and keys are rotated', async () => {
  await idp.clock('+2h');
  const user = await idp.user();
  await idp.login(user);
  assert.ok((await signIn()).iat > Date.now() / 1000 + 7000);
  await idp.rotateKeys({ overlap: true }).catch(() => idp.rotateKeys());
  await idp.reset();
});
