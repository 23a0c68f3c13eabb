// pipeline.js - the steps from scores to losses, row by row: a panel for each, the target marked.

import {make} from './element.js';
import {cell, CELLS_MAX, legend, scaleOf, strip} from './heat.js';
import {between, short, value} from './numbers.js';

const STEPS = {
    logits: 'scores, as entered',
    probabilities: 'as entered',
    log_probabilities: 'as entered',
    softmax: 'probabilities of each row',
    log_softmax: 'their logarithms',
    targets: 'class probabilities',
};

// What a reply says of positions: numbers by position, and by position and class.
export function rowsOf(reply, index, first) {
    const flat = (name) => reply[name] === undefined ? null : [reply[name]].flat(Infinity);
    const rows = {};
    for (const name of ['softmax', 'log_softmax']) {
        const numbers = flat(name);
        if (numbers !== null)
            rows[name] = (position, c) => value(numbers[index(position, c)]);
    }
    for (const name of ['losses', 'predictions']) {
        const numbers = flat(name);
        if (numbers !== null)
            rows[name] = (position) => value(numbers[position - first]);
    }
    return rows;
}

// The panels of a batch in the order of the pipeline, from where it is entered.
function stepsOf(batch, rows) {
    const entered = (position, c) => batch.predictions.at(batch.index(position, c));
    const steps = [{name: batch.stage, of: () => entered,
        scale: batch.stage === 'probabilities' ? [0, 1] : null}];
    if (batch.stage === 'logits' && rows.softmax)
        steps.push({name: 'softmax', of: (later) => later.softmax, scale: [0, 1]});
    if (batch.stage !== 'log_probabilities' && rows.log_softmax)
        steps.push({name: 'log_softmax', of: (later) => later.log_softmax, scale: null});
    if (!batch.isIndices)
        steps.push({name: 'targets', scale: [0, 1],
            of: () => (position, c) => batch.targets.at(batch.index(position, c))});
    return steps;
}

function panel(name, note, head, body, foot = null) {
    return make('section', {class: 'panel', id: `panel-${name}`},
        make('h3', {}, make('code', {}, name), ' ', make('small', {}, note)),
        make('div', {class: 'scroll', tabindex: '0', role: 'group', 'aria-label': name},
            make('table', {class: 'heat'}, make('thead', {}, head), body)),
        foot);
}

const rowName = (batch, position) => make('th', {scope: 'row'}, batch.label(position));

// A row of many classes: a strip, with the target's place marked and its number beside.
function stripRow(batch, at, position, scale, target) {
    const numbers = Array.from({length: batch.classes}, (_, c) => at(position, c));
    const isMarked = target >= 0 && target < batch.classes;
    const words = isMarked ? `row ${batch.label(position)}: target ${target}, ` +
        `${short(numbers[target])}` : `row ${batch.label(position)}`;
    return [
        make('td', {class: 'strips'}, strip([numbers], scale, words),
            isMarked ? make('span', {class: 'marker', '--place': (target + 0.5) / batch.classes,
                'aria-hidden': 'true'}) : null),
        make('td', {class: 'number'}, isMarked ? short(numbers[target]) : '–'),
    ];
}

function cellRow(batch, at, position, scale, target, predicted) {
    return Array.from({length: batch.classes}, (_, c) => {
        const marks = [c === target ? 'target' : '', c === predicted ? 'predicted' : ''];
        const words = [c === target ? ', target' : '', c === predicted ? ', predicted' : ''];
        return cell(at(position, c), null, scale, marks, words.join(''));
    });
}

function lossRow(batch, rows, position, most, ignoreIndex) {
    const loss = rows.losses?.(position) ?? NaN;
    const target = batch.isIndices ? batch.targets.at(position) : null;
    const predicted = rows.predictions?.(position) ?? null;
    const isIgnored = target === ignoreIndex;
    const isWrong = predicted !== null && target !== null && !isIgnored && predicted !== target;
    return make('tr', {class: isIgnored ? 'ignored' : null}, rowName(batch, position),
        target !== null ? make('td', {class: 'number'}, String(target)) : null,
        predicted !== null ? make('td', {class: 'number'}, String(predicted),
            isWrong ? make('span', {class: 'wrong', title: 'not the target'}, '\u00a0≠') : null) : null,
        make('td', {class: 'number wide', title: String(loss)},
            isIgnored ? 'ignored' : short(loss, 5)),
        make('td', {class: 'bars'}, make('span', {class: 'bar', 'aria-hidden': 'true',
            '--level': between(loss, 0, most).toFixed(4)})));
}

function lossPanel(batch, rows) {
    const head = make('tr', {}, make('td'),
        ['target', 'predicted', 'loss'].filter((name) => name === 'loss' ||
            (name === 'target' ? batch.isIndices : rows.predictions !== undefined))
            .map((name) => make('th', {scope: 'col', class: 'number'}, name)), make('td'));
    return panel('losses', batch.isIndices ? 'of the target, each row' : 'of each row', head,
        make('tbody'));
}

// The panels, with no rows yet; `add` puts some in.  Colours are those of the numbers at [first, last).
export function pipeline(batch, rows, first, last, ignoreIndex) {
    const isWide = batch.classes > CELLS_MAX;
    const steps = stepsOf(batch, rows);
    const range = Array.from({length: last - first}, (_, i) => first + i);
    const classes = Array.from({length: batch.classes}, (_, c) => c);
    let most = 0;
    for (const step of steps) {
        const at = step.of(rows);
        step.scale ??= scaleOf(range.flatMap((position) => classes.map((c) => at(position, c))));
        step.panel = panel(step.name, STEPS[step.name], make('tr', {}, make('td'),
            isWide ? [make('th', {scope: 'col'}, `classes 0 to ${batch.classes - 1}`),
                make('th', {scope: 'col'}, batch.isIndices ? 'target’s' : '')] :
                classes.map((c) => make('th', {scope: 'col'}, String(c)))),
        make('tbody'), legend(step.scale));
    }
    const losses = rows.losses ? lossPanel(batch, rows) : null;
    if (losses !== null)
        most = scaleOf(range.map((position) => rows.losses(position)))[1];

    const add = (later, from, to) => {
        for (let position = from; position < to; position++) {
            const target = batch.isIndices ? batch.targets.at(position) : -1;
            const predicted = later.predictions?.(position) ?? -1;
            for (const step of steps) {
                const at = step.of(later);
                step.panel.querySelector('tbody').append(make('tr', {}, rowName(batch, position),
                    isWide ? stripRow(batch, at, position, step.scale, target) :
                        cellRow(batch, at, position, step.scale, target, predicted)));
            }
            losses?.querySelector('tbody').append(
                lossRow(batch, later, position, most, ignoreIndex));
        }
    };
    return {panels: [...steps.map((step) => step.panel), losses].filter(Boolean), add};
}
