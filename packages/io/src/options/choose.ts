// Which of several frames, channels or volumes is meant: the choice that was made, or the refusal to make it.

import { AnyMC3DError } from "@anymc3d/core";

/** The value of `frame`, `channel` or `index`, checked against how many there are; 0 where there is only one. @throws AnyMC3DError `OPTION_INVALID` */
export function chosen(what: "frame" | "channel" | "index", value: number | undefined, count: number, name: string): number {
  const index = value ?? 0;
  if (Number.isInteger(index) && index >= 0 && index < count) return index;
  const holds = `the file has ${count} ${what === "index" ? "volume" : what}${count === 1 ? "" : "s"}`;
  throw new AnyMC3DError("OPTION_INVALID", `${name}: \`${what}\` is ${String(value)}; ${holds}, so give ${count === 1 ? "0" : `0 to ${count - 1}`}.`, {
    details: { option: what, file: name, holds, found: String(value), range: [0, count - 1] },
  });
}

/** The refusal to choose a frame or a channel for the user. */
export function mustChoose(option: "frame" | "channel" | "index", count: number, shape: string, file: string): AnyMC3DError {
  const { holds, expected } = {
    frame: { holds: `a 4-D file of ${count} frames (${shape})`, expected: "one 3-D volume. Choose a frame" },
    channel: { holds: `${count} channels (${shape})`, expected: "one value a voxel. Choose one" },
    index: { holds: `an array of ${count} volumes (${shape})`, expected: "one. Choose it" },
  }[option];
  const code = option === "channel" ? "CHANNELS_UNSUPPORTED" : "FRAME_REQUIRED";
  const message = `${file}: ${holds}; expected ${expected} with the option \`${option}\`, 0 to ${count - 1}.`;
  return new AnyMC3DError(code, message, { details: { option, file, holds, range: [0, count - 1] } });
}
