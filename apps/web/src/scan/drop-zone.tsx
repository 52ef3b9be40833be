// Where a visitor begins: drop, pick, or try the sample.

import { useRef } from "preact/hooks";
import { AdapterPicker } from "../adapters/adapter-picker.js";
import { Busy } from "../classify/busy.js";
import { useLostFocus } from "../page/lost-focus.js";
import { adapters, busy, openFiles, openSample } from "../page/state.js";
import { formatsInWords } from "./formats.js";

export function DropZone() {
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const title = useLostFocus<HTMLHeadingElement>(busy.value === undefined);
  const withSample = adapters.value.find(({ sample }) => sample);
  const picked = (event: Event) => {
    const input = event.currentTarget as HTMLInputElement;
    void openFiles([...(input.files ?? [])]);
    input.value = "";
  };
  return (
    <main class="start">
      <section class="drop" aria-labelledby="drop-title">
        <Slices />
        <h1 id="drop-title" ref={title} tabIndex={-1}>
          Drop a scan
        </h1>
        <p>{formatsInWords()} CT or MR, as the adapter asks.</p>
        {busy.value ? (
          <Busy />
        ) : (
          <div class="buttons">
            <button type="button" class="primary" onClick={() => files.current?.click()}>
              Choose files
            </button>
            <button type="button" onClick={() => folder.current?.click()}>
              Choose a folder
            </button>
            {withSample && (
              <button type="button" onClick={() => openSample(withSample)}>
                Try the sample
              </button>
            )}
          </div>
        )}
        <input ref={files} type="file" multiple hidden aria-label="Scan files" onChange={picked} />
        <input ref={folder} type="file" {...{ webkitdirectory: true }} hidden aria-label="DICOM folder" onChange={picked} />
      </section>
      <section class="intro">
        <AdapterPicker />
      </section>
    </main>
  );
}

const Slices = () => (
  <svg class="slices" viewBox="0 0 120 84" width="120" height="84" aria-hidden="true">
    <g fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round">
      <path d="M60 6 112 30 60 54 8 30Z" fill="currentColor" fill-opacity=".14" />
      <path d="M8 42 60 66 112 42" opacity=".65" />
      <path d="M8 54 60 78 112 54" opacity=".35" />
    </g>
    <ellipse cx="70" cy="29" rx="9" ry="4.5" fill="#ff9d4d" />
  </svg>
);
