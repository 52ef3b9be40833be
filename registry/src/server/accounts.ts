// Accounts of a private registry: which names they can have, and Verdaccio's file of them, held to that.

import { createRequire } from "node:module";

/** Lower case, so that no two accounts differ in case alone; short enough for every listing; none that every object has, as Verdaccio looks names up in one. */
export const isAccountName = (name: unknown): boolean => typeof name === "string" && /^[a-z0-9_][a-z0-9._-]{0,63}$/.test(name) && !(name in {});
export const ACCOUNT_NAME = "lower-case letters, digits and - _ ., at most 64, none that every object has";

type Done = (error: (Error & { status?: number }) | null, value?: unknown) => void;

/** What Verdaccio asks a plugin that knows accounts. */
export interface Accounts {
  authenticate(user: string, password: string, done: Done): void;
  adduser(user: string, password: string, done: Done): unknown;
  changePassword(user: string, password: string, newPassword: string, done: Done): void;
}

/**
 * Verdaccio's own file of accounts, where no name and no password that a stranger sends ends the server: it would throw where nobody catches, for a
 * name that every object has, for a password that is no text, and for a wrong one when it is to be changed.
 * @param config file, max_users @param options as Verdaccio gives them to a plugin
 */
export function accountsOf(config: object, options: unknown): Accounts {
  const ofVerdaccio = createRequire(createRequire(import.meta.url).resolve("verdaccio"));
  const { default: HTPasswd } = ofVerdaccio("verdaccio-htpasswd") as { default: new (config: object, options: unknown) => Accounts };
  const inner = new HTPasswd(config, options);
  const isText = (...passwords: unknown[]) => passwords.every((password) => typeof password === "string");
  const refused = (status: number, message: string) => Object.assign(new Error(message), { status });
  return {
    authenticate: (user, password, done) => (isAccountName(user) && isText(password) ? inner.authenticate(user, password, done) : done(null, false)),
    adduser: (user, password, done) =>
      isAccountName(user) && isText(password)
        ? inner.adduser(user, password, done)
        : done(refused(400, `a name and a password, both texts; the name: ${ACCOUNT_NAME}`)),
    changePassword: (user, password, newPassword, done) =>
      isAccountName(user) && isText(password, newPassword)
        ? inner.changePassword(user, password, newPassword, (error, changed) => done(error && Object.assign(error, { status: error.status ?? 401 }), changed))
        : done(refused(400, "the old and the new password, both texts")),
  };
}
