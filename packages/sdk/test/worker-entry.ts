// What worker.browser.test.ts puts into the page: the classifier in a worker, and situations that only a page has.

import lungNodule, { sample } from "@anymc3d/adapter-lung-nodule";
import { isAnyMC3DError } from "@anymc3d/core";
import * as tf from "@tensorflow/tfjs-core";
import { createClassifier, readVolume, writeNifti } from "../src/index.js";
import { createWorkerClassifier, type WorkerClassifier, type WorkerClassifierOptions } from "../src/worker/classifier.js";

const sampleFile = async () => new File([await (await fetch(sample)).blob()], "sample.nii.gz");
const logitsOf = ({ logits }: Awaited<ReturnType<WorkerClassifier["classify"]>>) => [...logits];

async function refusal(work: Promise<unknown>) {
  const started = performance.now();
  const error = await work.catch((reason: unknown) => reason);
  const ms = performance.now() - started;
  return isAnyMC3DError(error) ? { code: error.code, message: error.message, details: error.details, ms } : { code: "none", message: String(error), ms };
}

async function withClassifier<T>(work: (classifier: WorkerClassifier) => Promise<T>, options: WorkerClassifierOptions = {}): Promise<T> {
  const classifier = await createWorkerClassifier(options);
  return work(classifier).finally(() => classifier.dispose());
}

async function classifySample() {
  const file = await sampleFile();
  const stages: string[] = [];
  const { volume, voxels, first, engine } = await withClassifier(async (classifier) => {
    const volume = await classifier.read(file);
    const first = await classifier.classify(file, lungNodule, {
      heatmap: true,
      onProgress: ({ stage, done, total }) => stages.push(`${stage} ${done}/${total}`),
    });
    return {
      volume: [...volume.shape],
      voxels: volume.data.length,
      first,
      engine: (await classifier.engine).id,
    };
  });
  const heat = first.heatmap?.data ?? [];
  return {
    volume,
    voxels,
    engine,
    logits: logitsOf(first),
    stages,
    heat: [heat.length, Math.max(...heat)],
    isolated: crossOriginIsolated,
    warnings: first.warnings,
  };
}

/** Arrays, volumes and loaded files are the caller's before and after. */
async function keepsArrays() {
  const file = await sampleFile();
  const bytes = new Uint8Array(await file.arrayBuffer());
  const volume = await readVolume(file);
  return withClassifier(async (classifier) => {
    const both = [await classifier.classify(bytes, lungNodule), await classifier.classify(volume, lungNodule), await classifier.classify(volume, lungNodule)];
    const sizes = [bytes.length, volume.data.length];
    const handed = await classifier.classify(volume, lungNodule, { transfer: true });
    return { sizes, expected: [file.size, volume.shape.reduce((a, b) => a * b, 1)], left: volume.data.length, logits: [...both, handed].map(logitsOf) };
  });
}

/** A volume of 2×2×2 voxels, four times, as NIfTI. */
function fourFrames(): File {
  const one = writeNifti({ data: new Int16Array(8), shape: [2, 2, 2], affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] });
  const header = new DataView(one.buffer, one.byteOffset);
  header.setInt16(40, 4, true);
  header.setInt16(48, 4, true);
  return new File([one as Uint8Array<ArrayBuffer>, ...Array(3).fill(one.subarray(352))], "four.nii");
}

async function refusals() {
  return withClassifier(async (classifier) => {
    const text = await refusal(classifier.classify(new File(["hello"], "hello.txt"), lungNodule));
    const other = await refusal(classifier.classify(await sampleFile(), lungNodule, { read: { modality: "MR" } }));
    const frames = await refusal(classifier.read(fourFrames()));
    const named = await refusal(classifier.classify(await sampleFile(), "lung-nodule" as never));
    const checked = [{}, { modality: "MR" }].map(async (read) => classifier.check(await sampleFile(), lungNodule, { read }));
    const after = logitsOf(await classifier.classify(await sampleFile(), lungNodule));
    return { text, other, frames, named, checked: await Promise.all(checked), after };
  });
}

