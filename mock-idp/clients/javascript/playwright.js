// A fixture for Playwright: `idp` steers a running mock-idp, and every test has people of its own.
//
//   import { test, expect } from '@mock-idp/client/playwright';

import { randomUUID } from 'node:crypto';

import { expect, test as base } from '@playwright/test';

import { MockIdp } from './index.js';

/** What a test may do: everything of the client, for people and faults of this test alone. */
class TestIdp extends MockIdp {
  users = [];
  faults = [];

  async user({ login, ...profile } = {}) {
    const own = login ?? `w${process.env.TEST_WORKER_INDEX ?? 0}-${randomUUID().slice(0, 8)}@example.test`;
    const user = await super.user({ login: own, ...profile });
    this.users.push(user);
    return user;
  }

  async fault(id, options = {}) {
    // A fault for everybody would hit the tests beside this one.
    if (!options.user && !options.client) throw new Error(`idp.fault('${id}', { user }) needs a user or a client`);
    const fault = await super.fault(id, options);
    this.faults.push(fault);
    return fault;
  }

  /** Fills in the hosted page, whatever its style. The page must be on its way there. */
  async signIn(page, user, { password = 'any password' } = {}) {
    const login = typeof user === 'string' ? user : user.login;
    const name = page.locator('[name="identifier"], [name="username"]');
    const secret = page.locator('input[name="credentials.passcode"], input[name="password"]');
    const next = page.locator('[data-type="save"]');
    await name.fill(login);
    if (await secret.count() === 0) {
      await next.click();
      await secret.waitFor();
    }
    await secret.fill(password);
    await next.click();
  }

  /** Fails the test if a fault of it never fired. */
  async verify() {
    for (const fault of this.faults) {
      const { fired } = await this.armed(fault);
      expect(fired, `the fault ${fault.id} never reached the app`).toBeGreaterThan(0);
    }
  }
}

export { expect, MockIdp };

export const test = base.extend({
  /** Where the server listens; a project may set it with `use: { idpUrl }`. */
  idpUrl: [process.env.MOCK_IDP_URL ?? 'http://127.0.0.1:9494', { option: true }],

  idp: async ({ idpUrl }, use, testInfo) => {
    const idp = new TestIdp(idpUrl);
    await idp.health();
    await use(idp);
    if (testInfo.status !== testInfo.expectedStatus) {
      for (const user of idp.users) await attach(idp, user, testInfo);
    }
    for (const fault of idp.faults) await idp.call('DELETE', `faults/${fault.number}`).catch(() => {});
    for (const user of idp.users) await idp.removeUser(user).catch(() => {});
  },
});

/** The flows of a user go with a test that failed: as data, and as a sequence diagram. */
async function attach(idp, user, testInfo) {
  const answer = await idp.flows({ user: user.login }).catch(() => []);
  const flows = Array.isArray(answer) ? answer : (answer.flows ?? []);
  for (const { id } of flows) {
    const whole = await idp.call('GET', `flows/${id}`).catch(() => undefined);
    const diagram = await idp.call('GET', `flows/${id}.mmd`).catch(() => undefined);
    if (whole) {
      await testInfo.attach(`${user.login} ${id}.json`, { body: JSON.stringify(whole, null, 2), contentType: 'application/json' });
    }
    if (diagram) await testInfo.attach(`${user.login} ${id}.mmd`, { body: diagram, contentType: 'text/plain' });
  }
}
