// live.js - the second tab: the running daemon, as its metrics have it, every two seconds.

import {metrics} from './call.js';
import {byId, draw, make} from './element.js';
import {buckets, parseMetrics, quantile, since, sum} from './exposition.js';
import {keep, recent} from './moments.js';
import {bytes, seconds, short, whole} from './numbers.js';

const PERIOD_MS = 2000;
const LINE_MIN = 15; // places for moments in a line, however few there are: half a minute
const DURATION = 'lossd_http_request_duration_seconds';

// What this page asks for itself would be all there is to see on a quiet daemon.
const isWork = ({route}) => route !== '/metrics' && route !== '/' && !route.startsWith('/page/');

let moments = [];
let timer = null, isPaused = false, isShown = false;

const gauge = (moment, name) => sum(moment.series, name);
const latency = (now, before, q) =>
    quantile(since(now.latencies, before?.latencies), q);

function rate(of, now, before) {
    if (before === undefined)
        return 0;
    return Math.max((of(now) - of(before)) / ((now.at - before.at) / 1000), 0);
}

const requests = (moment) => sum(moment.series, 'lossd_http_requests_total', isWork);
const errors = (moment) => sum(moment.series, 'lossd_errors_total');
const rows = (moment) => gauge(moment, 'lossd_rows_evaluated_total');

// The tiles: a figure, a note below it, and what is drawn over time.
const TILES = [
    {id: 'requests', title: 'Requests', of: (now, before) => rate(requests, now, before),
        text: (x) => `${short(x)} /s`, note: (now) => `${whole(requests(now))} answered in all`},
    {id: 'latency', title: 'Latency, median', of: (now, before) => latency(now, before, 0.5),
        figure: (now) => latency(now, recent(moments).before, 0.5), text: seconds,
        note: (now) => {
            const {before, words} = recent(moments);
            return `90 %: ${seconds(latency(now, before, 0.9))}, ` +
                `99 %: ${seconds(latency(now, before, 0.99))}, ${words}`;
        }},
    {id: 'errors', title: 'Errors', of: (now, before) => rate(errors, now, before),
        text: (x) => `${short(x)} /s`, note: (now) => `${whole(errors(now))} in all`},
    {id: 'rows', title: 'Positions', of: (now, before) => rate(rows, now, before),
        text: (x) => `${short(x)} /s`, note: (now) => `${whole(rows(now))} evaluated in all`},
    {id: 'queue', title: 'Queue', of: (now) => gauge(now, 'lossd_queue_jobs'), text: whole,
        note: (now) => `for ${whole(gauge(now, 'lossd_queue_jobs_max'))} places`},
    {id: 'workers', title: 'Workers busy', of: (now) => gauge(now, 'lossd_workers_busy'), text: whole,
        note: (now) => `of ${whole(gauge(now, 'lossd_workers'))}`},
    {id: 'bytes', title: 'Bytes in flight', of: (now) => gauge(now, 'lossd_in_flight_bytes'),
        text: bytes, note: (now) => `of ${bytes(gauge(now, 'lossd_memory_budget_bytes'))}`},
    {id: 'connections', title: 'Connections', of: (now) => gauge(now, 'lossd_connections'),
        text: whole, note: (now) => `requests in flight: ${whole(gauge(now, 'lossd_in_flight_requests'))}`},
];

function line(tile) {
    const numbers = moments.slice(1).map((now, i) => tile.of(now, moments[i]));
    const most = Math.max(...numbers.filter(Number.isFinite), Number.MIN_VALUE);
    const length = Math.max(numbers.length - 1, LINE_MIN);
    const points = numbers.map((number, i) => [i + length + 1 - numbers.length, number])
        .filter(([, number]) => Number.isFinite(number))
        .map(([x, number]) => `${x},${(34 - 30 * number / most).toFixed(1)}`);
    return draw('svg', {viewBox: `0 0 ${length} 36`, preserveAspectRatio: 'none', 'aria-hidden': 'true'},
        draw('line', {class: 'floor', x1: 0, x2: length, y1: 34, y2: 34}),
        points.length > 1 ? draw('polyline', {class: 'trace', points: points.join(' ')}) : null);
}

