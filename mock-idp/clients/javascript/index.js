// A thin client of mock-idp's control API (`/_mock`). Every method is one call; see GET /_mock/openapi.json for all of them.

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';

/** The server said no; `status` and `problem` are its answer. */
export class MockIdpError extends Error {
  constructor(call, status, problem) {
    super(`${call} answered ${status}: ${typeof problem === 'string' ? problem : JSON.stringify(problem)}`);
    this.name = 'MockIdpError';
    this.status = status;
    this.problem = problem;
  }
}

export class MockIdp {
  #process;

  /** @param url where it listens, without `/_mock`; by default that of MOCK_IDP_URL. @param token for a server bound wider. */
  constructor(url = process.env.MOCK_IDP_URL ?? 'http://127.0.0.1:9494', { token = process.env.MOCK_IDP_ADMIN_TOKEN } = {}) {
    this.url = url.replace(/\/+$/, '');
    this.token = token;
  }

  /** Starts a server of its own on a free port. Stop it with `stop()`; it also stops when this process ends. */
  static async start({ binary = process.env.MOCK_IDP ?? 'mock-idp', args = [] } = {}) {
    const child = spawn(binary, ['serve', '--port', '0', '--exit-with-parent', '--quiet', ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const gone = new Promise((_, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`mock-idp ended with exit code ${code} before it was ready`)));
    });
    gone.catch(() => {});
    const ready = (async () => {
      for await (const line of createInterface({ input: child.stdout })) {
        const found = /^mock-idp ready issuer=(\S+) admin=(\S+)\/_mock /.exec(line);
        if (found) return found;
      }
      return gone;
    })();
    const [, issuer, admin] = await Promise.race([ready, gone]);
    const idp = new MockIdp(admin);
    idp.issuer = issuer;
    idp.#process = child;
    return idp;
  }

  /** Stops a server that `start` has started. */
  async stop() {
    const child = this.#process;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }

  /** Any call of the control API; the answer's JSON, or its text. */
  async call(method, path, body) {
    // No page in a browser can send this header: the server wants it where something changes.
    const headers = { accept: 'application/json', 'x-mock-idp': '1' };
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (this.token) headers.authorization = `Bearer ${this.token}`;
    const response = await fetch(`${this.url}/_mock/${path}`, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    let answer = text;
    if (response.headers.get('content-type')?.includes('json')) answer = text && JSON.parse(text);
    if (!response.ok) throw new MockIdpError(`${method} /_mock/${path}`, response.status, answer);
    return answer;
  }

  health() { return this.call('GET', 'health'); }

  /** The variables that an app needs. */
  env() { return this.call('GET', 'env'); }

  /** Back to the beginning: people, clients, faults, flows and sessions. */
  reset() { return this.call('POST', 'reset'); }

  /** Adds somebody, by default somebody new with a name of his own: tests that run at once do not meet. */
  async user({ login = `user-${randomUUID().slice(0, 8)}@example.test`, ...profile } = {}) {
    return { login, ...(await this.call('PUT', `users/${encodeURIComponent(login)}`, profile)) };
  }

  async removeUser(user) { await this.call('DELETE', `users/${encodeURIComponent(login(user))}`); }

  /** Registers an application, or changes it. */
  client(id, settings) { return this.call('PUT', `clients/${encodeURIComponent(id)}`, settings); }

  /** Who signs in next without the page. */
  login(user, { client, once = true } = {}) { return this.call('POST', 'login', { user: login(user), client, once }); }

  /** Arms a fault, by default for one sign-in. */
  fault(id, { user, client, endpoint, times = 1, ttl } = {}) {
    const when = { user: user && login(user), client, endpoint };
    return this.call('POST', 'faults', { id, when, times, ttl });
  }

  /** What became of an armed fault: `fired` and its `flows`. */
  armed(fault) { return this.call('GET', `faults/${fault.number}`); }

  /** Waits for a sign-in that has come so far; never sleeps. */
  flow({ user, client, status = 'exchanged', timeout = '10s' } = {}) {
    return this.call('GET', `flows/wait?${query({ user: user && login(user), client, status, timeout })}`);
  }

  flows(filter = {}) { return this.call('GET', `flows?${query(filter)}`); }

  requests(filter = {}) { return this.call('GET', `requests?${query(filter)}`); }

  /** Shifts the clock: `+2h`, `-1d`, or 0 for the system's time. */
  clock(offset) { return this.call('PUT', 'clock', { offset }); }

  rotateKeys(settings = {}) { return this.call('POST', 'keys/rotate', settings); }

  /** Throws when an armed fault never fired, or a request was refused unexpectedly. */
  verify() { return this.call('POST', 'verify'); }
}

function login(user) { return typeof user === 'string' ? user : user.login; }

function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
}
