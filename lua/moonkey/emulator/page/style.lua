-- The looks of the page, upon what all pages share.
return require("moonkey.looks") .. [[
body > header, main, footer { max-width: 80rem; margin: 0 auto; padding: 0 1.5rem; }
body > header { padding-top: 2.5rem; }
footer { margin-top: 3rem; padding-top: 1rem; padding-bottom: 3rem; color: var(--soft); font-size: .875rem; }
section { margin-top: 2.25rem; }
[hidden] { display: none; }
.live { display: flex; flex-wrap: wrap; align-items: center; gap: .75rem; font-size: .875rem; color: var(--soft);
  max-width: none; }
button, input, select { font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--soft);
  border-radius: 6px; padding: .25rem .75rem; min-height: 2rem; }
button { cursor: pointer; } button:hover { border-color: var(--ink); }
button[aria-pressed="true"] { background: var(--ink); color: var(--page); }
thead button { border: 0; background: none; padding: 0; min-height: 1.5rem; text-decoration: underline dotted;
  text-underline-offset: .25em; }
th[aria-sort="ascending"] button::after { content: " \2191"; } th[aria-sort="descending"] button::after { content: " \2193"; }
.totals { margin: .6rem 0 1.25rem; grid-template-columns: repeat(auto-fill, minmax(7rem, 1fr)); gap: 1rem; }
.finder { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1.25rem; font-size: .875rem; }
.finder label { display: flex; align-items: center; gap: .5rem; }
.tall { max-height: 32rem; overflow-y: auto; }
.tall thead th { position: sticky; top: 0; background: var(--page); }
#tokens { min-width: 44rem; } #requests { min-width: 52rem; }
tbody th { white-space: nowrap; } #faults th { white-space: normal; overflow-wrap: anywhere; }
#requests .target, .fault { overflow-wrap: anywhere; min-width: 12rem; } .time, td.id { white-space: nowrap; }
.target, .fault, .time { font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: .8125rem; }
.bad { color: var(--failed); font-weight: 650; } .off { color: var(--soft); }
@media (max-width: 40rem) { body > header, main, footer { padding-left: 1.125rem; padding-right: 1.125rem; } }
]]
