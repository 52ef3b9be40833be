// What a reader can be told. What each option is and who asks for it: table.ts.

import type { CodecUrl } from "../formats/dicom/codecs.js";
import type { Source } from "../sources/open.js";

/** What a file cannot tell, and which of several volumes is meant. An option that the file's format has no use for is refused. */
export interface ReadOptions {
  /** Which 3-D frame of a 4-D file (a time or list axis) to read, from 0. A 4-D file without it is refused. */
  readonly frame?: number;
  /** Which channel of a file with a vector or colour axis to read, from 0. Such a file without it is refused. */
  readonly channel?: number;
  /** Which array of an .npz file, by name: "train_images", or "train_images[17]" with its `index`. Not needed where there is only one. */
  readonly array?: string;
  /** Which volume of a NumPy array with four axes: the index along its first, from 0. */
  readonly index?: number;
  /**
   * Where the first, second and third voxel axis point to, for a file that stores no orientation: three letters, "LPS" or "RAS" for example.
   * Where the file stores it, it must say the same, or is refused.
   */
  readonly orientation?: string;
  /** Voxel size along x, y and z in mm, for a file that stores none. Where the file stores it, it must say the same, or is refused. */
  readonly spacing?: readonly [number, number, number];
  /** DICOM modality of the volume, "CT", "MR", …; NIfTI does not store it. */
  readonly modality?: string;
  /** What to call the data in errors; default: the file's name. */
  readonly name?: string;
  /** Most bytes that the decoded file, or the voxel array made of it, may take. Default 4 GiB. */
  readonly maxBytes?: number;
  /** DICOM: which series, where there are several: its UID, the beginning of it, or its number. */
  readonly series?: string;
  /** DICOM: which stack of a series that mixes sizes or orientations, from 0. */
  readonly stack?: number;
  /** DICOM: `resample` interpolates slices at uneven distances, or over a gap, linearly onto even ones. Without it they are refused. */
  readonly uneven?: "resample";
  /** DICOM: put the patient's name, id, birth date and sex into the volume's `meta`, and into what `listSeries()` tells. Default false. */
  readonly identity?: boolean;
  /** DICOM in browsers: where the decoders' .wasm files are hosted, by name. Default: beside the package's modules. */
  readonly codecUrl?: CodecUrl;
  /** Called as files are read (DICOM: headers, then slices). */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
  /**
   * The file, or files, that hold the voxels of a header read from bytes or from a `File`: the .img of a .hdr, the data file of an .nhdr or .mhd.
   * One is taken as it is, and refused where there is no use for it; of a list, those of the names that the header gives. Not needed for a path or URL with them beside it.
   */
  readonly companion?: Source | readonly Source[];
}
