// The table of read options: of each, what it is for people, how a command line and a page ask for it, and which error asks for it.

import type { ErrorCode } from "@anymc3d/core";
import { choice, code, given, index, lengths, type ValueKind, words } from "./kinds.js";
import type { ReadOptions } from "./read-options.js";

export interface ReadOption<T = unknown> extends ValueKind<T> {
  /** What it says, in a line, for a help text. */
  readonly text: string;
  /** Its flag on the command line, without dashes, and what to call its value. None: only programs give it. */
  readonly flag?: { readonly name: string; readonly value: string };
  /** What a form calls its field, and what stands in it at first. None: a form does not ask for it. */
  readonly question?: { readonly label: string; readonly initial: string };
  /** The codes of the errors that ask for it. */
  readonly askedBy: readonly ErrorCode[];
}

type Rest = Omit<ReadOption, keyof ValueKind<unknown> | "askedBy"> & { readonly askedBy?: readonly ErrorCode[] };
const option = <T>(kind: ValueKind<T>, { askedBy = [], ...rest }: Rest): ReadOption<T> => ({ ...kind, ...rest, askedBy });

const isFunction = (value: unknown) => typeof value === "function";

/** Every option of `ReadOptions`: the compiler refuses a table that lacks one, or holds another. */
export const READ_OPTIONS: { readonly [K in keyof Required<ReadOptions>]: ReadOption<NonNullable<ReadOptions[K]>> } = /* @__PURE__ */ readOptions();

function readOptions(): typeof READ_OPTIONS {
  return {
    modality: option(code, {
      text: "DICOM modality of the files (CT, MR, …), where they do not say it",
      flag: { name: "modality", value: "code" },
    }),
    frame: option(index, {
      text: "which frame of a 4-D file, from 0",
      flag: { name: "frame", value: "n" },
      question: { label: "Frame", initial: "0" },
      askedBy: ["FRAME_REQUIRED"],
    }),
    channel: option(index, {
      text: "which channel of a file with several values a voxel, from 0",
      flag: { name: "channel", value: "n" },
      question: { label: "Channel", initial: "0" },
      askedBy: ["CHANNELS_UNSUPPORTED"],
    }),
    array: option(words, {
      text: "which array of an .npz",
      flag: { name: "array", value: "name" },
      question: { label: "Array", initial: "" },
      askedBy: ["OPTION_INVALID"],
    }),
    index: option(index, {
      text: "which volume of an array with four axes, from 0",
      flag: { name: "index", value: "n" },
      question: { label: "Volume", initial: "0" },
      askedBy: ["FRAME_REQUIRED"],
    }),
    orientation: option(code, {
      text: "where the axes point in a file that does not say it, as LPS or RAS",
      flag: { name: "orientation", value: "code" },
      question: { label: "Orientation of the voxel axes", initial: "LPS" },
      askedBy: ["GEOMETRY_INVALID"],
    }),
    series: option(words, {
      text: "which DICOM series, by UID, its beginning, or number",
      flag: { name: "series", value: "uid" },
      question: { label: "Series", initial: "" },
      askedBy: ["SERIES_REQUIRED"],
    }),
    stack: option(index, {
      text: "which stack of a DICOM series that mixes sizes or orientations, from 0",
      flag: { name: "stack", value: "n" },
      question: { label: "Stack", initial: "0" },
      askedBy: ["SERIES_REQUIRED"],
    }),
    uneven: option(choice("resample"), {
      text: "DICOM slices at uneven distances: resample interpolates; default: refused",
      flag: { name: "uneven", value: "how" },
      question: { label: "Slices at uneven distances", initial: "resample" },
      askedBy: ["GEOMETRY_INVALID"],
    }),
    spacing: option(lengths, {
      text: "voxel size in a file that does not say it, as 0.7,0.7,1",
      flag: { name: "voxels", value: "mm" },
    }),
    name: option(words, { text: "what to call the data in errors" }),
    maxBytes: option(
      given("a number of bytes", (value) => typeof value === "number"),
      { text: "most bytes that the decoded file, or the voxel array made of it, may take" },
    ),
    identity: option(
      given("true or false", (value) => typeof value === "boolean"),
      { text: "DICOM: whether the patient's name, id, birth date and sex are told" },
    ),
    codecUrl: option(given("a function from a file's name to its URL", isFunction), { text: "DICOM in browsers: where the decoders' .wasm files are" }),
    onProgress: option(given("a function", isFunction), { text: "called as files are read" }),
    signal: option(
      given("an AbortSignal", (value) => typeof (value as AbortSignal | null)?.throwIfAborted === "function"),
      { text: "stops reading" },
    ),
    companion: option(
      given("a source, or a list of sources", (value) => typeof value === "string" || (typeof value === "object" && value !== null)),
      { text: "the file, or files, that hold the voxels of a header" },
    ),
  };
}
