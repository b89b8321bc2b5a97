"""The style of a report's page, for light, dark, telephone and paper.

The colours are Okabe and Ito's, told apart by nearly everyone (https://jfly.uni-koeln.de/color/),
lighter in the dark; text has a contrast of at least 4.5 to 1 on its ground.
"""

STYLE = """\
:root { color-scheme: light dark; --ink: #1a1a1a; --quiet: #595959; --ground: #ffffff;
  --panel: #f5f5f3; --rule: #dddddd; --one: #0072b2; --two: #d55e00; --other: #9aa5ad; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --quiet: #a8a8a8; --ground: #141414;
  --panel: #1e1e1e; --rule: #3a3a3a; --one: #56b4e9; --two: #f0954b; --other: #6d7880; } }
@media print { :root { --ink: #000; --quiet: #444; --ground: #fff; --panel: #fff; --rule: #ccc;
  --one: #0072b2; --two: #d55e00; --other: #9aa5ad; } }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--ink);
  background: var(--ground); }
main { max-width: 66rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; display: grid;
  gap: 0 3rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
main > * { min-width: 0; }
header, .whole { grid-column: 1 / -1; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0; overflow-wrap: anywhere; }
h1 span { font-weight: normal; color: var(--quiet); }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .8rem; padding-top: .8rem;
  border-top: 1px solid var(--rule); }
.key { margin: .4rem 0 0; color: var(--quiet); }
.key b { font-size: 2.2rem; color: var(--ink); font-variant-numeric: tabular-nums; }
.key small { font-size: 1.1rem; }
.figures { display: grid; gap: 1.5rem 3rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
figure { margin: 0; break-inside: avoid; max-width: 34rem; }
figcaption { color: var(--quiet); font-size: .9rem; margin-top: .5rem; }
svg { display: block; width: 100%; height: auto; font: 12px system-ui, sans-serif; }
svg text { fill: var(--ink); }
svg .quiet { fill: var(--quiet); font-size: 11px; }
svg .tiny { fill: var(--quiet); font-size: 9px; }
svg .figures { font-variant-numeric: tabular-nums; }
svg .strong { font-weight: bold; }
svg .rule { stroke: var(--rule); }
svg .axis { stroke: var(--quiet); }
svg .bar { stroke: var(--ink); stroke-width: 1.5; }
svg .ideal { stroke: var(--quiet); stroke-dasharray: 5 4; }
svg .one { fill: var(--one); }
svg .two { fill: var(--two); }
svg .other { fill: var(--other); }
svg .curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
svg .curve.one { stroke: var(--one); }
svg .curve.two { stroke: var(--two); }
svg .curve.thin { stroke-width: 1.2; stroke-opacity: .75; }
svg .point { fill: var(--one); fill-opacity: .35; }
svg .point.few { fill-opacity: .7; }
svg .cell { stroke: var(--ground); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.2rem;
  margin: .8rem 0 1rem;  align-content: start; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem 1.2rem .3rem 0;
  border-bottom: 1px solid var(--rule); }
tbody th { font-weight: 600; }
thead th { color: var(--quiet); font-weight: normal; white-space: nowrap; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
td:last-child { overflow-wrap: anywhere; min-width: 12rem; }
pre { margin: .6rem 0; background: var(--panel); border: 1px solid var(--rule); border-radius: 4px;
  padding: .8rem 1rem; font-size: .88rem; line-height: 1.45; white-space: pre-wrap;
  overflow-wrap: anywhere; }
@media (max-width: 34rem) { th, td { padding-right: .8rem; } table { font-size: .85rem; }
  td:last-child { min-width: 9rem; } }
@media print { main { max-width: none; padding: 0; gap: 0 2rem;
  grid-template-columns: 1fr 1fr; } section { break-inside: avoid; }
  .whole { break-inside: auto; } }
"""
