// Cases that were seen: whether another one is the same scan, or of the same patient, in another split or group.

import { AnyMC3DError, type Volume, type Warning } from "@anymc3d/core";
import type { TrainCase } from "./cases.js";
import { type PatientMarks, patientOf } from "./patients.js";
import { isBlank, isSameScan, marksKey, type ScanMarks, scanMarks } from "./scan-marks.js";

type Known = Pick<TrainCase, "id" | "group" | "split" | "origin">;

export interface KnownCases {
  /**
   * @returns what adds the case to those that are known
   * @throws AnyMC3DError `DATA_INVALID` for a scan, or a patient, of another split
   */
  check(known: Known, volumes: Readonly<Record<string, Volume>>): Promise<() => void>;
  /** Of what lies in one split, but in two groups; and of patients who may be one, wherever they lie. */
  warnings(): Warning[];
}

export function knownCases(): KnownCases {
  const scans = new Map<string, { readonly marks: ScanMarks; readonly of: Known }[]>();
  const patients: { readonly marks: PatientMarks; readonly of: Known }[] = [];
  const pairs = { scan: new Set<string>(), patient: new Set<string>(), issuer: new Set<string>(), near: new Set<string>() };
  const apart = (a: Known, b: Known) => a.id !== b.id && (a.split !== b.split || a.group !== b.group);
  /** One scan under two names judges a model on what it has learned by heart. */
  const compare = (known: Known, other: Known | undefined, kind: "scan" | "patient", same: string, todo: string) => {
    if (!other || !apart(known, other)) return;
    if (other.split !== known.split) throw new AnyMC3DError("DATA_INVALID", `${known.origin} ${same} case ${other.id} of the ${other.split} split; ${todo}`);
    pairs[kind].add(`${other.id} and ${known.id}`);
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
      const named = new Map<string, PatientMarks>();
      for (const volume of Object.values(volumes)) {
        const marks = await patientOf(volume);
        if (marks) named.set(`${marks.id} ${marks.issuer}`, marks);
      }
      for (const own of named.values()) {
        const alike = patients.filter(({ marks, of }) => marks.near === own.near && apart(of, known));
        const same = alike.filter(({ marks }) => marks.id === own.id && !differ(marks.issuer, own.issuer));
        const one = same.find(({ of }) => of.split !== known.split) ?? same[0];
        compare(known, one?.of, "patient", "has the DICOM Patient ID of", TODO);
        // One id of two hospitals is two patients, most likely; ids that are nearly the same may be one.
        const maybe = one ? undefined : alike[0];
        if (maybe) pairs[maybe.marks.id === own.id ? "issuer" : "near"].add(`${maybe.of.id} and ${known.id}`);
      }
      return () => {
        for (const each of telling) {
          const alike = scans.get(marksKey(each)) ?? [];
          scans.set(marksKey(each), alike);
          alike.push({ marks: each, of: known });
        }
        for (const marks of named.values()) patients.push({ marks, of: known });
      };
    },
    warnings: () => [
      ...warningOf(pairs.scan, "the same scan in two groups", "remove one, or give both one group"),
      ...warningOf(pairs.patient, "one DICOM Patient ID in two groups", 'name the patient in the column "group", or the figures are too good'),
      ...warningOf(pairs.near, "DICOM Patient IDs that are nearly the same", "if they are one patient, give the cases one split and one group"),
      ...warningOf(
        pairs.issuer,
        "one DICOM Patient ID of two issuers (Issuer of Patient ID)",
        "taken as two patients; if they are one, give the cases one split and one group",
      ),
    ],
  };
}

/** What a refusal says to do: each of it lifts it. */
const TODO =
  'a patient must be in one split only: give both cases one split, or, where splits are drawn, one name in the column "group". If they are two patients, say so in the files: by their Issuer of Patient ID, or by ids that differ';

const differ = (a: string | undefined, b: string | undefined): boolean => a !== undefined && b !== undefined && a !== b;

function warningOf(pairs: ReadonlySet<string>, what: string, todo: string): Warning[] {
  if (pairs.size === 0) return [];
  const list = [...pairs].slice(0, 5).join("; ") + (pairs.size > 5 ? `; and ${pairs.size - 5} more` : "");
  return [{ code: "SAME_PATIENT", message: `cases ${list}: ${what}; ${todo}` }];
}
