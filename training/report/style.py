"""How the page looks: light and dark as the reader's system is, one column on a phone."""

STYLE = """
:root { color-scheme: light dark; --first: #1f6fd0; --second: #c8551b; --faint: #c9ccd3; --card: #f5f6f8;
  --ink: #1c1f24; --quiet: #5c6370; --ground: #ffffff; font: 16px/1.5 system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { :root { --first: #6aaefc; --second: #f09a63; --faint: #434852;
  --card: #22252b; --ink: #e8eaee; --quiet: #a2a9b5; --ground: #16181c; } }
* { box-sizing: border-box; }
body { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; background: var(--ground);
  color: var(--ink); }
h1 { margin: 0; font-size: 1.7rem; overflow-wrap: anywhere; }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.2rem; }
h3 { margin: 1.2rem 0 .3rem; font-size: 1rem; }
p { margin: .4rem 0; max-width: 46rem; }
.quiet { color: var(--quiet); font-size: .9rem; }
.warning { border-left: .3rem solid var(--second); padding-left: .8rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .8rem;
  margin: 1rem 0; }
.tile { background: var(--card); border-radius: .6rem; padding: .7rem .9rem; }
.tile b { display: block; font-size: 1.6rem; line-height: 1.2; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1rem; }
.charts svg { width: 100%; height: auto; display: block; }
svg text { font-family: inherit !important; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid var(--faint);
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
th { color: var(--quiet); font-weight: 600; font-size: .85rem; }
tr.chosen td { font-weight: 700; }
.confusion { border-collapse: separate; border-spacing: 2px; font-size: .85rem; }
.confusion td, .confusion th { padding: .2rem .4rem; border: 0; text-align: center; min-width: 2.2rem; }
.confusion td { --strength: calc(var(--share) * 100%); border-radius: .25rem;
  background: color-mix(in srgb, var(--of, var(--second)) var(--strength), var(--card)); }
.confusion td.right { --of: var(--first); }
.confusion td.strong { color: var(--ground); }
.confusion tr :first-child { position: sticky; left: 0; background: var(--ground); }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; margin-bottom: 1.2rem; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(6rem, 1fr)); gap: .5rem; }
.pair .pictures { grid-template-columns: repeat(auto-fill, minmax(4.2rem, 1fr)); }
@media (max-width: 30rem) { th, td { padding: .25rem .35rem; } }
figure { margin: 0; font-size: .8rem; overflow-wrap: anywhere; }
img { width: 100%; display: block; border-radius: .3rem; }
summary { cursor: pointer; color: var(--quiet); margin: .8rem 0; }
"""
