// heat.js - numbers as colours: cells of a table while there are few of them, else strips of pixels.

import {make} from './element.js';
import {between, short} from './numbers.js';

export const CELLS_MAX = 24; // of a row; more would be too narrow for a number

// From this level on text in white on a light page, or black on a dark one, is read better than the
// other way round; either way at a contrast of 4.5 or more.
const STRONG = 0.64;

// The least and the largest of the finite numbers.
export function scaleOf(numbers) {
    let low = Infinity, high = -Infinity;
    for (const number of numbers) {
        if (Number.isFinite(number)) {
            low = Math.min(low, number);
            high = Math.max(high, number);
        }
    }
    return low <= high ? [low, high] : [0, 1];
}

// A cell; `marks` are classes like "target", and `words` say them to who does not see them.
export function cell(number, text, [low, high], marks = [], words = '') {
    const level = between(number, low, high);
    const classes = ['cell', level > STRONG ? 'strong' : '', ...marks].filter(Boolean).join(' ');
    return make('td', {class: classes, '--level': level.toFixed(3), title: String(number)},
        text ?? short(number), words !== '' ? make('span', {class: 'unseen'}, words) : null);
}

function channels(name) {
    const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

// Canvases know no colours of a style sheet, so they are painted again when those change.
function paint(canvas) {
    const [low, high] = [channels('--heat-low'), channels('--heat-high')];
    const context = canvas.getContext('2d');
    const image = context.createImageData(canvas.width, canvas.height);
    canvas.levels.forEach((level, i) => {
        for (let c = 0; c < 3; c++)
            image.data[4 * i + c] = low[c] + (high[c] - low[c]) * level;
        image.data[4 * i + 3] = 255;
    });
    context.putImageData(image, 0, 0);
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    document.querySelectorAll('canvas.strip').forEach(paint);
});

// Rows of numbers, a pixel each, stretched to where they stand.
export function strip(rows, [low, high], words) {
    const canvas = make('canvas', {class: 'strip', role: 'img', 'aria-label': words,
        width: String(rows[0].length), height: String(rows.length)});
    canvas.levels = rows.flat().map((number) => between(number, low, high));
    paint(canvas);
    return canvas;
}

export function legend([low, high]) {
    return make('p', {class: 'legend'}, make('span', {}, short(low)),
        make('span', {class: 'ramp', 'aria-hidden': 'true'}), make('span', {}, short(high)));
}
