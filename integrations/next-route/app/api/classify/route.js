// POST a scan's bytes (NIfTI, NRRD, MetaImage, a DICOM file or a zip of a series): what the adapter answers, as JSON.
// What is wrong with the scan is answered by 4xx and { error: { code, message, details } }; what is wrong with the server stays in its log.
import lungNodule from "@anymc3d/adapter-lung-nodule";
import { ERRORS } from "@anymc3d/core/errors";
import { createClassifier, isAnyMC3DError } from "@anymc3d/sdk";

/** Bytes that are taken of a scan, as it comes and unpacked. */
const MOST = 256 * 2 ** 20;
const OF_SCAN = ["file", "input"];

/** One engine for all requests, made with the first one; again where that failed. */
let made;
function classifier() {
  made ??= createClassifier().catch((error) => {
    made = undefined;
    throw error;
  });
  return made;
}

export async function POST(request) {
  const scan = await bodyOf(request);
  if (!scan) return refusal(413, { code: "FILE_TOO_LARGE", message: `More than the ${MOST} bytes that are taken.` });
  try {
    const { labels, warnings, provenance } = await (await classifier()).classify(scan, lungNodule, { read: { maxBytes: MOST }, signal: request.signal });
    return Response.json({ labels, warnings, provenance });
  } catch (error) {
    if (!isAnyMC3DError(error) || !OF_SCAN.includes(ERRORS[error.code]?.about)) throw error;
    const { code, message, details } = error;
    return refusal(code === "FILE_TOO_LARGE" ? 413 : 422, { code, message, details });
  }
}

const refusal = (status, error) => Response.json({ error }, { status });

/** @returns undefined where there are too many bytes: no more of them are read */
async function bodyOf({ headers, body }) {
  if (Number(headers.get("content-length")) > MOST) return undefined;
  const parts = [];
  let length = 0;
  for await (const part of body ?? []) {
    length += part.length;
    if (length > MOST) return undefined;
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}
