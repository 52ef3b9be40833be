// Where what was dropped holds several scans: which one.

import type { SeriesSummary } from "@anymc3d/sdk";
import { Busy } from "../classify/busy.js";
import { useLostFocus } from "../page/lost-focus.js";
import { busy, openChosen, type ScanChoice, scanChoice } from "../page/state.js";

export function ScanChooser(choice: ScanChoice) {
  const title = useLostFocus<HTMLHeadingElement>();
  return (
    <main class="chooser">
      <h1 ref={title} tabIndex={-1}>
        {choice.series ? "Which series?" : "Which file?"}
      </h1>
      {busy.value && <Busy />}
      {choice.series ? <SeriesList files={choice.files} series={choice.series} /> : <VolumeList volumes={choice.volumes} />}
      <button
        type="button"
        class="quiet"
        onClick={() => {
          scanChoice.value = undefined;
        }}
      >
        Other files
      </button>
    </main>
  );
}

function VolumeList({ volumes }: { readonly volumes: readonly (readonly File[])[] }) {
  return (
    <>
      <p>{volumes.length} files hold a volume each. Classification looks at one.</p>
      <ul class="series">
        {volumes.map((files) => (
          <li key={files[0].webkitRelativePath || files[0].name}>
            <button type="button" disabled={Boolean(busy.value)} onClick={() => openChosen(files)}>
              <span class="name">{files[0].webkitRelativePath || files[0].name}</span>
              <span class="count">{(files[0].size / 1e6).toFixed(1)} MB</span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

function SeriesList({ files, series }: { readonly files: readonly File[]; readonly series: readonly SeriesSummary[] }) {
  const patients = new Map<string, SeriesSummary[]>();
  for (const each of series) patients.set(patientOf(each), [...(patients.get(patientOf(each)) ?? []), each]);
  return (
    <>
      <p>
        {files.length} files hold {series.length} series{patients.size > 1 && ` of ${patients.size} patients`}. Classification looks at one.
      </p>
      {[...patients].map(([patient, own]) => (
        <section key={patient} aria-label={patient || "Series"}>
          {patient && <h2>{patient}</h2>}
          <ul class="series">
            {own.map((each) => (
              <li key={each.uid}>{each.images > 0 ? <Readable files={files} series={each} /> : <Unreadable series={each} />}</li>
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}

/** "Doe, Jane · P1 · born 1970-01-31"; empty where the files do not say. */
function patientOf({ patient }: SeriesSummary): string {
  const { name, id, birthDate } = patient ?? {};
  const born = birthDate && /^\d{8}$/.test(birthDate) ? `born ${birthDate.slice(0, 4)}-${birthDate.slice(4, 6)}-${birthDate.slice(6)}` : "";
  return [name?.replace(/\^+$/, "").replace("^", ", ").replaceAll("^", " "), id, born].filter(Boolean).join(" · ");
}

function Readable({ files, series }: { readonly files: readonly File[]; readonly series: SeriesSummary }) {
  return (
    <button type="button" disabled={Boolean(busy.value)} onClick={() => openChosen(files, { series: series.uid })}>
      <Description {...series} />
      <span class="count">
        {series.images} × {series.columns}×{series.rows}
      </span>
    </button>
  );
}

const Unreadable = ({ series }: { readonly series: SeriesSummary }) => (
  <div class="unreadable">
    <Description {...series} />
    <span class="count">cannot be read</span>
  </div>
);

const Description = ({ modality, number, description, bodyPart, date, problems }: SeriesSummary) => (
  <>
    <span class="modality">{modality ?? "?"}</span>
    <span class="name">
      {number !== undefined && `${number}. `}
      {description || "without a description"}
      {[bodyPart, date].filter(Boolean).map((each) => (
        <small key={each}> {each}</small>
      ))}
      {problems.map((problem) => (
        <small class="problem" key={problem}>
          {problem}
        </small>
      ))}
    </span>
  </>
);
