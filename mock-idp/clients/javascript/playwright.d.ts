import { type Page, type TestType, type PlaywrightTestArgs, type PlaywrightTestOptions, type PlaywrightWorkerArgs, type PlaywrightWorkerOptions } from '@playwright/test';
import { MockIdp, type User } from './index.js';

export { expect } from '@playwright/test';
export { MockIdp } from './index.js';

export interface TestIdp extends MockIdp {
  signIn(page: Page, user: User | string, options?: { password?: string }): Promise<void>;
}

export declare const test: TestType<
  PlaywrightTestArgs & PlaywrightTestOptions & { idp: TestIdp; idpUrl: string },
  PlaywrightWorkerArgs & PlaywrightWorkerOptions
>;
