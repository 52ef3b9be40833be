// Which patient DICOM says a volume is of: compared within this process as a salted hash, neither kept nor shown.

import type { Volume } from "@anymc3d/core";
import { sha256 } from "@anymc3d/core/engine";
import { groupName, nearName } from "./names.js";

/** Ids that stand for no one: what anonymisation puts in a patient's place. */
const NOBODY =
  /^(?:\W*|0+|x+|n\/?a|none|null|nil|unknown|undefined|test|phantom|no[ _-]?(?:id|name)|(?:de[ _-]?identified|anon|removed|redacted|patient)[a-z ._-]*0*)$/i;

/** Hashes that are the same for volumes of one patient, others in every process. */
export interface PatientMarks {
  readonly id: string;
  /** Of ids that are nearly the same. */
  readonly near: string;
  /** Of whoever gave the id; absent where the files do not say. */
  readonly issuer?: string;
}

let salt: Uint8Array | undefined;
const patients = new WeakMap<Volume, PatientMarks>();

/** The volume without its patient, whom {@link patientOf} still tells from others. */
export async function withoutPatient(volume: Volume): Promise<Volume> {
  const patient = await patientOf(volume);
  if (!volume.meta?.patient) return volume;
  const { patient: _, ...meta } = volume.meta;
  const stripped = { ...volume, meta };
  if (patient !== undefined) patients.set(stripped, patient);
  return stripped;
}

/** Undefined where no one is named. */
export async function patientOf(volume: Volume): Promise<PatientMarks | undefined> {
  const known = patients.get(volume);
  const [id, issuer] = [volume.meta?.patient?.id, volume.meta?.patient?.issuer].map((text = "") => groupName(text));
  if (known !== undefined || NOBODY.test(id)) return known;
  return { id: await salted(id), near: await salted(nearName(id)), ...(issuer && { issuer: await salted(nearName(issuer)) }) };
}

function salted(text: string): Promise<string> {
  salt ??= globalThis.crypto.getRandomValues(new Uint8Array(32));
  return sha256(new Uint8Array([...salt, ...new TextEncoder().encode(text)]));
}
