// The page: a drop zone, then the scan beside what can be asked of it.

import { DISCLAIMER } from "@anymc3d/core";
import { useEffect, useState } from "preact/hooks";
import { AdapterPicker } from "../adapters/adapter-picker.js";
import { RunPanel } from "../classify/run-panel.js";
import { Failure } from "../errors/failure.js";
import { OfflineLine } from "../offline/offline-line.js";
import { formOf } from "../results/outcomes/index.js";
import { ResultPanel } from "../results/result-panel.js";
import { DropZone } from "../scan/drop-zone.js";
import { droppedFiles } from "../scan/files.js";
import { ScanChooser } from "../scan/scan-chooser.js";
import { ScanInfo } from "../scan/scan-info.js";
import { ViewerPane } from "../viewer/viewer-pane.js";
import { busy, closeScan, openFiles, run, scan, scanChoice } from "./state.js";

export function App() {
  const over = useDrop();
  return (
    <div class={`page${over ? " over" : ""}`}>
      <header>
        <a class="brand" href="./" aria-label="AnyMC3D, start again">
          <img src="./icon.svg" alt="" width="28" height="28" />
          AnyMC3D
        </a>
        <p class="chip warn">Research use only. Not a medical device.</p>
        <p class="chip">
          <Lock /> Your scan stays on this device
        </p>
        {scan.value && (
          <button type="button" class="quiet" onClick={closeScan}>
            Close scan
          </button>
        )}
      </header>
      <Failure />
      {scanChoice.value ? <ScanChooser {...scanChoice.value} /> : scan.value ? <Workspace /> : <DropZone />}
      <footer>
        <p>{DISCLAIMER}</p>
        <OfflineLine />
      </footer>
      <div class="visually-hidden" role="status" aria-live="polite">
        {spoken()}
      </div>
    </div>
  );
}

/** What a screen reader is told as it happens. */
function spoken(): string {
  if (busy.value) return busy.value.what === "reading" ? "Reading the scan" : "Classifying";
  if (scanChoice.value)
    return scanChoice.value.series ? `Which series? There are ${scanChoice.value.series.length}.` : `Which file? There are ${scanChoice.value.volumes.length}.`;
  if (!run.value) return scan.value ? `Scan open: ${scan.value.name}` : "";
  const { result, adapter } = run.value;
  return `Result: ${formOf(result).sentence({ result, manifest: adapter.manifest })}`;
}

function Workspace() {
  return (
    <main class="workspace">
      <h1 class="visually-hidden">Scan and classification</h1>
      <ViewerPane />
      <aside aria-label="Classification">
        <ScanInfo />
        <AdapterPicker />
        <RunPanel />
        <ResultPanel />
      </aside>
    </main>
  );
}

/** Takes what is dropped anywhere, or pasted. */
function useDrop(): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const stop = new AbortController();
    const { signal } = stop;
    const isFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files");
    const dragged = (event: DragEvent) => {
      if (!isFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    // Before the viewer, which keeps drags to itself.
    window.addEventListener("dragover", dragged, { signal, capture: true });
    window.addEventListener("dragleave", (event) => !event.relatedTarget && setOver(false), { signal });
    window.addEventListener(
      "drop",
      async (event) => {
        if (!event.dataTransfer || !isFiles(event)) return;
        event.preventDefault();
        event.stopPropagation();
        setOver(false);
        await openFiles(await droppedFiles(event.dataTransfer));
      },
      { signal, capture: true },
    );
    window.addEventListener("paste", ({ clipboardData }) => clipboardData?.files.length && void openFiles([...clipboardData.files]), { signal });
    return () => stop.abort();
  }, []);
  return over;
}

const Lock = () => (
  <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
    <path d="M4.5 7V5a3.5 3.5 0 0 1 7 0v2M3 7h10v7H3z" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round" />
  </svg>
);
