// What the scan is, in a line.

import { voxelSpacing } from "@anymc3d/core";
import { scan } from "../state.js";

export function ScanInfo() {
  const { value } = scan;
  if (!value) return null;
  const { volume, name } = value;
  const spacing = volume.affine && voxelSpacing(volume.affine).map((mm) => Number(mm.toPrecision(3)));
  return (
    <section class="scan-info" aria-label="Scan">
      <h2 title={name}>{name}</h2>
      <p>
        {[
          volume.modality ?? "modality not stated",
          `${volume.shape.join(" × ")} voxels`,
          spacing ? `${spacing.join(" × ")} mm` : "no orientation",
          volume.meta?.bodyPart,
        ]
          .filter(Boolean)
          .join(" · ")}
      </p>
    </section>
  );
}
