-- The looks that all pages share: colours, letters and tables, in the fonts that the reader's system has.
return [[
:root {
  color-scheme: light dark;
  --page: #fcfcfa; --panel: #f3f3ef; --ink: #1b1c1e; --soft: #575b61; --line: #dcdcd5; --grid: #e9e9e4;
  --done: #2f64a0; --skipped: #8fb0d3; --failed: #b3261e; --unknown: #8a5a00; --open: #c4c4bd;
  --unknown-panel: #fff6e0; --unknown-line: #e2b75b;
  --add: #e3f0e4; --remove: #fbe6e4; --add-ink: #14532d; --remove-ink: #7f1d1d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #141619; --panel: #1d2024; --ink: #e8e8e4; --soft: #a3a8b0; --line: #33373d; --grid: #26292e;
    --done: #7db0e8; --skipped: #44658a; --failed: #f28b82; --unknown: #e6b450; --open: #4a4e55;
    --unknown-panel: #2b2414; --unknown-line: #7a5d1e;
    --add: #17301f; --remove: #3a1c1b; --add-ink: #a5dfb5; --remove-ink: #f6b5ae;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word;
}
main, footer { max-width: 64rem; margin: 0 auto; padding: 0 1.5rem; }
h1 { font-size: clamp(1.6rem, 1.1rem + 2vw, 2.1rem); line-height: 1.2; font-weight: 650; letter-spacing: -0.015em;
  margin: .4rem 0 .6rem; max-width: 26em; text-wrap: balance; }
h2 { font-size: 1.25rem; line-height: 1.3; font-weight: 650; letter-spacing: -0.005em; margin: 0 0 .25rem; }
h3 { font-size: 1rem; line-height: 1.4; font-weight: 650; margin: 0; }
p { margin: 0 0 .75rem; max-width: 44em; }
section { margin: 3.25rem 0 0; }
code, .id, td.trace {
  font: .875em/1.5 ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.over { color: var(--soft); font-size: .875rem; margin: 0; }
.over b { font-weight: 650; color: var(--ink); }
.lede { font-size: 1.0625rem; color: var(--soft); }
.soft, figcaption, .note { color: var(--soft); }
.note { font-size: .875rem; }
.totals { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: 1.25rem 2rem; margin: 1.1rem 0 0; }
.totals dt { font-size: .875rem; color: var(--soft); display: flex; align-items: center; gap: .5em; }
.totals dd { margin: 0; font-size: 1.75rem; line-height: 1.25; font-weight: 600; letter-spacing: -0.01em; }
:focus-visible { outline: 2px solid var(--done); outline-offset: 2px; border-radius: 2px; }
.scroll { overflow-x: auto; margin: .6rem 0 0; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; line-height: 1.45; }
th, td { text-align: left; vertical-align: top; padding: .45rem 1rem .45rem 0; border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 500; white-space: nowrap; vertical-align: bottom;
  border-bottom-color: var(--soft); }
tbody th { font-weight: 500; }
th.n, td.n { text-align: right; white-space: nowrap; }
td.id, td.trace { overflow-wrap: anywhere; } td.trace { min-width: 15rem; } thead th.id { font: inherit; }
caption { text-align: left; color: var(--soft); padding: 0 0 .4rem; }
]]