/** Aborts after the first slices; the next call must work. */
async function aborted() {
  return withClassifier(async (classifier) => {
    const stop = new AbortController();
    let at = 0;
    const onProgress = ({ stage, done }: { stage: string; done: number }) => {
      if (stage !== "encode" || done > 0 || at) return;
      at = performance.now();
      stop.abort(new DOMException("the user went away", "AbortError"));
    };
    const error = await classifier.classify(await sampleFile(), lungNodule, { signal: stop.signal, onProgress }).catch((reason: unknown) => reason);
    const ms = performance.now() - at;
    const before = await classifier.classify(await sampleFile(), lungNodule, { signal: AbortSignal.abort() }).catch((reason: unknown) => reason);
    const file = await sampleFile();
    const again = performance.now();
    const logits = logitsOf(await classifier.classify(file, lungNodule));
    return { same: error === stop.signal.reason, ms, before: (before as Error).name, logits, whole: performance.now() - again };
  });
}

const script = (text: string) => () => new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
const own = () => new Worker(new URL("../src/worker/worker.ts", import.meta.url), { type: "module" });

/** A worker that starts and then does what `then` says at the first real call. */
const failing = (then: string) =>
  script(`onmessage = ({ data }) => {
    if (data.method === "start") postMessage({ id: data.id, result: { id: "none", precision: "fp32", warnings: [] } });
    else if (data.method) { ${then} }
  };
  postMessage({ ready: true });`);

/** The first worker fails, the second is a real one. */
async function recovers(then: string, work: (classifier: WorkerClassifier) => Promise<unknown>) {
  const makers = [failing(then), own];
  return withClassifier(
    async (classifier) => {
      const first = await refusal(work(classifier));
      return { first, logits: logitsOf(await classifier.classify(await sampleFile(), lungNodule)) };
    },
    { worker: () => (makers.shift() as () => Worker)() },
  );
}

const crash = () => recovers("throw new Error('out of memory');", async (classifier) => classifier.classify(await sampleFile(), lungNodule));

/** A worker that hears no abort. */
const hang = () => recovers("for (;;) {}", async (classifier) => classifier.classify(await sampleFile(), lungNodule, { signal: AbortSignal.timeout(200) }));

async function noWorker() {
  const html = await refusal(createWorkerClassifier({ worker: () => new Worker("/no-such-worker.js", { type: "module" }) }));
  const throws = await refusal(createWorkerClassifier({ worker: () => new Worker("https://elsewhere.invalid/worker.js") }));
  return { html, throws };
}

async function disposed() {
  const classifier = await createWorkerClassifier();
  const file = await sampleFile();
  const running = refusal(classifier.classify(file, lungNodule));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const justAsked = refusal(classifier.read(file));
  await classifier.dispose();
  return {
    running: await running,
    justAsked: await justAsked,
    engine: await refusal(classifier.engine),
    after: await refusal(classifier.classify(await sampleFile(), lungNodule)),
  };
}

/** Calls that never reach their turn, or cannot be sent: the next one with the same adapter works. */
async function undelivered() {
  return withClassifier(async (classifier) => {
    const file = await sampleFile();
    await classifier.engine;
    const first = classifier.classify(file, lungNodule);
    const adapter = { ...lungNodule };
    const stop = new AbortController();
    const queued = classifier.classify(file, adapter, { signal: stop.signal }).catch((reason: Error) => reason.name);
    await new Promise((resolve) => setTimeout(resolve, 50));
    stop.abort();
    await first;
    const proxied = { ...(await classifier.read(file)), meta: { toString: () => "a function cannot be cloned" } as never };
    const other = { ...lungNodule };
    return {
      queued: await queued,
      after: logitsOf(await classifier.classify(file, adapter)),
      misspelt: await refusal(classifier.classify(file, other, { onprogress: () => undefined } as never)),
      unclonable: await refusal(classifier.classify(proxied, other)),
      afterBoth: logitsOf(await classifier.classify(file, other)),
      nothing: await refusal(classifier.classify(file, null as never)),
      reader: await refusal(classifier.read(file, { frmae: 0 } as never)),
    };
  });
}

