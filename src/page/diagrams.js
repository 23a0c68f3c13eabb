// diagrams.js - what a batch looks like as a whole: reliability, confusion, classes.

import {draw, make} from './element.js';
import {cell, CELLS_MAX, strip} from './heat.js';
import {between, largest, share, short, value, whole} from './numbers.js';
import {CLASSES_MAX} from './options.js';

const SIDE = 300, LEFT = 34, BOTTOM = 62, COUNTS = 34; // of the reliability diagram, in its own units

function table(caption, head, rows) {
    return make('details', {}, make('summary', {}, caption),
        make('div', {class: 'scroll', tabindex: '0', role: 'group', 'aria-label': caption},
            make('table', {class: 'plain'},
                make('thead', {}, make('tr', {}, head.map((text) => make('th', {scope: 'col'}, text)))),
                make('tbody', {}, rows.map(([first, ...rest]) => make('tr', {},
                    make('th', {scope: 'row'}, first), rest.map((text) => make('td', {}, text))))))));
}

function axis() {
    const marks = [0, 0.25, 0.5, 0.75, 1];
    return draw('g', {class: 'axis'},
        marks.map((mark) => draw('line', {x1: LEFT, x2: LEFT + SIDE, y1: SIDE * (1 - mark) + 8,
            y2: SIDE * (1 - mark) + 8})),
        marks.map((mark) => draw('text', {x: LEFT - 6, y: SIDE * (1 - mark) + 12,
            'text-anchor': 'end'}, String(mark))),
        marks.map((mark) => draw('text', {x: LEFT + SIDE * mark, y: SIDE + 24,
            'text-anchor': 'middle'}, String(mark))));
}

// A bin: how often it is right as a bar, and up or down to how sure it was, the gap.
function bin(i, width, accuracy, confidence, height) {
    const x = LEFT + i * width + 1, y = (share) => 8 + SIDE * (1 - share);
    const top = Math.max(accuracy, confidence), low = Math.min(accuracy, confidence);
    return draw('g', {},
        draw('rect', {class: 'right', x, width: width - 2, y: y(accuracy), height: SIDE * accuracy}),
        draw('rect', {class: 'gap', x, width: width - 2, y: y(top), height: SIDE * (top - low)}),
        draw('line', {class: 'sure', x1: x, x2: x + width - 2, y1: y(confidence), y2: y(confidence)}),
        draw('rect', {class: 'count', x, width: width - 2,
            y: SIDE + BOTTOM + COUNTS - 30 - height, height}));
}

export function reliability(reply) {
    const counts = reply.ece_bins.count, bins = counts.length, width = SIDE / bins;
    const accuracy = reply.ece_bins.accuracy.map(value);
    const confidence = reply.ece_bins.confidence.map(value);
    const most = largest(counts, 1);
    const used = counts.map((_, i) => i).filter((i) => counts[i] > 0);
    return make('section', {class: 'panel diagram', id: 'panel-ece'},
        make('h3', {}, 'Reliability ', make('small', {}, make('code', {}, 'ece'), ' = ',
            make('span', {title: String(reply.ece)}, short(value(reply.ece), 4)))),
        draw('svg', {viewBox: `0 0 ${LEFT + SIDE + 10} ${SIDE + BOTTOM + 8}`, role: 'img',
            'aria-label': `Reliability diagram of ${bins} bins; the table below has its numbers`},
        axis(),
        used.map((i) => bin(i, width, accuracy[i], confidence[i], counts[i] / most * (COUNTS - 8))),
        draw('line', {class: 'ideal', x1: LEFT, y1: SIDE + 8, x2: LEFT + SIDE, y2: 8})),
        make('p', {class: 'key'}, make('i', {class: 'right'}), ' accuracy ', make('i', {class: 'sure'}),
            ' confidence ', make('i', {class: 'gap'}), ' the gap between; below, how many positions'),
        table('Bins as a table', ['confidence', 'count', 'mean confidence', 'accuracy'],
            used.map((i) => [`${short(i / bins)} to ${short((i + 1) / bins)}`, whole(counts[i]),
                short(confidence[i], 4), short(accuracy[i], 4)])));
}

