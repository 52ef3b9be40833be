// anymc3d adapter verify: is an adapter's folder fit to publish?

import type { Engine } from "@anymc3d/core";
import { createEngine, type EngineChoice, openBackbone } from "@anymc3d/sdk";
import { type Check, verifyAdapter } from "@anymc3d/train/node";
import { interruptSignal } from "../../interrupt.js";
import { EXIT, Reported } from "../../output/failure.js";
import { pc, print, printJson } from "../../output/terminal.js";

export interface VerifyFlags {
  engine: string;
  backbone?: string;
  json?: boolean;
}

export async function verify(folder: string, flags: VerifyFlags): Promise<void> {
  const checks = await verifyFolder(folder, flags);
  const ok = checks.every((check) => check.ok);
  if (flags.json) printJson({ folder, ok, checks });
  else for (const check of checks) print(`${check.ok ? pc.green("ok  ") : pc.red("FAIL")} ${check.name.padEnd(12)} ${check.detail}`);
  if (!ok) throw new Reported(EXIT.failed);
}

/** Runs the checks on an engine of the adapter's backbone. */
export async function verifyFolder(folder: string, flags: VerifyFlags): Promise<Check[]> {
  const signal = interruptSignal();
  let engine: Engine | undefined;
  try {
    return await verifyAdapter(folder, async ({ backbone }) => {
      const made = await createEngine(await openBackbone(flags.backbone ?? backbone.name, { signal }), { engine: flags.engine as EngineChoice });
      engine = made;
      return made;
    });
  } finally {
    await engine?.dispose();
  }
}
