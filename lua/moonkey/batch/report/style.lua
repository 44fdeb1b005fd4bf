-- The looks of the report, upon what all pages share.
return require("moonkey.looks") .. [[
header { padding: 3.5rem 0 0; }
bdi { unicode-bidi: isolate; } .whole { white-space: nowrap; }
.lede bdi, .lede time { color: var(--ink); }
.why { font-size: 1.0625rem; }
figure { margin: 1rem 0 0; }

.bar { display: block; width: 100%; height: 10px; margin: 2rem 0 0; border-radius: 5px; }
.totals dt::before { content: ""; width: .625rem; height: .625rem; border-radius: 2px; background: var(--swatch); flex: none;
  print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.totals .none dd { color: var(--soft); font-weight: 400; }
.of-done { --swatch: var(--done); } .of-skipped { --swatch: var(--skipped); } .of-failed { --swatch: var(--failed); }
.of-unknown { --swatch: var(--unknown); } .of-open { --swatch: var(--open); }

.next { margin: 2.25rem 0 0; padding: 1rem 1.25rem; background: var(--panel); border-radius: 8px; }
.next h2 { font-size: 1rem; }
.next dl { display: grid; grid-template-columns: auto 1fr; gap: .35rem 1.5rem; margin: .5rem 0 0; font-size: .9375rem; }
.next dd { margin: 0; color: var(--soft); }
.alert { padding: 1.25rem; background: var(--unknown-panel); border: 1px solid var(--unknown-line); border-radius: 8px; }
.alert h2 { color: var(--unknown); }

.cause { border-top: 1px solid var(--line); padding: 1rem 0; margin: 0; display: grid; column-gap: 1rem;
  grid-template-columns: 4rem minmax(0, 1fr); }
.cause:first-of-type { margin-top: .75rem; }
.cause > .count { font-size: 1.25rem; font-weight: 600; line-height: 1.2; color: var(--failed); margin: 0; }
.alert th, .alert td, .alert .cause { border-color: var(--unknown-line); } .alert .cause > .count { color: var(--unknown); }
.cause p { margin: .15rem 0 0; }
details { margin: .6rem 0 0; }
summary { cursor: pointer; color: var(--soft); font-size: .875rem; width: fit-content; }
summary:hover { color: var(--ink); }

.same th, .same td { border-bottom-color: transparent; padding-bottom: 0; }
.value { white-space: pre-wrap; overflow-wrap: anywhere; min-width: 8rem; }
.empty { color: var(--soft); font-style: italic; }
ins, del { text-decoration: none; border-radius: 3px; padding: 0 .25em; }
ins { background: var(--add); color: var(--add-ink); } ins::before { content: "+\2009"; }
del { background: var(--remove); color: var(--remove-ink); } del::before { content: "\2212\2009"; }
details caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.before-after table { min-width: 44rem; }
.place { width: 7rem; white-space: nowrap; } th.id { width: 13rem; }

.figures { display: flex; flex-wrap: wrap; gap: .75rem 2.5rem; margin: .9rem 0 0; }
.figures dt { font-size: .875rem; color: var(--soft); }
.figures dd { margin: 0; font-size: 1.125rem; font-weight: 600; }
.facts { display: grid; grid-template-columns: 11rem minmax(0, 1fr); gap: .5rem 1rem; margin: .75rem 0 0; font-size: .9375rem; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; overflow-wrap: anywhere; }

svg { display: block; width: 100%; height: auto; overflow: visible; }
svg.medium, svg.narrow { display: none; }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; fill: var(--soft); }
svg text.strong { fill: var(--ink); font-weight: 600; }
.grid { stroke: var(--grid); stroke-width: 1; } .axis { stroke: var(--soft); stroke-width: 1; }
.break { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 3; }
.mark { stroke: var(--ink); stroke-width: 1; }
.fill-done { fill: var(--done); } .fill-skipped { fill: var(--skipped); } .fill-failed { fill: var(--failed); }
.fill-unknown { fill: var(--unknown); } .fill-open { fill: var(--open); }
footer { margin-top: 4rem; padding-top: 1rem; padding-bottom: 3rem; color: var(--soft); font-size: .875rem; }

@media (max-width: 60rem) { svg.wide { display: none; } svg.medium { display: block; } }
@media (max-width: 40rem) {
  main, footer { padding-left: 1.125rem; padding-right: 1.125rem; }
  header { padding-top: 2rem; } section { margin-top: 2.5rem; }
  svg.medium { display: none; } svg.narrow { display: block; }
  .totals { grid-template-columns: 1fr 1fr; gap: 1rem; } .totals dd { font-size: 1.5rem; }
  .next dl, .facts { grid-template-columns: minmax(0, 1fr); gap: .1rem; } .next dd, .facts dd { margin-bottom: .6rem; }
  .cause { grid-template-columns: minmax(0, 1fr); }
}
@media print {
  :root { color-scheme: light; --page: #fff; --panel: #fff; --ink: #000; --soft: #444; --line: #bbb; --grid: #ddd;
    --done: #2f64a0; --skipped: #8fb0d3; --failed: #b3261e; --unknown: #7a5000; --open: #c4c4bd; --unknown-panel: #fff;
    --unknown-line: #999; --add: #fff; --remove: #fff; --add-ink: #000; --remove-ink: #000; }
  body { font-size: 10.5pt; } main, footer { max-width: none; padding: 0; } header { padding-top: 0; }
  section { margin-top: 1.75rem; } .next { border: 1px solid var(--line); }
  .totals { grid-template-columns: repeat(5, 1fr); gap: 1rem; }
  h2, h3 { break-after: avoid; } figure, .cause, tr, .next, .totals { break-inside: avoid; }
  .scroll { overflow: visible; } svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
]]