// In the place of a diagram of too many classes, which a batch that says itself what to return may have.
function tooMany(title, name, classes) {
    return make('section', {class: 'panel diagram', id: `panel-${name}`},
        make('h3', {}, `${title} `, make('small', {}, make('code', {}, name))),
        make('p', {class: 'key'}, `of ${whole(classes)} classes; up to ${CLASSES_MAX} are shown. ` +
            'The reply as it came has all.'));
}

// What was taken for something else most often.
function mistakes(matrix) {
    const found = [];
    matrix.forEach((row, truth) => row.forEach((count, taken) => {
        if (truth !== taken && count > 0)
            found.push([count, truth, taken]);
    }));
    return found.sort((a, b) => b[0] - a[0]).slice(0, 20)
        .map(([count, truth, taken]) => [`${truth} taken for ${taken}`, whole(count)]);
}

export function confusion(reply) {
    const matrix = reply.confusion_matrix, classes = matrix.length;
    if (classes > CLASSES_MAX)
        return tooMany('Confusion', 'confusion_matrix', classes);
    const most = largest(matrix.flat(), 1);
    // By the root, so that the few mistakes beside the many hits can be seen.
    const level = (count) => Math.sqrt(count / most);
    const body = classes > CELLS_MAX ?
        strip(matrix.map((row) => row.map(level)), [0, 1],
            'Confusion matrix; the table below has its largest mistakes') :
        make('table', {class: 'heat square'},
            make('thead', {}, make('tr', {}, make('td'),
                matrix.map((_, c) => make('th', {scope: 'col'}, String(c))))),
            make('tbody', {}, matrix.map((row, truth) => make('tr', {},
                make('th', {scope: 'row'}, String(truth)),
                row.map((count, taken) => cell(level(count), count === 0 ? '·' : whole(count), [0, 1],
                    truth === taken ? ['target'] : []))))));
    return make('section', {class: 'panel diagram', id: 'panel-confusion_matrix'},
        make('h3', {}, 'Confusion ', make('small', {}, make('code', {}, 'confusion_matrix'))),
        make('p', {class: 'key'}, 'rows: target, columns: prediction; right ones outlined'),
        make('div', {class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'confusion_matrix'},
            body),
        table('Mistakes by number', ['mistake', 'positions'], mistakes(matrix)));
}

export function classes(reply) {
    const {loss_sum: sums, weight, count, correct} = reply.per_class;
    if (sums.length > CLASSES_MAX)
        return tooMany('Classes', 'per_class', sums.length);
    const means = sums.map((sum, c) => value(sum) / value(weight[c]));
    const most = largest(means.filter(Number.isFinite), 0);
    return make('section', {class: 'panel diagram', id: 'panel-per_class'},
        make('h3', {}, 'Classes ', make('small', {}, make('code', {}, 'per_class'))),
        make('div', {class: 'scroll tall', tabindex: '0', role: 'group', 'aria-label': 'per_class'},
            make('table', {class: 'plain'},
                make('thead', {}, make('tr', {}, ['class', 'count', 'correct', 'loss', ''].map(
                    (text) => make('th', {scope: 'col'}, text)))),
                make('tbody', {}, means.map((mean, c) => make('tr', {},
                    make('th', {scope: 'row'}, String(c)), make('td', {}, whole(count[c])),
                    make('td', {}, share(correct[c] / count[c])),
                    make('td', {title: String(mean)}, Number.isNaN(mean) ? '–' : short(mean, 4)),
                    make('td', {class: 'bars'}, make('span', {class: 'bar', 'aria-hidden': 'true',
                        '--level': between(mean, 0, most).toFixed(4)}))))))));
}
