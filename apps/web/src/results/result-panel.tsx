// What the adapter says: probabilities with their thresholds, the slices that mattered, how it came about, and what to take away.

import type { AdapterManifest } from "@anymc3d/core";
import type { LabelResult } from "@anymc3d/sdk";
import { useLostFocus } from "../page/lost-focus.js";
import { type Run, run, type Scan, scan } from "../page/state.js";
import { shownText, shownViewer } from "../viewer/shown-viewer.js";
import { captioned, fileStem, heatmapNifti, heatmapText, metricText, reportHtml, resultJson, save } from "./export.js";
import { SliceChart } from "./slice-chart.js";

export function ResultPanel() {
  const [{ value: found }, { value: input }] = [run, scan];
  const title = useLostFocus<HTMLHeadingElement>(found?.result);
  if (!found || !input) return null;
  const { adapter, result } = found;
  const [metrics] = adapter.manifest.metrics;
  return (
    <section class="result" aria-labelledby="result-title">
      <h2 id="result-title" ref={title} tabIndex={-1}>
        {adapter.manifest.title}
      </h2>
      <ul class="labels">
        {result.labels.map((label) => (
          <Label key={label.id} label={label} measured={metrics?.labels.find(({ id }) => id === label.id)} />
        ))}
      </ul>
      <p class="disclaimer">{result.disclaimer}</p>
      {metrics && (
        <p class="note">
          Probabilities and thresholds were fitted on {metrics.dataset}, split “{metrics.split}”. On other scanners and patients they may be off.
        </p>
      )}
      <SliceChart views={result.views} />
      <p class="note">Heatmap: {heatmapText(found)}.</p>
      {result.warnings.length > 0 && (
        <details>
          <summary>
            {result.warnings.length} note{result.warnings.length > 1 ? "s" : ""} on this result
          </summary>
          <ul class="notes">
            {result.warnings.map(({ message }) => (
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

type Measured = AdapterManifest["metrics"][number]["labels"][number];

function Label({ label: { name, probability, threshold, positive }, measured }: { readonly label: LabelResult; readonly measured?: Measured }) {
  const percent = (value: number) => `${(100 * value).toFixed(value < 0.1 ? 1 : 0)} %`;
  const verdict = threshold === undefined ? (positive ? "most probable" : "") : positive ? "above threshold" : "below threshold";
  return (
    <li class={positive ? "label positive" : "label"}>
      <div class="label-line">
        <span class="label-name">{name}</span>
        <span class="verdict">{verdict}</span>
        <span class="probability">{percent(probability)}</span>
      </div>
      <div class="bar" aria-hidden="true">
        <div class="fill" style={{ width: `${100 * probability}%` }} />
        {threshold !== undefined && <div class="tick" style={{ left: `${100 * threshold}%` }} title={`decision threshold ${percent(threshold)}`} />}
      </div>
      <small>
        {threshold !== undefined && `threshold ${percent(threshold)}`}
        {measured && ` · ${metricText(measured)}`}
      </small>
    </li>
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
    const lines = [`${input.name} · ${adapter.manifest.title} ${adapter.manifest.version} · ${heatmapText(found)}`, result.disclaimer];
    if (blob) save((await captioned(blob, lines)) ?? blob, `${stem}.png`, "image/png");
  };
  const dataUrl = async () => {
    const blob = await picture();
    if (!blob) return "";
    return new Promise<string>((resolve) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result as string);
      reader.readAsDataURL(blob);
    });
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
      <button type="button" onClick={async () => save(reportHtml(input, found, await dataUrl(), shownText(input.volume)), `${stem}.html`, "text/html")}>
        Report
      </button>
    </fieldset>
  );
}
