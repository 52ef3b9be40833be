// Cases that were seen: whether another one is the same scan, or of the same patient, in another split or group.

import { AnyMC3DError, type Volume, type Warning } from "@anymc3d/core";
import type { TrainCase } from "./cases.js";
import { patientOf } from "./patients.js";
import { isBlank, isSameScan, marksKey, type ScanMarks, scanMarks } from "./scan-marks.js";

type Known = Pick<TrainCase, "id" | "group" | "split" | "origin">;

export interface KnownCases {
  /**
   * @returns what adds the case to those that are known
   * @throws AnyMC3DError `DATA_INVALID` for a scan, or a patient, of another split
   */
  check(known: Known, volumes: Readonly<Record<string, Volume>>): Promise<() => void>;
  /** Of what lies in one split, but in two groups. */
  warnings(): Warning[];
}

export function knownCases(): KnownCases {
  const scans = new Map<string, { readonly marks: ScanMarks; readonly of: Known }[]>();
  const patients = new Map<string, Known>();
  const pairs = { scan: new Set<string>(), patient: new Set<string>() };
  /** One scan under two names judges a model on what it has learned by heart. */
  const compare = (known: Known, other: Known | undefined, kind: keyof typeof pairs, same: string, todo: string) => {
    if (!other || other.id === known.id) return;
    if (other.split !== known.split) throw new AnyMC3DError("DATA_INVALID", `${known.origin} ${same} case ${other.id} of the ${other.split} split; ${todo}`);
    if (other.group !== known.group) pairs[kind].add(`${other.id} and ${known.id}`);
  };
  return {
    async check(known, volumes) {
      const marks = Object.values(volumes).map(scanMarks);
      // A source without an image in it is the same for many; a case of nothing else is compared by that.
      const telling = marks.every(isBlank) ? marks : marks.filter((each) => !isBlank(each));
      for (const each of telling) {
        const twins = (scans.get(marksKey(each)) ?? []).filter((other) => isSameScan(each, other.marks)).map(({ of }) => of);
        const twin = twins.find(({ split }) => split !== known.split) ?? twins.find(({ group }) => group !== known.group);
        compare(known, twin, "scan", "has the same voxels as", "one scan must be in one split only, also where it is stored in another way");
      }
      const named = new Set<string>();
      for (const volume of Object.values(volumes)) named.add((await patientOf(volume)) ?? "");
      named.delete("");
      const todo = `a patient must be in one split only: name the patient in the column "group". If the id stands for no one, take it out of the files`;
      for (const patient of named) compare(known, patients.get(patient), "patient", "has the DICOM Patient ID of", todo);
      return () => {
        for (const each of telling) {
          const alike = scans.get(marksKey(each)) ?? [];
          scans.set(marksKey(each), alike);
          alike.push({ marks: each, of: known });
        }
        for (const patient of named) if (!patients.has(patient)) patients.set(patient, known);
      };
    },
    warnings: () => [
      ...warningOf(pairs.scan, "the same scan in two groups", "remove one, or give both one group"),
      ...warningOf(pairs.patient, "one DICOM Patient ID in two groups", 'name the patient in the column "group", or the figures are too good'),
    ],
  };
}

function warningOf(pairs: ReadonlySet<string>, what: string, todo: string): Warning[] {
  if (pairs.size === 0) return [];
  const list = [...pairs].slice(0, 5).join("; ") + (pairs.size > 5 ? `; and ${pairs.size - 5} more` : "");
  return [{ code: "SAME_PATIENT", message: `cases ${list}: ${what}; ${todo}` }];
}
