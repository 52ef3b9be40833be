// The series of a dropped folder.

import type { SeriesSummary } from "@anymc3d/sdk";
import { busy, openSeries, seriesChoice } from "../state.js";
import { Busy } from "./busy.js";

export function SeriesChooser({ files, series }: { readonly files: readonly File[]; readonly series: readonly SeriesSummary[] }) {
  return (
    <main class="chooser">
      <h1>Which series?</h1>
      <p>
        {files.length} files hold {series.length} series. Classification looks at one.
      </p>
      {busy.value && <Busy />}
      <ul class="series">
        {series.map((each) => (
          <li key={each.uid}>
            <button type="button" disabled={Boolean(busy.value)} onClick={() => openSeries(files, each)}>
              <span class="modality">{each.modality ?? "?"}</span>
              <span class="name">
                {each.number !== undefined && `${each.number}. `}
                {each.description || "without a description"}
                {each.bodyPart && <small> {each.bodyPart}</small>}
                {each.problems.map((problem) => (
                  <small class="problem" key={problem}>
                    {problem}
                  </small>
                ))}
              </span>
              <span class="count">
                {each.images} × {each.columns}×{each.rows}
              </span>
            </button>
          </li>
        ))}
      </ul>
      <button
        type="button"
        class="quiet"
        onClick={() => {
          seriesChoice.value = undefined;
        }}
      >
        Other files
      </button>
    </main>
  );
}
