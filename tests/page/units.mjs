// units.mjs - what the page's modules compute where no browser is needed, against values worked out by
// hand or given by a standard.
//
//     make check-page-units

import assert from 'node:assert/strict';

import {batchOfBytes, batchOfText, cut} from '../../src/page/batch.js';
import {buckets, parseMetrics, quantile, since, sum} from '../../src/page/exposition.js';
import {locate, parse} from '../../src/page/json.js';
import {keep, recent} from '../../src/page/moments.js';
import {between, bytes, largest, seconds, share, short, value, whole} from '../../src/page/numbers.js';
import {readSafetensors} from '../../src/page/safetensors.js';

// ---- numbers.js ---------------------------------------------------------------------------------

function numbersAreShort() {
    for (const [number, digits, want] of [
        [0, 3, '0'],
        [1, 3, '1'],
        [0.99999, 3, '1.00'],
        [12.345, 3, '12.3'],
        [-2.5, 3, '−2.5'],
        [0.001, 3, '0.001'],
        [0.0009995, 3, '1.0e−3'],
        [0.00012346, 5, '1.235e−4'],
        [99.96, 3, '100'],
        [999.7, 3, '1000'],
        [1000, 3, '1000'],
        [1234.5, 3, '1235'],
        [-1234.4, 3, '−1234'],
        [47000.3, 3, '47000'],
        [1234.56, 5, '1234.6'],
        [47000.3, 5, '47000'],
        [123456.789, 8, '123456.79'],
        [999999, 3, '999999'],
        [1e6, 3, '1.0e6'],
        [NaN, 3, 'NaN'],
        [Infinity, 3, '∞'],
        [-Infinity, 3, '−∞'],
    ])
        assert.equal(short(number, digits), want, `short(${number}, ${digits})`);
}

function numbersHaveUnits() {
    for (const [write, number, want] of [
        [bytes, 0, '0 B'],
        [bytes, 1023, '1023 B'],
        [bytes, 1024, '1 KiB'],
        [bytes, 1536, '1.5 KiB'],
        [bytes, 1023 * 1024, '1023 KiB'],
        [bytes, 1024 ** 2, '1 MiB'],
        [bytes, 2048 * 1024 ** 4, '2048 TiB'],
        [seconds, 0.0000005, '0.5 µs'],
        [seconds, 0.0123, '12.3 ms'],
        [seconds, 1.5, '1.5 s'],
        [seconds, 4000.4, '4000 s'],
        [seconds, NaN, '–'],
        [share, 0.98765, '98.8 %'],
        [share, NaN, '–'],
        [whole, 1234567, '1\u202f234\u202f567'],
        [value, 'NaN', NaN],
        [value, '-Infinity', -Infinity],
        [value, 2.5, 2.5],
    ])
        assert.equal(write(number), want, `${write.name}(${number})`);
}

function numbersLieBetween() {
    for (const [number, low, high, want] of [
        [3, 2, 6, 0.25], [1, 2, 6, 0], [7, 2, 6, 1], [NaN, 2, 6, 0], [2, 2, 2, 0], [-Infinity, 2, 6, 0],
    ])
        assert.equal(between(number, low, high), want, `between(${number}, ${low}, ${high})`);
    assert.equal(largest([3, 9, 4], 1), 9);
    assert.equal(largest([], 1), 1);
    assert.equal(largest(new Array(400 ** 2).fill(2), 1), 2); // too many for arguments
}

// ---- exposition.js, moments.js ------------------------------------------------------------------

const METRICS = `# HELP asked_total Requests.
# TYPE asked_total counter
asked_total{route="/a",status="200"} 3
asked_total{route="/b \\"{c}\\"",status="200"} 4
up 1
least -Inf
wait_seconds_bucket{route="/a",le="0.5"} 3
wait_seconds_bucket{route="/a",le="0.125"} 0
wait_seconds_bucket{route="/a",le="+Inf"} 4
wait_seconds_bucket{route="/b",le="0.125"} 1
wait_seconds_bucket{route="/b",le="0.5"} 1
wait_seconds_bucket{route="/b",le="+Inf"} 1
`;

