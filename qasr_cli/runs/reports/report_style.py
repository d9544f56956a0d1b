"""How the page of a run's report looks.

The colours of the stages are Okabe and Ito's (2008), which people tell apart whatever their colour vision.
"""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1b; --paper: #fff; --soft: #f1f1ee; --line: #d6d6d0;
  --bad: #b3261e; --good: #1b6e3c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e4; --paper: #161616; --soft: #242424;
  --line: #3c3c3a; --bad: #ff8a80; --good: #7fd6a0; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; margin: .5rem 0; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; overflow-wrap: anywhere; }
p { margin: .3rem 0; overflow-wrap: anywhere; }
ul { list-style: none; margin: .5rem 0; padding: 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: .5rem; }
.tiles li { background: var(--soft); border-radius: .4rem; padding: .5rem .7rem; font-size: .85rem; }
.tiles b { display: block; font-size: 1.25rem; }
.failed, .not-reached { color: var(--bad); } .done { color: var(--good); }
dt { font-weight: bold; overflow-wrap: anywhere; } dd { margin: 0 0 .7rem; overflow-wrap: anywhere; }
.bars li { display: grid; grid-template-columns: 11rem 1fr 10rem; gap: .7rem; align-items: center;
  margin: .2rem 0; }
.bars span { overflow-wrap: anywhere; font-size: .9rem; }
.bars svg, .strip svg { width: 100%; height: 1.1rem; background: var(--soft); border-radius: .2rem; }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1rem; font-size: .85rem; }
.legend svg { width: .8rem; height: .8rem; margin-right: .35rem; }
.strip { display: flex; flex-wrap: wrap; justify-content: space-between; font-size: .8rem; }
.load { fill: #999; } .decode { fill: #0072b2; } .recognize { fill: #e69f00; } .align { fill: #009e73; }
.review { fill: #cc79a7; } .write { fill: #56b4e9; } .doubt { fill: #d55e00; } .uncovered { fill: #0072b2; }
details li { margin: .3rem 0; overflow-wrap: anywhere; } details li b { margin-right: .4rem; }
q { display: block; opacity: .8; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
td:nth-child(2) { min-width: 12rem; overflow-wrap: anywhere; } small { display: block; opacity: .8; }
pre { overflow-x: auto; background: var(--soft); padding: .7rem; font-size: .8rem; }
@media (max-width: 36rem) { .bars li { grid-template-columns: 1fr auto; }
  .bars svg { grid-column: 1 / 3; grid-row: 2; } .bars span:last-child { text-align: right; } }
"""
