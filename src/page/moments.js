// moments.js - what the metrics were some moments ago, {at, series, latencies} with `at` in ms: which of
// them are kept, and which is compared with.

import {since, sum} from './exposition.js';

const KEPT_MS = 300000;
const WINDOW_MS = 31000; // that a latency is taken over: half a minute, though looks come a little late

const started = ({series}) => sum(series, 'process_start_time_seconds');

// The moments to keep, and `now` at their end.  Counters of a process that was started anew, or of another
// one behind the same address, are no continuation.
export function keep(moments, now) {
    return [...moments.filter((moment) => started(moment) === started(now) &&
        now.at - moment.at <= KEPT_MS), now];
}

// What the latencies of the last moment are taken since: one of the last half minute, or null, the start,
// if nothing was asked in it.
export function recent(moments) {
    const now = moments.at(-1);
    const before = moments.find((moment) => now.at - moment.at <= WINDOW_MS);
    const count = since(now.latencies, before.latencies).at(-1)?.[1] ?? 0;
    return count === 0 ? {before: null, words: 'since the start'} :
        {before, words: `last ${Math.round((now.at - before.at) / 1000)} s`};
}