function metricsAreRead() {
    const series = parseMetrics(METRICS);
    assert.equal(series.length, 10);
    assert.deepEqual(series[0], {name: 'asked_total', labels: {route: '/a', status: '200'}, value: 3});
    assert.equal(series[3].value, -Infinity);
    assert.equal(sum(series, 'asked_total'), 7);
    assert.equal(sum(series, 'asked_total', ({route}) => route === '/a'), 3);
    assert.equal(sum(series, 'asked'), 0);
    assert.deepEqual(buckets(series, 'wait_seconds'), [[0.125, 1], [0.5, 4], [Infinity, 5]]);
    assert.deepEqual(buckets(series, 'wait_seconds', ({route}) => route === '/a'),
        [[0.125, 0], [0.5, 3], [Infinity, 4]]);
    assert.deepEqual(since([[1, 5], [Infinity, 9]], [[1, 2], [Infinity, 3]]), [[1, 3], [Infinity, 6]]);
    assert.deepEqual(since([[1, 5]], undefined), [[1, 5]]);
}

function quantilesAreEstimated() {
    const cumulative = [[0.125, 0], [0.25, 10], [0.5, 30], [Infinity, 40]];
    for (const [counts, q, want] of [
        [cumulative, 0.125, 0.1875],
        [cumulative, 0.25, 0.25],
        [cumulative, 0.5, 0.375],
        [cumulative, 0.75, 0.5],
        [cumulative, 0.99, 0.5], // nothing is known of what is above
        [[[2, 4], [Infinity, 4]], 0.5, 1],
        [[[2, 0], [Infinity, 0]], 0.5, NaN],
        [[], 0.5, NaN],
    ])
        assert.equal(quantile(counts, q), want, `quantile(${JSON.stringify(counts)}, ${q})`);
}

// At so many seconds, of a process that was started then, after so many requests.
const moment = (at, started, count) => ({at: at * 1000, latencies: [[1, count], [Infinity, count]],
    series: [{name: 'process_start_time_seconds', labels: {}, value: started}]});

function momentsAreKept() {
    for (const [name, was, now, want] of [
        ['the first', [], [0, 5, 0], []],
        ['one more', [[0, 5, 0], [2, 5, 1]], [4, 5, 1], [0, 2]],
        ['started anew', [[0, 5, 7], [2, 5, 8]], [4, 6, 0], []],
        ['another, that is older', [[0, 5, 7]], [2, 4, 900], []],
        ['five minutes', [[0, 5, 0], [2, 5, 1]], [302, 5, 1], [2]],
        ['after an hour', [[0, 5, 0], [2, 5, 1]], [3600, 5, 9], []],
    ]) {
        const kept = keep(was.map((one) => moment(...one)), moment(...now));
        assert.deepEqual(kept.map(({at}) => at / 1000), [...want, now[0]], name);
    }
}

function latenciesAreRecent() {
    for (const [name, moments, before, words] of [
        ['the first', [[0, 5, 7]], null, 'since the start'],
        ['quiet', [[0, 5, 7], [2, 5, 7]], null, 'since the start'],
        ['busy', [[0, 5, 7], [2, 5, 8]], 0, 'last 2 s'],
        ['half a minute', [[0, 5, 1], [10, 5, 2], [20, 5, 3], [40.1, 5, 4]], 10, 'last 30 s'],
        ['after a pause', [[0, 5, 1], [2, 5, 2], [200, 5, 3]], null, 'since the start'],
        ['and then', [[0, 5, 1], [200, 5, 3], [202, 5, 4]], 200, 'last 2 s'],
    ]) {
        const got = recent(moments.map((one) => moment(...one)));
        assert.equal(got.before === null ? null : got.before.at / 1000, before, name);
        assert.equal(got.words, words, name);
    }
}

