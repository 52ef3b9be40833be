// A page that classifies the user's file in a worker: the page stays responsive, and nothing is uploaded.
import lungNodule from "@anymc3d/adapter-lung-nodule";
import { createWorkerClassifier } from "@anymc3d/sdk/worker";

const [input, stop, progress, status, table] = ["input", "button", "progress", "[role=status]", "table"].map((what) => document.querySelector(what));
// One for the page's life: it keeps the backbone. It starts while the user looks for a file, and who is faster waits for it below.
const starting = createWorkerClassifier();
starting.catch((error) => {
  status.textContent = error.message;
});

function show({ labels, provenance, warnings }) {
  const rows = labels.map(({ name, probability, positive }) => {
    const row = document.createElement("tr");
    for (const text of [name, `${(100 * probability).toFixed(1)} %`, positive ? "yes" : "no"]) row.appendChild(document.createElement("td")).textContent = text;
    return row;
  });
  table.querySelector("tbody").replaceChildren(...rows);
  table.hidden = false;
  status.textContent = [`Computed by ${provenance.engine}.`, ...warnings.map(({ message }) => message)].join(" ");
}

input.addEventListener("change", async () => {
  const controller = new AbortController();
  stop.onclick = () => controller.abort();
  table.hidden = true;
  progress.hidden = false;
  stop.disabled = false;
  try {
    const classifier = await starting;
    const onProgress = ({ stage, done, total }) => {
      status.textContent = stage;
      progress.value = total ? done / total : 0;
    };
    show(await classifier.classify([...input.files], lungNodule, { signal: controller.signal, onProgress }));
  } catch (error) {
    // The message says what was found, what was expected and what to do.
    status.textContent = controller.signal.aborted ? "Stopped." : error.message;
  } finally {
    progress.hidden = true;
    stop.disabled = true;
  }
});
