// exposition.js - Prometheus text as series, and quantiles of its histograms.

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

// [{name, labels, value}] of a text.
export function parseMetrics(text) {
    const series = [];
    for (const line of text.split('\n')) {
        const match = LINE.exec(line);
        if (match === null)
            continue;
        const labels = {};
        for (const [, name, value] of (match[2] ?? '').matchAll(LABEL))
            labels[name] = value;
        series.push({name: match[1], labels, value: Number(match[3].replace('Inf', 'Infinity'))});
    }
    return series;
}

// The sum of the series of a name whose labels pass.
export function sum(series, name, passes = () => true) {
    let all = 0;
    for (const one of series) {
        if (one.name === name && passes(one.labels))
            all += one.value;
    }
    return all;
}

// The cumulative buckets of a histogram, over all series that pass: [[bound, count]], rising.
export function buckets(series, name, passes = () => true) {
    const counts = new Map();
    for (const one of series) {
        if (one.name !== `${name}_bucket` || !passes(one.labels))
            continue;
        const bound = Number(one.labels.le.replace('+Inf', 'Infinity'));
        counts.set(bound, (counts.get(bound) ?? 0) + one.value);
    }
    return [...counts].sort((a, b) => a[0] - b[0]);
}

// What came in between two moments.
export function since(now, before) {
    return now.map(([bound, count], i) => [bound, count - (before?.[i]?.[1] ?? 0)]);
}

// A quantile as Prometheus estimates it: evenly spread within a bucket; of the last one, its lower
// bound.  NaN if there is nothing.
export function quantile(cumulative, q) {
    const total = cumulative.at(-1)?.[1] ?? 0;
    if (total === 0)
        return NaN;
    const rank = q * total;
    const i = cumulative.findIndex(([, count]) => count >= rank);
    const [low, below] = i > 0 ? cumulative[i - 1] : [0, 0];
    const [high, count] = cumulative[i];
    return high === Infinity ? low : low + (high - low) * (rank - below) / (count - below);
}
