// The footer's line on what is stored: the page says that it works with the network off only when it does.

import { listed } from "../errors/faults.js";
import { megabytes, offline, storeParts } from "./offline.js";

export function OfflineLine() {
  const { value } = offline;
  return (
    <p class="offline">
      No upload: classification runs in this browser. The network tab of your browser's developer tools shows it
      {value.state === "stored" ? ", and the page works with the network off." : "."}
      {value.state === "storing" && (
        <span>
          {" "}
          Being stored for use with the network off: {Math.round(value.done / 1e6)} of {megabytes(value.total)}.
        </span>
      )}
      {value.state === "partly" && (
        <span>
          {" "}
          Not stored for use with the network off yet: {listed(value.missing)}
          {value.why && `; ${value.why}`}.{" "}
          <button type="button" class="inline" onClick={() => void storeParts()}>
            Store now
          </button>
        </span>
      )}
    </p>
  );
}