// ---- json.js ------------------------------------------------------------------------------------

function jsonIsRead() {
    for (const [text, want] of [
        ['{"a": [1, 2.5e1, null]}', {a: [1, 25, null]}],
        ['[NaN, Infinity, -Infinity]', ['NaN', 'Infinity', '-Infinity']],
        ['["a NaN, \\" Infinity", NaN]', ['a NaN, " Infinity', 'NaN']],
    ])
        assert.deepEqual(parse(text), want, text);
    for (const text of ['', '[1 2]', '[NaN 1]', '[-NaNs]', '\ufeff[]'])
        assert.throws(() => parse(text), SyntaxError, text);
}

function placesAreFound() {
    for (const [text, where, want] of [
        ['{"a": [1, [2, 3]]}', '/a/1', '[2, 3]'],
        ['{"a": [1, [2, 3]]}', '/a/1/0', '2'],
        ['{"a": [1, [2, 3]]}', '/a/2', null],
        ['{"a": 1}', '/a', '"a": 1'],
        ['{"b": "]}", "a/b~c": {}}', '/a~1b~0c', '"a/b~c": {}'],
        ['{"\\u0061": [true]}', '/a/0', 'true'],
        ['["é", x]', '7', 'x'],     // bytes: é has two
        ['["😀", x]', '9', 'x'],    // and this one four, but two places of the text
        ['[1', '2', ''],
        ['[1]', '', null],
        ['[1]', null, null],
    ]) {
        const place = locate(text, where);
        assert.equal(place === null ? null : text.slice(...place), want, `${where} of ${text}`);
    }
}

// ---- safetensors.js -----------------------------------------------------------------------------

// A file of one tensor, whose bytes are given in hexadecimal digits as they lie there.
function fileOf(dtype, shape, hex, metadata = {}) {
    const data = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    const header = Buffer.from(JSON.stringify({__metadata__: metadata,
        x: {dtype, shape, data_offsets: [0, data.length]}}));
    const length = Buffer.alloc(8);
    length.writeUInt32LE(header.length);
    return new Uint8Array(Buffer.concat([length, header, data])).buffer;
}

function dtypesAreRead() {
    for (const [dtype, hex, want] of [
        ['F64', '000000000000f83f 000000000000f07f', [1.5, Infinity]],
        ['F32', '0000c0bf 01000000 0000c07f', [-1.5, 2 ** -149, NaN]],
        ['F16', '003e 0080 0100 0004 ff7b 00fc 007e',
            [1.5, -0, 2 ** -24, 2 ** -14, 65504, -Infinity, NaN]],
        ['BF16', 'c03f 0080 807f c0ff 0100', [1.5, -0, Infinity, NaN, 2 ** -133]],
        ['I64', 'feffffffffffffff 0000000001000000', [-2, 2 ** 32]],
        ['I32', 'feffffff ffffff7f', [-2, 2 ** 31 - 1]],
        ['I16', 'feff ff7f', [-2, 32767]],
        ['I8', 'fe 7f', [-2, 127]],
        ['U64', '0000000001000000', [2 ** 32]],
        ['U32', 'feffffff', [2 ** 32 - 2]],
        ['U16', 'feff', [65534]],
        ['U8', 'fe', [254]],
        ['BOOL', '00 01', [0, 1]],
    ]) {
        const {x} = readSafetensors(fileOf(dtype, [want.length], hex)).tensors;
        assert.deepEqual({...x, at: null}, {dtype, shape: [want.length], at: null});
        assert.deepEqual(want.map((_, i) => x.at(i)), want, dtype);
    }
    assert.deepEqual(readSafetensors(fileOf('U8', [0], '', {k: '3'})).metadata, {k: '3'});
    assert.throws(() => readSafetensors(new ArrayBuffer(3)));
    assert.throws(() => readSafetensors(fileOf('F8', [0], '')));
}

