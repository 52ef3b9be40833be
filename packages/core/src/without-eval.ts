// For pages whose policy forbids eval.

import * as z from "zod";

/**
 * Keeps zod from generating code in browsers, where it first tries whether it may: a policy that forbids eval reports that as a violation.
 * To be called before an object's schema is made.
 */
export function withoutEval(): void {
  if ("document" in globalThis || "WorkerGlobalScope" in globalThis) z.config({ jitless: true });
}
