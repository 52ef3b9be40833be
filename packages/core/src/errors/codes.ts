// The table of all error codes. What else tells them apart (the command line's exit codes, the page's titles and actions, docs/errors.md) follows from it.

/** What is at fault, or is to be mended. */
export type ErrorAbout = "file" | "memory" | "input" | "adapter" | "backbone" | "engine" | "network" | "training" | "output" | "option" | "registry";

/**
 * What a page can do beside telling. `choose`: ask for the option that the details name. `retry`: the same once more may go well.
 * `refetch`: what it has stored of weights and programs may be the fault, and is to be fetched anew.
 */
export type ErrorAction = "choose" | "retry" | "refetch";

export interface ErrorEntry {
  readonly about: ErrorAbout;
  /** Exit code of the command line: 2 for wrong usage, 1 for what failed. */
  readonly exit: 1 | 2;
  /** A few words, for a title. */
  readonly title: string;
  readonly action?: ErrorAction;
  /** `checks: "warn"` makes a warning of it. */
  readonly warnable?: true;
  /** For docs/errors.md, Markdown. */
  readonly happened: string;
  /** For docs/errors.md, Markdown. */
  readonly todo: string;
}

/** A code is never renamed or reused. */
export const ERRORS = {
  FILE_NOT_FOUND: {
    about: "file",
    exit: 1,
    title: "The file is not there.",
    happened: "No such file, folder or URL (404), or one that a table or a header names is missing.",
    todo: "Check the path; relative ones start at the working directory, those in labels.csv beside it.",
  },
  FILE_UNREADABLE: {
    about: "file",
    exit: 1,
    title: "The file could not be read.",
    action: "retry",
    happened:
      "It is there and cannot be read: rights, a file moved after it was chosen, a network fault, a server that does not allow this origin (CORS), a page's policy that forbids the address, a path in a browser.",
    todo: "As the message says. In pages: same origin, or a server that sends `Access-Control-Allow-Origin`.",
  },
  FILE_EMPTY: {
    about: "file",
    exit: 1,
    title: "The file is empty.",
    happened: "0 bytes.",
    todo: "Copy or export it again.",
  },
  FILE_TRUNCATED: {
    about: "file",
    exit: 1,
    title: "The file is cut short.",
    happened: "Fewer bytes than its header announces.",
    todo: "Copy or export it again.",
  },
  FILE_TOO_LARGE: {
    about: "file",
    exit: 1,
    title: "The file is too large.",
    happened: "More bytes, unpacked, than `maxBytes` (default 4 GiB), or more files than a folder may have.",
    todo: "Raise `read: { maxBytes }` if it is meant to be so large; give the folder of one series.",
  },
  FORMAT_UNKNOWN: {
    about: "file",
    exit: 1,
    title: "This is not a scan that can be read.",
    happened: "The content is no format that can be read, or a variant that is not.",
    todo: "The message lists what is read; convert it.",
  },
  FORMAT_INVALID: {
    about: "file",
    exit: 1,
    title: "The file is damaged.",
    happened: "The format is known; the header contradicts itself or the data.",
    todo: "Export it again with the program that made it.",
  },
  FRAME_REQUIRED: {
    about: "file",
    exit: 1,
    title: "Which volume?",
    action: "choose",
    happened: "More than one volume in a file or series (time, echo, segments).",
    todo: "`read: { frame }`, `--frame`, from 0; a NumPy array with four axes: `index`.",
  },
  SERIES_REQUIRED: {
    about: "file",
    exit: 1,
    title: "Which series?",
    action: "choose",
    happened: "Several DICOM series, or stacks within one.",
    todo: "`read: { series }` or `{ stack }`, `--series`, `--stack`; the message lists them, `listSeries()` gives them.",
  },
  CHANNELS_UNSUPPORTED: {
    about: "file",
    exit: 1,
    title: "More than one value a voxel.",
    action: "choose",
    happened: "Colours, or several values a voxel.",
    todo: "Convert to grey; `read: { channel }` where there are channels to choose from.",
  },
  GEOMETRY_INVALID: {
    about: "file",
    exit: 1,
    title: "The slices make no volume.",
    action: "choose",
    happened: "Slices that make no volume (missing, uneven, of several places), or an affine that makes no sense.",
    todo: 'Give all slices of one series; `read: { uneven: "resample" }` for uneven distances; `orientation` and `spacing` where a file states none.',
  },
  OUT_OF_MEMORY: {
    about: "memory",
    exit: 1,
    title: "Not enough memory.",
    happened: "A volume, an array or a slice does not fit the memory of the machine or the device.",
    todo: "Close other programs; crop or resample the volume; an adapter with smaller slices, a smaller `chunk`.",
  },
  INPUT_MODALITY: {
    about: "input",
    exit: 1,
    title: "Wrong kind of scan.",
    warnable: true,
    happened: "The file, or you, name another modality than the adapter takes.",
    todo: "Another scan or another adapter.",
  },
  INPUT_VALUES: {
    about: "input",
    exit: 1,
    title: "Wrong voxel values.",
    warnable: true,
    happened:
      "Smallest or largest voxel value outside the declared range: a CT without Hounsfield units, a windowed export, a mask with other numbers. Or, not to be turned off: no voxel above what the adapter takes as foreground.",
    todo: "Use the original, with its rescale intercept.",
  },
  INPUT_SPACING: {
    about: "input",
    exit: 1,
    title: "Wrong spacing.",
    warnable: true,
    happened: "Pixel or slice spacing outside the declared range.",
    todo: "Another reconstruction; `anymc3d convert --resample MM` if that is sound for the question.",
  },
  INPUT_SIZE: {
    about: "input",
    exit: 1,
    title: "Wrong size.",
    warnable: true,
    happened: "In-plane extent or number of slices outside the declared range: a whole chest for a crop.",
    todo: "Give the region of the finding: `roi`, `--at x,y,z`.",
  },
  REGION_INVALID: {
    about: "input",
    exit: 1,
    title: "This is no region.",
    happened: "A region without size, smaller or larger than the adapter takes, of an empty mask, or of numbers that are none; an open or crossing contour.",
    todo: "As the message says.",
  },
  REGION_ELSEWHERE: {
    about: "input",
    exit: 1,
    title: "The region lies outside of the scan.",
    happened:
      "A point, box or mask outside of the volume, or of another patient, study or frame of reference. Where a point lies inside in another space, that is named.",
    todo: "Give the space that its numbers are in (RAS, LPS, voxel), or the scan that it was marked on.",
  },
  REGION_NOT_FOUND: {
    about: "input",
    exit: 1,
    title: "Which region?",
    happened: "A label that the region's file does not hold, or none was named and there are several.",
    todo: "The message lists what there is; `label`, `--label`.",
  },
  INPUT_SHAPE: {
    about: "input",
    exit: 1,
    title: "Wrong shape.",
    happened: "Slices that do not divide into the backbone's patches, or arrays of another length than they should have.",
    todo: "In task.json: `size` in multiples of 14; of an engine's caller: the lengths the message names.",
  },
  INPUT_MISSING: {
    about: "input",
    exit: 1,
    title: "A scan is missing.",
    happened: "The adapter reads several sources (or one), others were given.",
    todo: "`classify({ t1: …, t2: … }, adapter)`, with the names that the message gives.",
  },
  VOXELS_NOT_FINITE: {
    about: "input",
    exit: 1,
    title: "Voxels without a value.",
    happened: "NaN or infinite voxels.",
    todo: "Replace them, by the background's value for example.",
  },
  VOLUME_INVALID: {
    about: "input",
    exit: 1,
    title: "This is not a volume.",
    happened: "A `Volume` of your own: shape, length of the data or type of the voxels do not agree; or one that a format cannot store.",
    todo: "As the message says; 64-bit integers are to be converted first.",
  },
  ADAPTER_NOT_FOUND: {
    about: "adapter",
    exit: 1,
    title: "The adapter was not found.",
    happened: "No folder with an adapter.json and no installed package of that name; in a browser: a name instead of an imported package.",
    todo: "`npm install`, `anymc3d adapter add`; in pages import the package, or `registry.load()`.",
  },
  MANIFEST_INVALID: {
    about: "adapter",
    exit: 1,
    title: "The adapter is damaged.",
    action: "refetch",
    happened: "adapter.json breaks its [schema](reference/manifest.md), or is no JSON.",
    todo: "The message names every field at fault. A newer `schemaVersion`: update.",
  },
  SAFETENSORS_INVALID: {
    about: "adapter",
    exit: 1,
    title: "The weights are damaged.",
    action: "refetch",
    happened: "weights.safetensors is damaged or something else.",
    todo: "Fetch or export it again.",
  },
  TENSORS_MISMATCH: {
    about: "adapter",
    exit: 1,
    title: "The weights are not what they should be.",
    action: "refetch",
    happened: "Names or shapes of the tensors are not what the manifest implies, or values are not finite.",
    todo: "Export again; names: [architecture](architecture.md#tensor-names).",
  },
  LORA_SHAPE: {
    about: "adapter",
    exit: 1,
    title: "The adapter does not fit the backbone.",
    happened: "LoRA matrices that do not fit the backbone.",
    todo: "The adapter was made for another backbone, or is damaged.",
  },
  BACKBONE_NOT_FOUND: {
    about: "backbone",
    exit: 1,
    title: "The backbone was not found.",
    happened: "The backbone's package is not installed.",
    todo: "`npm install` it; in pages pass the package's default export.",
  },
  BACKBONE_INVALID: {
    about: "backbone",
    exit: 1,
    title: "The backbone's weights are damaged.",
    action: "refetch",
    happened: "backbone.json breaks its schema.",
    todo: "Fetch it again, or mend it.",
  },
  BACKBONE_MISMATCH: {
    about: "backbone",
    exit: 1,
    title: "The backbone's weights are not what they should be.",
    action: "refetch",
    happened: "Other weights than the adapter was made for, or than the backbone's own manifest states.",
    todo: "Install the backbone that the message names.",
  },
  BACKBONE_UNSUPPORTED: {
    about: "backbone",
    exit: 1,
    title: "A backbone of this kind cannot be used.",
    happened: "`anymc3d backbone import`: a model of another kind.",
    todo: "DINOv2, DINOv2 with registers, DINOv3 ViT or ViT.",
  },
  PACKAGE_INVALID: {
    about: "adapter",
    exit: 1,
    title: "The package cannot be used.",
    happened: "The package or bundle holds something that must not be in it, or lacks something.",
    todo: "Tell its author; make or copy the bundle again.",
  },
  CONFORMANCE_FAILED: {
    about: "adapter",
    exit: 1,
    title: "The adapter does not give the answers of its author.",
    happened: "The adapter's logits on its synthetic volume are not what its author saw.",
    todo: "Another engine (`anymc3d doctor`); fetch the adapter again. After an import: the causes that the message lists.",
  },
  ENGINE_UNAVAILABLE: {
    about: "engine",
    exit: 1,
    title: "The engine could not start.",
    action: "refetch",
    happened:
      "No engine, or not the named one, could start: a package is missing, no graphics processor, WebAssembly forbidden by the page's policy, no https.",
    todo: "As the message says for each; `anymc3d doctor` tries all of them.",
  },
  ENGINE_SELF_TEST: {
    about: "engine",
    exit: 1,
    title: "This device computes wrongly.",
    action: "refetch",
    happened: "The device computes wrongly: it does not reproduce the stored answer.",
    todo: "Another engine or device; update its driver.",
  },
  ENGINE_FAILED: {
    about: "engine",
    exit: 1,
    title: "The engine failed.",
    action: "retry",
    happened: "The engine, or the worker it runs in, ended or gave values that are not finite.",
    todo: "Try again; another engine; report it.",
  },
  ENGINE_DISPOSED: {
    about: "engine",
    exit: 1,
    title: "The engine was ended.",
    action: "retry",
    happened: "It was used after `dispose()`, or disposed while it worked.",
    todo: "Create a new one; dispose after the last answer.",
  },
  DEVICE_LOST: {
    about: "engine",
    exit: 1,
    title: "The graphics device was lost.",
    action: "retry",
    happened:
      "The graphics device went away (a reset, a tab that slept). A classifier makes a new engine once a call; this is the second loss, or an engine of your own.",
    todo: "Create a new engine; smaller `chunk`, or another one.",
  },
  DEVICE_LIMIT: {
    about: "engine",
    exit: 1,
    title: "Too large for this device.",
    happened: "A matrix or a slice is larger than the device allows in one buffer.",
    todo: "Another engine, such as `tfjs/wasm`; smaller slices.",
  },
  ASSET_INVALID: {
    about: "network",
    exit: 1,
    title: "Something else came than the file that was asked for.",
    action: "refetch",
    happened: "A web page (404, a login) came instead of a .wasm file, weights or a package.",
    todo: "Serve the files that the message names; `wasmPaths`, `codecUrl`.",
  },
  CONFIG_INVALID: {
    about: "training",
    exit: 2,
    title: "The settings are not as they should be.",
    happened:
      "task.json breaks its [schema](reference/task.md), asks for what the backbone cannot do, or an imported PEFT configuration is of a kind that is not read.",
    todo: "The message names every field at fault.",
  },
  LABELS_INVALID: {
    about: "training",
    exit: 2,
    title: "The table of labels is not as it should be.",
    happened: "labels.csv: columns, values, splits or files that are not as they should be.",
    todo: "The message names lines and columns; [what the columns mean](train-an-adapter.md#_1-the-data).",
  },
  DATA_INVALID: {
    about: "training",
    exit: 1,
    title: "There are cases that cannot be used.",
    happened:
      "Cases that cannot be used: broken scans, masks on another grid, the same scan in training and validation, too few groups; a folder that npm cannot pack.",
    todo: "Mend them, or `--skip-bad`; `--resample-masks`.",
  },
  TRAINING_DIVERGED: {
    about: "training",
    exit: 1,
    title: "The training diverged.",
    happened: "Loss or gradient is not finite. The state stays at the step before.",
    todo: "Lower learning rates; look at the cases of the batch that the message names.",
  },
  RUN_LOCKED: {
    about: "training",
    exit: 1,
    title: "Another process trains here.",
    happened: "Another process trains into the same folder.",
    todo: "Wait, or another `--out`; delete the lock file if that process is gone.",
  },
  CHECKPOINT_INVALID: {
    about: "training",
    exit: 1,
    title: "The training cannot go on from here.",
    happened: "A checkpoint is damaged, or scans, labels or settings changed since.",
    todo: "Go on with what the run began with, or start anew elsewhere.",
  },
  OUTPUT_NOT_WRITABLE: {
    about: "output",
    exit: 1,
    title: "It could not be written.",
    happened: "A file or folder could not be written, or is there already.",
    todo: "Rights, space, another folder.",
  },
  OPTION_INVALID: {
    about: "option",
    exit: 2,
    title: "An option cannot be as it is.",
    action: "choose",
    happened: "An option does not exist, or has a value it cannot have.",
    todo: "The message lists what there is.",
  },
  PACKAGE_NOT_FOUND: {
    about: "registry",
    exit: 1,
    title: "There is no such package.",
    happened: "The registry knows no such package, or there is none kept and none is asked (offline).",
    todo: "Check name and registry; load it once online.",
  },
  VERSION_NOT_FOUND: {
    about: "registry",
    exit: 1,
    title: "There is no such version.",
    happened: "No version fits the range or tag.",
    todo: "The message lists those there are.",
  },
  INTEGRITY_MISMATCH: {
    about: "registry",
    exit: 1,
    title: "The package is not what was published.",
    happened: "The bytes, or the hash that the registry states, are not those agreed on.",
    todo: "Nothing of it was used. Try again; if it stays, the package was changed under its name.",
  },
  SIGNATURE_INVALID: {
    about: "registry",
    exit: 1,
    title: "The package's signature does not fit.",
    happened: "The registry's signature does not fit.",
    todo: "Do not use it: something in between changes packages.",
  },
  LOCK_INVALID: {
    about: "registry",
    exit: 1,
    title: "The lock file cannot be read.",
    happened: "anymc3d.lock.json cannot be read.",
    todo: "Take it back from version control, or delete it and add the adapters again.",
  },
  LOCK_MISMATCH: {
    about: "registry",
    exit: 1,
    title: "The lock file holds something else.",
    happened: "What was asked for is not what the lock holds, or is not in it (`frozen`).",
    todo: "`anymc3d adapter add NAME` changes the lock, on purpose.",
  },
  ACCESS_DENIED: {
    about: "registry",
    exit: 1,
    title: "A login is needed.",
    happened: "401 or 403.",
    todo: "`npm login`, or a token (`auth`) that may read it.",
  },
  REGISTRY_UNREACHABLE: {
    about: "registry",
    exit: 1,
    title: "The registry cannot be reached.",
    action: "retry",
    happened: "No answer after retries, or an error of the server. As a warning: an earlier answer was used.",
    todo: "Network, address, proxy. What was loaded before works offline.",
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;

/** Stable codes. A code is never renamed or reused. What each means and what to do: the page "Errors and warnings" of the documentation. */
export type ErrorCode = keyof typeof ERRORS;
