// Style and script of the marketplace page.

export const STYLE = `:root { color-scheme: light dark; --text: light-dark(#1b1f24, #e6e8eb); --soft: light-dark(#57606a, #a4acb6); --ground: light-dark(#fff, #14171b);
  --card: light-dark(#f5f7f9, #1d2127); --line: light-dark(#d0d7de, #363c45); --accent: light-dark(#0a58b5, #7db4ff); --warn: light-dark(#8a3a00, #ffb27d); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem; background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0.5rem 0; }
h2 { font-size: 1.25rem; margin: 1.6rem 0 0.4rem; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
form { display: flex; flex-wrap: wrap; gap: 0.8rem; margin: 1rem 0; }
form[hidden] { display: none; }
label { display: grid; gap: 0.2rem; color: var(--soft); font-size: 0.9rem; flex: 1 1 9rem; }
input, select { font: inherit; color: var(--text); background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 0.45rem; min-width: 0; width: 100%; }
.adapters { list-style: none; margin: 0; padding: 0; display: grid; gap: 0.8rem; }
.adapters li { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 0.8rem 1rem; }
.adapters li[hidden] { display: none; }
.adapters h2 { margin: 0; }
.adapters p { margin: 0.3rem 0; }
.facts, #count, footer, caption { color: var(--soft); font-size: 0.9rem; }
.warning, strong { color: var(--warn); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1rem; }
dt { color: var(--soft); }
dd { margin: 0; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 0.8rem; overflow-x: auto; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
caption { text-align: left; padding-bottom: 0.3rem; }
th, td { text-align: left; padding: 0.3rem 0.8rem 0.3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
article { border-top: 1px solid var(--line); margin-top: 1.6rem; }
.try { display: inline-block; border: 1px solid var(--accent); border-radius: 6px; padding: 0.4rem 0.9rem; text-decoration: none; }
footer { margin-top: 2rem; border-top: 1px solid var(--line); }
`;

/** Shows the form and hides what does not match; the address keeps the search, so that it can be shared. */
export const FILTER = `const form = document.getElementById("filter");
const items = [...document.querySelectorAll(".adapters li")];
const count = document.getElementById("count");
function apply() {
  const { text, modality, part, backbone } = Object.fromEntries(new FormData(form));
  const words = text.toLowerCase().split(/\\s+/).filter(Boolean);
  const has = (list, value) => value === "" || list.split("|").includes(value);
  let shown = 0;
  for (const item of items) {
    const own = item.dataset;
    const any = own.modality === "";
    item.hidden = !(words.every((word) => own.text.includes(word)) && (any || has(own.modality, modality)) && has(own.part, part) && has(own.backbone, backbone));
    if (!item.hidden) shown++;
  }
  count.textContent = shown + (shown === 1 ? " adapter" : " adapters") + (shown < items.length ? " of " + items.length : "");
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
  history.replaceState(null, "", query.size ? "?" + query : location.pathname);
}
for (const [name, value] of new URLSearchParams(location.search)) if (form.elements[name]) form.elements[name].value = value;
form.hidden = false;
form.addEventListener("input", apply);
form.addEventListener("submit", (event) => event.preventDefault());
apply();
`;
