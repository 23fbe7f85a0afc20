package plot

// style holds all colours twice, for light and dark. They are written out
// rather than as variables, which many viewers of SVG do not know.
const style = `
svg{background:#fff}
text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums;fill:#59636e;white-space:pre}
.title{font-weight:650;fill:#1f2328}
.head{font-weight:600;fill:#1f2328}
.level{fill:#1f2328}
.limit{fill:#c21c28;paint-order:stroke;stroke:#fff;stroke-width:4px}
.paper{fill:#fff}
.grid{stroke:#e4e8ec;stroke-width:1}
.axis{stroke:#afb8c1;stroke-width:1}
.percentile{stroke:#59636e;stroke-width:1;stroke-dasharray:5 4}
.timeout{stroke:#d1242f;stroke-width:1.2}
.dots{fill:none;stroke:#0969da;stroke-width:5;stroke-linecap:round;stroke-opacity:.75}
.bars{fill:none;stroke:#a8cdf7;stroke-width:1.1}
.medians{fill:none;stroke:#0550ae;stroke-width:1.8;stroke-linejoin:round}
.misses{fill:none;stroke:#d1242f;stroke-width:2.4;stroke-linecap:round}
.memarea{fill:#8250df;fill-opacity:.14}
.memline{fill:none;stroke:#8250df;stroke-width:2;stroke-linejoin:round}
.okarea{fill:#1a7f37;fill-opacity:.45}
.failarea{fill:#d1242f;fill-opacity:.85}
.dot{fill:#0969da}.mid{fill:#0550ae}.range{fill:#a8cdf7}.miss{fill:#d1242f}.mem{fill:#8250df}.ok{fill:#1a7f37}
.narrow{display:none}
@media (max-width:640px){.wide{display:none}.narrow{display:inline}.dots{stroke-width:8}.misses{stroke-width:4}}
@media (prefers-color-scheme:dark){
svg{background:#0d1117}
text{fill:#9aa4af}
.title,.head,.level{fill:#e6edf3}
.limit{fill:#ff8a85;stroke:#0d1117}
.paper{fill:#0d1117}
.grid{stroke:#232a33}
.axis{stroke:#57606a}
.percentile{stroke:#9aa4af}
.timeout,.misses{stroke:#ff6b66}
.dots{stroke:#58a6ff}
.bars{stroke:#1d4572}
.medians{stroke:#a5d0ff}
.memarea{fill:#b78cff}.memline{stroke:#b78cff}
.okarea{fill:#3fb950}.failarea{fill:#ff6b66}
.dot{fill:#58a6ff}.mid{fill:#a5d0ff}.range{fill:#1d4572}.miss{fill:#ff6b66}.mem{fill:#b78cff}.ok{fill:#3fb950}
}
`
