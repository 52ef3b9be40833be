// Which patient DICOM says a volume is of: compared within this process as a salted hash, neither kept nor shown.

import type { Volume } from "@anymc3d/core";
import { sha256 } from "@anymc3d/core/engine";
import { groupName } from "./names.js";

/** Ids that stand for no one: what anonymisation puts in a patient's place. */
const NOBODY =
  /^(?:\W*|0+|x+|n\/?a|none|null|nil|unknown|undefined|test|phantom|no[ _-]?(?:id|name)|(?:de[ _-]?identified|anon|removed|redacted|patient)[a-z ._-]*0*)$/i;

let salt: Uint8Array | undefined;
const patients = new WeakMap<Volume, string>();

/** The volume without its patient, whom {@link patientOf} still tells from others. */
export async function withoutPatient(volume: Volume): Promise<Volume> {
  const patient = await patientOf(volume);
  if (!volume.meta?.patient) return volume;
  const { patient: _, ...meta } = volume.meta;
  const stripped = { ...volume, meta };
  if (patient !== undefined) patients.set(stripped, patient);
  return stripped;
}

/** The same text for volumes of one patient, another in every process; undefined where no one is named. */
export async function patientOf(volume: Volume): Promise<string | undefined> {
  const known = patients.get(volume);
  const id = groupName(volume.meta?.patient?.id ?? "");
  if (known !== undefined || NOBODY.test(id)) return known;
  salt ??= globalThis.crypto.getRandomValues(new Uint8Array(32));
  return sha256(new Uint8Array([...salt, ...new TextEncoder().encode(id)]));
}
