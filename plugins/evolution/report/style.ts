/**
 * Style: the page's style sheet, for light and dark, wide and narrow, screen and paper.
 *
 * Invariant: nothing is fetched; every colour is a variable, so charts and text change together.
 *
 * @module
 */

/** The style sheet. */
export const STYLE: string = `
:root{color-scheme:light dark;--ground:#f4f5f7;--paper:#fff;--ink:#1a1f26;--soft:#5a6572;--line:#dde1e7;--accent:#0b5cad;
--good:#0f7a4b;--bad:#b3261e;--s0:#0b5cad;--s1:#c2571a;--s2:#0f7a4b;--s3:#8a3f8f;--mark:#c2571a;--shade:11,92,173;
--off:179,38,30;--edge:rgba(0,0,0,.22)}
@media (prefers-color-scheme:dark){:root{--ground:#0f1216;--paper:#171b21;--ink:#e7eaee;--soft:#9ba6b3;--line:#2c343d;
--accent:#7ab8ff;--good:#5ecb96;--bad:#ff8f85;--s0:#6cb0ff;--s1:#f0975c;--s2:#5ecb96;--s3:#d79bdc;--mark:#f0975c;
--shade:108,176,255;
--off:255,120,110;--edge:rgba(255,255,255,.25)}}
*{box-sizing:border-box}
html{scroll-behavior:smooth}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
.wrap{max-width:1080px;margin:0 auto;padding:0 20px 48px}
a{color:var(--accent)}
a:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.skip{position:absolute;left:-999px}.skip:focus{left:12px;top:12px;background:var(--paper);padding:8px 12px;z-index:1}
header{padding:36px 0 8px}
h1{font-size:clamp(1.5rem,4vw,2.1rem);line-height:1.2;margin:0 0 8px;letter-spacing:-.01em;text-wrap:balance}
h2{font-size:1.25rem;margin:0 0 4px}
h3{font-size:1rem;margin:20px 0 6px}
.lead{color:var(--soft);margin:0 0 18px;max-width:70ch}
.soft{color:var(--soft)}
nav ol{list-style:none;display:flex;flex-wrap:wrap;gap:4px 16px;margin:12px 0 20px;padding:0;font-size:.9rem}
section{background:var(--paper);border:1px solid var(--line);border-radius:10px;padding:20px 22px;margin:0 0 18px}
.keys{display:grid;grid-template-columns:repeat(auto-fit,minmax(154px,1fr));gap:10px;margin:0 0 18px;padding:0}
.keys div{background:var(--paper);border:1px solid var(--line);border-radius:10px;padding:12px 14px}
.keys dt{font-size:.82rem;color:var(--soft)}

.keys dd{margin:2px 0 0;font-size:1.32rem;white-space:nowrap;
font-weight:650;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.keys .note{white-space:normal;font-size:.8rem;font-weight:400;letter-spacing:0;color:var(--soft);display:block}
.beside{display:flex;flex-wrap:wrap;gap:0 36px;align-items:flex-start}.beside>:last-child{flex:1 1 240px}
.beside h3{margin-top:8px}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:18px 26px;align-items:start}
figure{margin:12px 0 0;min-width:0}
figcaption{font-size:.92rem;margin-bottom:4px}
.chart{display:block;width:100%;height:auto;max-width:560px}
.chart text{font-size:12px;fill:var(--soft)}
.chart .axis{fill:var(--ink)}
.grid{stroke:var(--line);stroke-width:1}
.line{fill:none;stroke-width:2;stroke-linejoin:round}
.edge{fill:none;stroke:var(--s0);stroke-width:1.5;stroke-opacity:.6}
.ideal{stroke:var(--soft);stroke-width:1.5;stroke-dasharray:5 4;fill:none}
.beaten{fill:var(--soft);fill-opacity:.55}
.on-front{fill:var(--s0)}
.chosen{fill:var(--mark);stroke:var(--paper);stroke-width:2}
.line.s0{stroke:var(--s0)}.line.s1{stroke:var(--s1)}.line.s2{stroke:var(--s2)}.line.s3{stroke:var(--s3)}
.point.s0,.bar.s0{fill:var(--s0)}.point.s1{fill:var(--s1)}.point.s2{fill:var(--s2)}.point.s3{fill:var(--s3)}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:2px 16px;margin:2px 0 0;padding:0 0 0 10px;font-size:.85rem}
.legend li{display:flex;align-items:center;gap:6px}
.key{width:12px;height:12px;border-radius:50%;display:inline-block;background:var(--s0)}
.key.s1{background:var(--s1)}.key.s2{background:var(--s2)}.key.s3{background:var(--s3)}
.key.beaten{background:var(--soft);opacity:.6}.key.chosen{background:var(--mark)}
.key.ideal{height:0;border-radius:0;border-top:2px dashed var(--soft);background:none;width:18px}
.scroll{overflow-x:auto;margin:8px 0 0;
background:linear-gradient(90deg,var(--paper) 40%,transparent) 0 0/28px 100% no-repeat local,
linear-gradient(270deg,var(--paper) 40%,transparent) 100% 0/28px 100% no-repeat local,
linear-gradient(90deg,var(--edge),transparent) 0 0/10px 100% no-repeat scroll,
linear-gradient(270deg,var(--edge),transparent) 100% 0/10px 100% no-repeat scroll}
table{border-collapse:collapse;font-size:.88rem;width:100%}
th,td{text-align:left;padding:6px 10px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}
thead th{color:var(--soft);font-weight:600;white-space:nowrap}
td.num,th.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tr.chosen-row td,tr.chosen-row th{background:rgba(var(--shade),.1)}
code,pre,.mono{font-family:ui-monospace,"Cascadia Mono",Menlo,Consolas,monospace;font-size:.86em}
code{overflow-wrap:anywhere}code[title],.nowrap{white-space:nowrap}
pre{background:var(--ground);border:1px solid var(--line);border-radius:8px;padding:12px 14px;margin:8px 0;overflow-x:auto;
white-space:pre-wrap;overflow-wrap:anywhere}
.hex td:first-child{white-space:nowrap}.hex td.bytes{min-width:8em;overflow-wrap:break-word}
.tag{display:inline-block;border:1px solid currentColor;border-radius:99px;padding:0 8px;font-size:.78rem;white-space:nowrap}
.good{color:var(--good)}.bad{color:var(--bad)}.marked{color:var(--mark)}
.confusion{width:auto}
.confusion th,.confusion td{padding:0;border:1px solid var(--paper);text-align:center;min-width:34px;height:30px;
vertical-align:middle;font-variant-numeric:tabular-nums}
.confusion th{color:var(--soft);font-weight:600;padding:0 6px;max-width:9em;overflow:hidden;text-overflow:ellipsis;
white-space:nowrap}
.confusion td{background:rgba(var(--shade),calc(var(--share)*.75));}
.confusion td.off{background:rgba(var(--off),calc(var(--share)*4 + .16))}
.confusion td.full{color:#fff}
.misread{display:grid;grid-template-columns:repeat(auto-fill,minmax(104px,1fr));gap:12px;list-style:none;padding:0;
margin:12px 0 0}
.misread li{border:1px solid var(--line);border-radius:8px;padding:8px;font-size:.82rem;line-height:1.35}
.misread img{width:100%;max-width:88px;aspect-ratio:1;height:auto;image-rendering:pixelated;display:block;margin:0 auto 6px;
border-radius:4px;background:#000}
.steps{list-style:none;margin:10px 0 0;padding:0}
.steps li{display:grid;grid-template-columns:7.5em 1fr;gap:2px 14px;padding:8px 0;border-bottom:1px solid var(--line)}
.steps .work{grid-column:2;font-size:.84rem;color:var(--soft)}
.bar-track{display:inline-block;width:90px;height:7px;border-radius:4px;background:var(--line);vertical-align:middle;
margin-right:8px;overflow:hidden}
.bar-track span{display:block;height:100%;background:var(--s0)}
details{margin-top:10px}
summary{cursor:pointer;color:var(--accent);width:fit-content}
dl.pairs{display:grid;grid-template-columns:minmax(8em,max-content) 1fr;gap:4px 16px;margin:10px 0;font-size:.92rem}
dl.pairs dt{color:var(--soft)}dl.pairs dd{margin:0;overflow-wrap:anywhere;min-width:0}
.trail{list-style:none;padding:0;margin:10px 0;border-left:3px solid var(--line)}
.trail li{padding:4px 0 10px 16px;position:relative}
.trail li::before{content:"";position:absolute;left:-8px;top:11px;width:13px;height:13px;border-radius:50%;
background:var(--s0);border:3px solid var(--paper)}
@media (max-width:560px){.wrap{padding:0 12px 32px}section{padding:16px 14px}.steps li{grid-template-columns:1fr}
.steps .work{grid-column:1}dl.pairs{grid-template-columns:1fr;gap:0}dl.pairs dd{margin-bottom:8px}.keys dd{font-size:1.25rem}
.keys{grid-template-columns:1fr 1fr}.confusion th,.confusion td{min-width:24px;height:26px;font-size:.74rem}
.confusion th{padding:0 1px}.chart text{font-size:15px}
.cards thead{position:absolute;left:-9999px}.cards tr{display:block;padding:8px 0;border-bottom:1px solid var(--line)}
.cards td,.cards td.num{display:grid;grid-template-columns:6.5em minmax(0,1fr);gap:0 10px;border:0;padding:2px 0;
text-align:left;white-space:normal}.cards td::before{content:attr(data-label);color:var(--soft)}
.cards td>*{grid-column:2}.cards td:empty{display:none}.cards tr.chosen-row{padding-left:8px}}
@media print{body{background:#fff}section{break-inside:avoid;border:0;padding:8px 0}nav,.skip{display:none}
details:not([open])>*{display:block}}
`;
