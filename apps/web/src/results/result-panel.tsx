// What the adapter says: the answer in its own form, the slices that mattered, how it came about, and what to take away.

import { isOfAdapter } from "@anymc3d/core/errors";
import { useLostFocus } from "../page/lost-focus.js";
import { type Run, run, type Scan, scan } from "../page/state.js";
import { shownText, shownViewer } from "../viewer/shown-viewer.js";
import { fileStem, heatmapNifti, resultJson, save } from "./export.js";
import { heatmapText } from "./heatmap-text.js";
import { formOf } from "./outcomes/index.js";
import { captioned, dataUrl } from "./picture.js";
import { reportHtml } from "./report.js";
import { SliceChart } from "./slice-chart.js";

export function ResultPanel() {
  const [{ value: found }, { value: input }] = [run, scan];
  const title = useLostFocus<HTMLHeadingElement>(found?.result);
  if (!found || !input) return null;
  const { adapter, result } = found;
  const [metrics] = adapter.manifest.metrics;
  const form = formOf(result);
  const doubts = result.warnings.filter(({ code }) => isOfAdapter(code));
  const told = new Set(result.outside?.map(({ message }) => message));
  const notes = result.warnings.filter(({ code, message }) => !isOfAdapter(code) && !told.has(message));
  return (
    <section class="result" aria-labelledby="result-title">
      <h2 id="result-title" ref={title} tabIndex={-1}>
        {adapter.manifest.title}
      </h2>
      <form.View result={result} manifest={adapter.manifest} />
      <p class="disclaimer">{result.disclaimer}</p>
      {doubts.length > 0 && (
        <ul class="problem">
          {doubts.map(({ message }) => (
            <li key={message}>{message}</li>
          ))}
        </ul>
      )}
      {metrics && (
        <p class="note">
          {form.fitted} were fitted on {metrics.dataset}, split “{metrics.split}”. On other scanners and patients they may be off.
        </p>
      )}
      <SliceChart views={result.views} />
      <p class="note">Heatmap: {heatmapText(found)}.</p>
      {notes.length > 0 && (
        <details>
          <summary>
            {notes.length} note{notes.length > 1 ? "s" : ""} on this result
          </summary>
          <ul class="notes">
            {notes.map(({ message }) => (
              <li key={message}>{message}</li>
            ))}
          </ul>
        </details>
      )}
      <Provenance {...found} />
      <Exports found={found} input={input} />
    </section>
  );
}

function Provenance({ adapter, result: { provenance } }: Run) {
  const { times } = provenance;
  const seconds = (ms: number) => `${(ms / 1000).toFixed(ms < 1000 ? 2 : 1)} s`;
  const rows = [
    ["Adapter", `${provenance.adapter.name} ${provenance.adapter.version} (${adapter.origin})`],
    ["its hash", provenance.adapter.hash],
    ["Backbone", provenance.backbone.name],
    ["its hash", provenance.backbone.hash],
    ["Engine", `${provenance.engine}, ${provenance.precision}`],
    ["Time", `${seconds(times.total)}: slices ${seconds(times.preprocess)}, backbone ${seconds(times.encode)}, heatmap ${seconds(times.heatmap)}`],
  ];
  return (
    <details>
      <summary>How it came about</summary>
      <dl>
        {rows.map(([name, value]) => (
          <div key={value}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <h3>Limits</h3>
      <ul class="notes">
        {adapter.manifest.limits.map((limit) => (
          <li key={limit}>{limit}</li>
        ))}
      </ul>
    </details>
  );
}

function Exports({ found, input }: { readonly found: Run; readonly input: Scan }) {
  const stem = fileStem(input, found);
  const { adapter, result } = found;
  const picture = async (): Promise<Blob | undefined> => shownViewer.value?.picture();
  const savePicture = async () => {
    const blob = await picture();
    const { manifest } = adapter;
    const lines = [
      `${input.name} · ${manifest.title} ${manifest.version} · ${heatmapText(found)}`,
      formOf(result).sentence({ result, manifest }),
      result.disclaimer,
    ];
    if (blob) save((await captioned(blob, lines)) ?? blob, `${stem}.png`, "image/png");
  };
  const saveReport = async () => {
    const blob = await picture();
    save(reportHtml(input, found, blob ? await dataUrl(blob) : "", shownText(input.volume)), `${stem}.html`, "text/html");
  };
  return (
    <fieldset class="exports">
      <legend>Save</legend>
      <button type="button" onClick={() => save(resultJson(input, found), `${stem}.json`, "application/json")}>
        JSON
      </button>
      <button type="button" onClick={() => save(heatmapNifti(found) as Uint8Array<ArrayBuffer>, `${stem}-heatmap.nii`, "application/octet-stream")}>
        Heatmap (NIfTI)
      </button>
      <button type="button" disabled={!shownViewer.value} onClick={savePicture}>
        Picture
      </button>
      <button type="button" onClick={saveReport}>
        Report
      </button>
    </fieldset>
  );
}
