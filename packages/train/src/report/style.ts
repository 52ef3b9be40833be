// The look of the training report: light and dark, phone and paper.

export const STYLE = `
:root { color-scheme: light dark; --text: #1c2126; --soft: #5b6670; --back: #fff; --panel: #f5f7f9; --rule: #d9dfe5;
  --c0: #0b6bcb; --c1: #c2410c; --c2: #15803d; --c3: #7c3aed; --c4: #b45309; --c5: #0e7490; --c6: #be185d; --c7: #4d7c0f; }
@media (prefers-color-scheme: dark) { :root { --text: #e6eaee; --soft: #9aa6b2; --back: #14181c; --panel: #1c2228; --rule: #333c45;
  --c0: #60a5fa; --c1: #fb923c; --c2: #4ade80; --c3: #a78bfa; --c4: #fbbf24; --c5: #22d3ee; --c6: #f472b6; --c7: #a3e635; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .5rem; } h2 { margin: 2.5rem 0 .75rem; border-bottom: 1px solid var(--rule); padding-bottom: .25rem; }
h3 { margin: 2rem 0 .5rem; } h4 { margin: 1.25rem 0 .25rem; } p { max-width: 48rem; }
.disclaimer { border-left: 4px solid var(--c1); padding-left: .75rem; }
.warnings { border-left: 4px solid var(--c4); padding-left: 1.5rem; max-width: 48rem; }
.scroll { overflow-x: auto; margin: .75rem 0; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--rule); vertical-align: top; } th { color: var(--soft); font-weight: 600; }
td { white-space: nowrap; } .wrap td + td { white-space: normal; overflow-wrap: anywhere; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1rem; }
figure { margin: 0; background: var(--panel); border-radius: .5rem; padding: .75rem; } svg { width: 100%; height: auto; display: block; }
svg text { font-size: 11px; fill: var(--soft); } .grid { stroke: var(--rule); } .mark { stroke: var(--soft); stroke-dasharray: 2 3; }
.line { fill: none; stroke-width: 2; } .dashed { stroke-dasharray: 4 4; opacity: .7; } .ring { fill: none; stroke: var(--text); stroke-width: 2; }
${[0, 1, 2, 3, 4, 5, 6, 7].map((i) => `.line.c${i} { stroke: var(--c${i}); } .dot.c${i} { fill: var(--c${i}); } .key.c${i} { background: var(--c${i}); }`).join("\n")}
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: .5rem 0 0; padding: 0; font-size: .85rem; }
.key { display: inline-block; width: .8rem; height: .2rem; margin-right: .4rem; vertical-align: middle; } .markkey { border-top: 2px dashed var(--soft); height: 0; }
.ringkey { width: .7rem; height: .7rem; border: 2px solid var(--text); border-radius: 50%; }
.cases { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1rem; }
.case img { width: 100%; height: auto; max-height: 24rem; object-fit: contain; display: block; border-radius: .25rem; background: #000; image-rendering: auto; } figcaption { font-size: .85rem; color: var(--soft); margin-top: .4rem; }
pre { overflow-x: auto; background: var(--panel); padding: .75rem; border-radius: .5rem; font-size: .8rem; }
@media print { figure, article { break-inside: avoid; } }
`;
