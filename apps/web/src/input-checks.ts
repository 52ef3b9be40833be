// What speaks against giving a scan to an adapter, found before anything is computed.

import { type AdapterManifest, checkInput, isAnyMC3DError, prepareView, type Volume, type Warning } from "@anymc3d/core";
import { sourcesOf } from "./adapters.js";

export interface InputCheck {
  /** The adapter refuses it; it can be asked all the same, unless `impossible`. */
  readonly refused: boolean;
  readonly impossible: boolean;
  readonly findings: readonly Warning[];
}

export function checkScan(volume: Volume, manifest: AdapterManifest): InputCheck {
  const sources = sourcesOf(manifest);
  if (sources.length > 1) {
    const message = `this adapter reads ${sources.length} series together (${sources.join(", ")}); this page takes one scan at a time. Use the SDK or the command line.`;
    return { refused: true, impossible: true, findings: [{ code: "INPUT_MISSING", message }] };
  }
  const findings = new Map<string, Warning>();
  let refused = false;
  for (const view of manifest.input.views) {
    try {
      prepareView(volume, view, { mean: [0, 0, 0], std: [1, 1, 1] });
      for (const warning of checkInput(volume, view, manifest.title, "warn")) findings.set(warning.message, warning);
    } catch (error) {
      if (!isAnyMC3DError(error)) throw error;
      return { refused: true, impossible: true, findings: [{ code: error.code, message: error.message }] };
    }
    refused ||= isRefused(() => checkInput(volume, view, manifest.title, "refuse"));
  }
  return { refused, impossible: false, findings: [...findings.values()] };
}

function isRefused(check: () => unknown): boolean {
  try {
    check();
    return false;
  } catch {
    return true;
  }
}