// ---- batch.js -----------------------------------------------------------------------------------

function batchesAreRead() {
    for (const [text, stage, isIndices, positions, classes] of [
        ['{"logits": [[1, 2, 3], [4, 5, 6]], "targets": [0, 1]}', 'logits', true, 2, 3],
        ['{"logits": [1, 2, 3], "targets": 1}', 'logits', true, 1, 3],
        ['{"probabilities": [0, 1], "targets": [0.5, 0.5]}', 'probabilities', false, 1, 2],
        ['{"log_probabilities": [[[-1, NaN]]], "targets": [[0, 0]]}', 'log_probabilities', true, 2, 1],
        ['{"logits": [], "targets": []}', 'logits', false, 0, 0],
        ['{"logits": null, "probabilities": [1], "targets": 0}', 'probabilities', true, 1, 1],
        ['{"logits": [[1, 2], [3]], "targets": [0, 0]}', null],
        ['{"logits": 1, "targets": 0}', null],
        ['{"logits": [1]}', null],
        ['[', null],
        [`{"logits": [1], "targets": 0}${' '.repeat(16e6)}`, null], // is not read
    ]) {
        const batch = batchOfText(text), name = text.slice(0, 80);
        assert.equal(batch.stage, stage, name);
        assert.equal(batch.body, text, name);
        if (stage !== null)
            assert.deepEqual([batch.isIndices, batch.positions, batch.classes],
                [isIndices, positions, classes], name);
    }
    assert.deepEqual(batchOfText('{"k": 3, "return": ["ece"], "weights": [1]}').options,
        {k: 3, return: ['ece']});
    const body = new ArrayBuffer(2);
    assert.equal(batchOfText('{}', 'a.json', body).body, body);
    assert.deepEqual(batchOfBytes(fileOf('U8', [0], '', {k: '3'}), 'a').options, {k: '3'});
    assert.equal(batchOfBytes(new ArrayBuffer(3), 'a').stage, null);
}

// (2, 3, 2, 2): what is at (n, c, i, j) is 12 n + 4 c + 2 i + j, as they lie.
function positionsAreFound() {
    const nested = (n) => [0, 1, 2].map((c) => [0, 1].map((i) => [0, 1].map((j) =>
        12 * n + 4 * c + 2 * i + j)));
    const batch = batchOfText(JSON.stringify({logits: [nested(0), nested(1)], weights: [1, 2, 3],
        targets: [[[0, 1], [2, 0]], [[1, 2], [0, 1]]]}));
    assert.equal(batch.positions, 8);
    for (const [position, label, scores] of [
        [0, '0, 0, 0', [0, 4, 8]], [3, '0, 1, 1', [3, 7, 11]], [6, '1, 1, 0', [14, 18, 22]],
    ]) {
        assert.equal(batch.label(position), label);
        assert.deepEqual(scores.map((_, c) => batch.predictions.at(batch.index(position, c))), scores);
    }
    assert.deepEqual(cut(batch, 5, 7),
        {logits: [[13, 17, 21], [14, 18, 22]], targets: [2, 0], weights: [1, 2, 3]});
    assert.deepEqual(cut(batchOfText('{"logits": [[NaN, -Infinity]], "targets": [[0, 1]]}'), 0, 1),
        {logits: [['NaN', '-Infinity']], targets: [[0, 1]]});
}

const CHECKS = [numbersAreShort, numbersHaveUnits, numbersLieBetween, metricsAreRead,
    quantilesAreEstimated, momentsAreKept, latenciesAreRecent, jsonIsRead, placesAreFound, dtypesAreRead,
    batchesAreRead, positionsAreFound];

for (const check of CHECKS)
    check();
console.log(`page: ${CHECKS.length} checks of its modules passed`);
