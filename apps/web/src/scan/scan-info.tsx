// What the scan is, in a line.

import { voxelSpacing } from "@anymc3d/core";
import { useLostFocus } from "../page/lost-focus.js";
import { busy, scan, stateModality } from "../page/state.js";

export function ScanInfo() {
  const { value } = scan;
  const title = useLostFocus<HTMLHeadingElement>(value?.files);
  if (!value) return null;
  const { volume, name, read, isSample } = value;
  const spacing = volume.affine && voxelSpacing(volume.affine).map((mm) => Number(mm.toPrecision(3)));
  return (
    <section class="scan-info" aria-label="Scan">
      <h2 ref={title} tabIndex={-1} title={name}>
        {name}
      </h2>
      <p>
        {[volume.modality, `${volume.shape.join(" × ")} voxels`, spacing ? `${spacing.join(" × ")} mm` : "no orientation", volume.meta?.bodyPart]
          .filter(Boolean)
          .join(" · ")}
      </p>
      {(!volume.modality || read.modality) && !isSample && (
        <label class="modality-choice">
          Its file does not state the modality:
          <select disabled={Boolean(busy.value)} value={read.modality ?? ""} onChange={({ currentTarget }) => stateModality(currentTarget.value || undefined)}>
            <option value="">not known</option>
            {["CT", "MR", "PT"].map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
      )}
    </section>
  );
}