function fillTiles(now) {
    const before = moments.at(-2);
    for (const tile of TILES) {
        const figure = tile.figure !== undefined ? tile.figure(now) : tile.of(now, before);
        byId(`live-${tile.id}`).textContent = tile.text(figure);
        byId(`live-${tile.id}-note`).textContent = tile.note(now);
        byId(`live-${tile.id}-line`).replaceChildren(line(tile));
    }
}

const asRow = ([first, ...rest]) => make('tr', {}, make('th', {scope: 'row'}, first),
    rest.map((text) => make('td', {}, text)));

function routeRow(now, route) {
    const ofRoute = (labels) => labels.route === route;
    const spread = buckets(now.series, DURATION, ofRoute);
    return [route, whole(sum(now.series, 'lossd_http_requests_total', ofRoute)),
        seconds(quantile(spread, 0.5)), seconds(quantile(spread, 0.99))];
}

function fillTables(now) {
    const routes = [...new Set(now.series.filter(({name, value}) =>
        name === 'lossd_http_requests_total' && value > 0).map(({labels}) => labels.route))];
    const codes = now.series.filter(({name, value}) => name === 'lossd_errors_total' && value > 0);
    byId('live-routes').replaceChildren(...routes.map((route) => asRow(routeRow(now, route))));
    byId('live-codes').replaceChildren(...(codes.length === 0 ? [asRow(['none so far', '0'])] :
        codes.sort((a, b) => b.value - a.value)
            .map(({labels, value}) => asRow([labels.code, whole(value)]))));
}

function fillProcess(now) {
    const build = now.series.find(({name}) => name === 'lossd_build_info')?.labels ?? {};
    const age = Date.now() / 1000 - gauge(now, 'process_start_time_seconds');
    byId('live-process').replaceChildren(...[
        ['version', `${build.version} (${build.revision})`],
        ['state', gauge(now, 'lossd_draining') ? 'draining' : 'serving'],
        ['up for', age < 120 ? `${Math.round(age)} s` : age < 7200 ? `${Math.round(age / 60)} min` :
            `${short(age / 3600)} h`],
        ['CPU time', seconds(gauge(now, 'process_cpu_seconds_total'))],
        ['memory', bytes(gauge(now, 'process_resident_memory_bytes'))],
        ['descriptors', `${whole(gauge(now, 'process_open_fds'))} of ${
            whole(gauge(now, 'process_max_fds'))}`],
        ['threads', whole(gauge(now, 'process_threads'))],
    ].map(asRow));
}

async function look() {
    timer = null;
    try {
        const series = parseMetrics(await metrics());
        const now = {at: performance.now(), series, latencies: buckets(series, DURATION, isWork)};
        moments = keep(moments, now);
        fillTiles(now);
        fillTables(now);
        fillProcess(now);
        byId('live-state').textContent = '';
    } catch (refusal) {
        byId('live-state').textContent = refusal.status === 404 ?
            'The metrics of this daemon are at an address of their own.' : refusal.message;
    }
    plan(PERIOD_MS);
}

// The next look, if there is somebody to see it.
function plan(ms) {
    clearTimeout(timer);
    timer = isShown && !isPaused && !document.hidden ? setTimeout(look, ms) : null;
}

export function showLive(wanted) {
    isShown = wanted;
    plan(0);
}

export function startLive() {
    byId('tiles').append(...TILES.map(({id, title}) => make('section', {class: 'panel tile'},
        make('h3', {}, title), make('p', {class: 'big', id: `live-${id}`}, '–'),
        make('div', {class: 'line', id: `live-${id}-line`}),
        make('p', {class: 'note', id: `live-${id}-note`}, '\u00a0'))));
    byId('pause').addEventListener('click', ({currentTarget: button}) => {
        isPaused = !isPaused;
        button.setAttribute('aria-pressed', String(isPaused));
        plan(0);
    });
    document.addEventListener('visibilitychange', () => plan(0));
}
