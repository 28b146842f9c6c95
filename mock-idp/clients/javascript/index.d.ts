export type User = { login: string; [name: string]: unknown };
export type Fault = { number: number; id: string; fired: number; flows: string[]; [name: string]: unknown };
export type Flow = { id: string; [name: string]: unknown };

export declare class MockIdpError extends Error {
  status: number;
  problem: unknown;
}

export declare class MockIdp {
  constructor(url?: string, options?: { token?: string });
  static start(options?: { binary?: string; args?: string[] }): Promise<MockIdp>;
  url: string;
  issuer?: string;
  stop(): Promise<void>;
  call(method: string, path: string, body?: unknown): Promise<any>;
  health(): Promise<any>;
  env(): Promise<Record<string, string>>;
  reset(): Promise<unknown>;
  user(profile?: {
    login?: string; email?: string; given_name?: string; family_name?: string; groups?: string[]; password?: string;
    totp?: string; profile?: Record<string, unknown>; status?: string;
  }): Promise<User>;
  removeUser(user: User | string): Promise<void>;
  client(id: string, settings: Record<string, unknown>): Promise<unknown>;
  login(user: User | string, options?: { client?: string; once?: boolean }): Promise<unknown>;
  fault(id: string, options?: {
    user?: User | string; client?: string; endpoint?: string; times?: number; ttl?: string;
  }): Promise<Fault>;
  armed(fault: Fault): Promise<Fault>;
  flow(filter?: { user?: User | string; client?: string; status?: string; timeout?: string }): Promise<Flow>;
  flows(filter?: Record<string, string | boolean>): Promise<any>;
  requests(filter?: Record<string, string | boolean>): Promise<any>;
  clock(offset: string | number): Promise<unknown>;
  rotateKeys(settings?: Record<string, unknown>): Promise<unknown>;
  verify(): Promise<unknown>;
}
