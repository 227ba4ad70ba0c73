/**
 * The style sheet. Blue and orange carry the meaning, because readers with any kind of colour blindness tell them
 * apart; lines also differ in their dashes.
 */
export const reportStyle = `
:root {
  color-scheme: light dark;
  --page: #fcfcfb; --panel: #f4f4f2; --text: #1b1f26; --soft: #59616d; --line: #dfe1e4; --grid: #ebecee;
  --blue: #1f5fbf; --orange: #c4570a; --s2: #0b7a75; --s3: #7b4bb8; --s4: #8a6d00; --s5: #59616d; --on: #fff;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #14171c; --panel: #1c2027; --text: #e8ebef; --soft: #9aa4b1; --line: #343b45; --grid: #272d36;
    --blue: #6aa5f8; --orange: #f39a56; --s2: #4fc4b5; --s3: #bd9bf5; --s4: #d8bd55; --s5: #9aa4b1; --on: #10131a;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 48px 28px 64px; max-width: 1120px; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
h1 { margin: 0 0 6px; font-size: 34px; line-height: 1.15; letter-spacing: -.015em; font-weight: 680; }
h2 { margin: 0 0 14px; font-size: 20px; letter-spacing: -.005em; font-weight: 650; }
section { margin-top: 52px; padding-top: 22px; border-top: 1px solid var(--line); }
.kicker { margin: 0 0 10px; color: var(--blue); font-size: 13px; font-weight: 600; }
p.facts { margin: 0; color: var(--soft); }
p.facts span + span::before { content: "·"; margin: 0 .55em; }
.lead { margin: 22px 0 0; max-width: 46em; font-size: 17px; }
.note { color: var(--soft); font-size: 13px; }
p.note { margin: -8px 0 16px; }
i { font-style: normal; }
.tiles {
  display: grid; grid-template-columns: repeat(4, 1fr); margin: 30px 0 0; gap: 1px;
  background: var(--line); border: 1px solid var(--line); border-radius: 10px; overflow: hidden;
}
.tiles > div { padding: 16px 18px 14px; background: var(--page); }
.tiles dt { color: var(--soft); font-size: 13px; }
.tiles dd { margin: 0; font-size: 29px; line-height: 1.25; font-weight: 640; letter-spacing: -.01em; }
.tiles dd small { font-size: 15px; font-weight: 500; color: var(--soft); letter-spacing: 0; }
.tiles dd.note { margin-top: 2px; font-size: 13px; font-weight: 400; letter-spacing: 0; }
.charts { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 30px 36px; }
figure { margin: 0; }
.chart { display: grid; grid-row: span 2; grid-template-rows: subgrid; row-gap: 6px; }
figcaption b { display: block; font-weight: 620; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: 13px; color: var(--soft); }
.legend i { color: var(--text); }
.key { width: 24px; height: 8px; vertical-align: 1px; margin-right: 6px; }
.chart > svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--text); font-size: 12px; font-family: inherit; }
svg .tick { fill: var(--soft); }
svg .end { text-anchor: end; }
svg .middle { text-anchor: middle; }
.grid { stroke: var(--grid); fill: none; }
.axis { stroke: var(--soft); stroke-opacity: .6; }
.best { stroke: var(--text); stroke-opacity: .55; stroke-dasharray: 3 3; }
svg .best-label { fill: var(--text); }
.hit { fill: transparent; }
.hit:hover { fill: var(--text); fill-opacity: .05; }
:is(.s0, .s1, .s2, .s3, .s4, .s5) path { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.s0, .s1, .s2, .s3, .s4, .s5 { fill: currentColor; }
.s0 { color: var(--blue); } .s1 { color: var(--orange); } .s2 { color: var(--s2); }
.s3 { color: var(--s3); } .s4 { color: var(--s4); } .s5 { color: var(--s5); }
.s2 path { stroke-dasharray: 7 4; } .s3 path { stroke-dasharray: 1.5 4; } .s4 path { stroke-dasharray: 9 3 2 3; } .s5 path { stroke-dasharray: 4 3; }
.right { fill: var(--blue); } .wrong { fill: var(--orange); }
.confusions { display: flex; flex-wrap: wrap; gap: 28px 44px; align-items: flex-start; }
.confusions > .scroll { max-width: 100%; }
.confusions > table { flex: 1 1 320px; }
.scroll { overflow-x: auto; }
.scroll.tall { max-height: 720px; overflow-y: auto; border: 1px solid var(--line); border-radius: 10px; }
.heat { display: block; max-width: none; height: auto; }
.heat .frame { fill: none; stroke: var(--line); }
.heat g text { font-size: 12px; fill: var(--text); pointer-events: none; }
.heat g text.on { fill: var(--on); }
.heat .name { font-size: 12px; }
.scales { display: inline-flex; gap: 14px; margin-left: 10px; }
.scale { width: 56px; height: 10px; vertical-align: -1px; margin-right: 3px; }
table { border-collapse: collapse; font-size: 14px; }
caption { text-align: left; font-weight: 620; padding-bottom: 6px; }
th { font-weight: 400; text-align: left; }
thead th { color: var(--soft); font-size: 13px; vertical-align: bottom; }
th, td { padding: 5px 14px 5px 0; border-bottom: 1px solid var(--grid); vertical-align: middle; }
th:last-child, td:last-child { padding-right: 0; }
.number { text-align: right; white-space: nowrap; }
.list, .classes { width: 100%; }
.arrow { color: var(--soft); }
td.meter { white-space: nowrap; }
td.meter span { display: inline-block; min-width: 3.1em; text-align: right; }
.bar { width: calc(100% - 4.2em); height: 8px; margin-right: .5em; border-radius: 3px; overflow: hidden; }
.list td.meter { width: 40%; }
.classes { min-width: 640px; }
.classes td.meter { width: 21%; }
.track { fill: var(--grid); }
rect.recall { fill: var(--blue); } rect.precision { fill: var(--s2); }
.tall .classes th:first-child { padding-left: 14px; }
.tall .classes th:last-child, .tall .classes td:last-child { padding-right: 14px; }
.tall thead th { position: sticky; top: 0; background: var(--page); padding-top: 10px; box-shadow: 0 1px 0 var(--line); }
.sorts { cursor: pointer; }
.sorts:hover { color: var(--text); }
.sorts[aria-sort]::after { content: " ↑"; }
.sorts[aria-sort=descending]::after { content: " ↓"; }
.mistakes { display: grid; grid-template-columns: repeat(auto-fill, minmax(185px, 1fr)); gap: 22px 20px; margin: 0; padding: 0; list-style: none; }
.mistakes li { min-width: 0; font-size: 13px; line-height: 1.4; }
.mistakes img, .no-picture { display: flex; width: 100%; aspect-ratio: 4 / 3; object-fit: contain; background: var(--panel); border-radius: 8px; margin-bottom: 6px; }
.no-picture { align-items: center; justify-content: center; color: var(--soft); }
.said { display: grid; grid-template-columns: 2.7em 1fr auto; column-gap: 2px; }
.said small, .said i { color: var(--soft); font-size: 13px; white-space: nowrap; }
.said bdi { overflow-wrap: break-word; min-width: 0; }
.said.wrong-name bdi { color: var(--orange); }
.source { display: block; color: var(--soft); font-size: 12px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.fact-tables { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 28px 44px; align-items: start; }
table.facts { width: 100%; }
table.facts th { color: var(--soft); width: 42%; vertical-align: top; }
table.facts td { vertical-align: top; }
.settings { columns: 2 340px; column-gap: 44px; }
.settings table, .settings tbody { display: block; }
.settings tr { display: flex; break-inside: avoid; border-bottom: 1px solid var(--grid); }
.settings tr > * { border: 0; flex: 1; }
footer { margin-top: 56px; padding-top: 16px; border-top: 1px solid var(--line); color: var(--soft); font-size: 13px; }
@media (max-width: 760px) {
  body { padding: 28px 16px 40px; }
  h1 { font-size: 27px; }
  .tiles { grid-template-columns: repeat(2, 1fr); }
  .charts { grid-template-columns: minmax(0, 1fr); }
}
@media print {
  @page { margin: 14mm; }
  body { padding: 0; max-width: none; font-size: 11px; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  section { margin-top: 26px; }
  h2 { break-after: avoid; }
  figure, tr, .mistakes li, .tiles { break-inside: avoid; }
  .scroll, .scroll.tall { max-height: none; overflow: visible; border: 0; }
  .tall thead th { position: static; }
  .heat { max-width: 100%; }
  .mistakes { grid-template-columns: repeat(6, 1fr); }
}
`;