const startEngine = async (options: WorkerClassifierOptions = {}) => withClassifier((classifier) => refusal(classifier.engine), options);

/** How many workers the classifier's worker starts for ONNX Runtime. */
async function threadsTaken(threads?: number) {
  let taken = 0;
  const RealWorker = globalThis.Worker;
  // The SDK's own worker, behind a script that counts the workers which it makes.
  const counting = (url: string | URL) => {
    const script = `const Real = Worker; self.Worker = new Proxy(Real, { construct(_, args) { postMessage({ counted: true }); return new Real(...args); } }); await import("${url}");`;
    const worker = new RealWorker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })), { type: "module" });
    worker.addEventListener("message", ({ data }) => {
      if (data.counted) taken++;
    });
    return worker;
  };
  globalThis.Worker = new Proxy(RealWorker, { construct: (_, [url]) => counting(url) });
  try {
    await withClassifier((classifier) => classifier.engine, { engine: "onnx/wasm", threads });
  } finally {
    globalThis.Worker = RealWorker;
  }
  return { taken, cores: navigator.hardwareConcurrency };
}

/** What a file input has, as it is. */
async function fileList() {
  const dropped = new DataTransfer();
  dropped.items.add(await sampleFile());
  return withClassifier(async (classifier) => logitsOf(await classifier.classify(dropped.files as never, lungNodule)));
}

/** One header with one data file, then with another one. */
async function otherDataFile() {
  const header = new File(
    ["ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\nElementSpacing = 1 1 1\nElementDataFile = scan.raw\n"],
    "scan.mhd",
  );
  const filled = (value: number) => new File([new Uint8Array(8).fill(value)], "scan.raw");
  const first = filled(1);
  return withClassifier(async (classifier) => {
    const values: number[] = [];
    for (const companion of [first, filled(2), [filled(3)], first]) values.push((await classifier.read(header, { companion })).data[0]);
    return values;
  });
}

/** A file of a frame, and an adapter whose small manifest a bundler has put into its code. */
async function fromElsewhere() {
  const frame = document.body.appendChild(document.createElement("iframe"));
  const { File: FrameFile } = frame.contentWindow as unknown as typeof globalThis;
  const file = new FrameFile([await (await sampleFile()).arrayBuffer()], "sample.nii.gz");
  const json = await (await fetch(lungNodule.manifest)).text();
  const inlined = { ...lungNodule, manifest: `data:application/json;base64,${btoa(String.fromCharCode(...new TextEncoder().encode(json)))}` };
  return withClassifier(async (classifier) => logitsOf(await classifier.classify(file, inlined)));
}

/** Aborted while the worker's script is on its way. */
async function abortedAtStart() {
  const started = performance.now();
  const silent = () => new Worker(URL.createObjectURL(new Blob(["/* says nothing */"])));
  const error = await createWorkerClassifier({ worker: silent, signal: AbortSignal.timeout(200) }).catch((reason: Error) => reason);
  return { name: (error as Error).name, ms: performance.now() - started };
}

/** Bytes of the page's and its workers' memory after `times` classifiers were made, used and disposed. */
async function again(times: number) {
  const logits: number[][] = [];
  for (let i = 0; i < times; i++) logits.push(await withClassifier(async (classifier) => logitsOf(await classifier.classify(await sampleFile(), lungNodule))));
  return logits;
}

/** A graphics device that is lost between two calls, in the page. */
async function losesDevice() {
  const classifier = await createClassifier({ engine: "tfjs/webgl" });
  const { gpgpu } = tf.backend() as unknown as { gpgpu: { gl: WebGLRenderingContext } };
  gpgpu.gl.getExtension("WEBGL_lose_context")?.loseContext();
  const { logits, warnings } = await classifier.classify(await sampleFile(), lungNodule);
  await classifier.dispose();
  return { logits, warnings };
}

export const pageTools = {
  classifySample,
  keepsArrays,
  refusals,
  aborted,
  crash,
  hang,
  noWorker,
  disposed,
  undelivered,
  startEngine,
  threadsTaken,
  fileList,
  otherDataFile,
  fromElsewhere,
  abortedAtStart,
  again,
  losesDevice,
};
