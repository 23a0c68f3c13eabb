// batch.js - a batch as the page knows it: what is sent, and its tensors as far as they can be read.
//
// The daemon is who says what is right: a batch that this file cannot read is sent all the same.

import {parse} from './json.js';
import {value} from './numbers.js';
import {readSafetensors} from './safetensors.js';

export const STAGES = ['logits', 'probabilities', 'log_probabilities'];

// Longer JSON is sent unread, because reading it would keep the page from answering.
const PARSED_CHARACTERS_MAX = 16e6;

const TENSORS = [...STAGES, 'targets', 'weights'];

const product = (shape) => shape.reduce((all, length) => all * length, 1);

function tensorOfJson(json) {
    const shape = [];
    for (let inner = json; Array.isArray(inner); inner = inner[0])
        shape.push(inner.length);
    const flat = [json].flat(Infinity);
    if (flat.length !== product(shape))
        throw new Error('the rows have not the same length');
    return {dtype: null, shape, at: (index) => value(flat[index])};
}

// How positions and classes lie in a tensor of the predictions' shape.
function layoutOf(shape) {
    const classes = shape[shape.length === 1 ? 0 : 1];
    const inner = product(shape.slice(2));
    return {
        classes,
        // A row of no classes is none.
        positions: shape.length === 1 ? Math.min(classes, 1) : shape[0] * inner,
        index: (position, c) =>
            (Math.floor(position / inner) * classes + c) * inner + position % inner,
        label: (position) => {
            const places = [];
            for (const length of shape.slice(2).reverse()) {
                places.unshift(position % length);
                position = Math.floor(position / length);
            }
            return [position, ...places].join(', ');
        },
    };
}

// What is in a batch: `stage` null if it cannot be read, and `options` those that it has itself.
function contentOf(tensors, options) {
    const stage = STAGES.find((name) => tensors[name] !== undefined);
    const predictions = tensors[stage], targets = tensors.targets;
    if (predictions === undefined || targets === undefined || predictions.shape.length === 0)
        return {stage: null, options};
    return {
        stage, options, tensors, predictions, targets,
        weights: tensors.weights ?? null,
        isIndices: targets.shape.join() !== predictions.shape.join(),
        ...layoutOf(predictions.shape),
    };
}

// `body` is what is sent, if that is not the text: the bytes that it was read from.
export function batchOfText(text, name = null, body = text) {
    const batch = {name, text, body, mediaType: 'application/json', isBinary: false};
    if (text.length > PARSED_CHARACTERS_MAX)
        return {...batch, stage: null, options: {}};
    try {
        const json = parse(text), tensors = {}, options = {};
        for (const [key, member] of Object.entries(json)) {
            if (!TENSORS.includes(key))
                options[key] = member;
            else if (member !== null)
                tensors[key] = tensorOfJson(member);
        }
        return {...batch, ...contentOf(tensors, options)};
    } catch {
        return {...batch, stage: null, options: {}};
    }
}

export function batchOfBytes(buffer, name) {
    const batch = {name, text: null, body: buffer, mediaType: 'application/x-safetensors',
        isBinary: true};
    try {
        const {tensors, metadata} = readSafetensors(buffer);
        return {...batch, ...contentOf(tensors, metadata)};
    } catch {
        return {...batch, stage: null, options: {}};
    }
}

const plain = (number) => Number.isFinite(number) ? number : String(number);

// Some positions of a batch as a batch of its own, of shape (positions, classes): a position's row
// does not depend on the others.
export function cut(batch, from, to) {
    const part = {[batch.stage]: [], targets: []};
    for (let position = from; position < to; position++) {
        const row = (tensor) => Array.from({length: batch.classes},
            (_, c) => plain(tensor.at(batch.index(position, c))));
        part[batch.stage].push(row(batch.predictions));
        part.targets.push(batch.isIndices ? batch.targets.at(position) : row(batch.targets));
    }
    if (batch.weights !== null)
        part.weights = Array.from({length: batch.weights.shape[0] ?? 0},
            (_, c) => plain(batch.weights.at(c)));
    return part;
}
