// options.js - the form of options: what a batch says itself is shown there and cannot be changed.

import {byId} from './element.js';

// Fields by their names in the API, with the defaults of the daemon, which are not sent.
const DEFAULTS = {reduction: 'mean', ignore_index: '', label_smoothing: '', dtype: 'float32',
    k: '', bins: ''};

const NEED_INDICES = ['accuracy', 'top_k_accuracy', 'perplexity', 'brier', 'ece', 'per_class',
    'confusion_matrix'];
// Steps are shown from where the batch enters on.
const SHOWN_FROM = {softmax: ['logits'], log_softmax: ['logits', 'probabilities']};
const NEED_FEW_CLASSES = ['per_class', 'confusion_matrix'];
export const CLASSES_MAX = 200; // more are too many to look at

// Outputs of the positions and their classes, which are asked for as far as they are shown.
export const ROW_OUTPUTS = ['softmax', 'log_softmax', 'losses', 'predictions'];

const boxes = () => [...document.querySelectorAll('input[name="return"]')];

function listOf(text) {
    return Array.isArray(text) ? text : String(text).split(',').map((name) => name.trim());
}

function lock(field, given, reason) {
    const wasLocked = field.disabled;
    field.disabled = reason !== null;
    field.title = reason ?? '';
    if (reason !== null)
        field.value = String(given);
    else if (wasLocked)
        field.value = DEFAULTS[field.id];
}

// What a batch said itself goes with it.
function tick(box, wanted) {
    if (wanted !== undefined)
        box.checked = listOf(wanted).includes(box.value);
    else if (box.hasAttribute('data-given'))
        box.checked = box.defaultChecked;
    box.toggleAttribute('data-given', wanted !== undefined);
}

// Why a box cannot be ticked, or null.
function obstacle(name, batch) {
    if (batch.stage === null)
        return null;
    if (SHOWN_FROM[name]?.includes(batch.stage) === false)
        return 'is what the batch has, or comes before it';
    if (!batch.isIndices && NEED_INDICES.includes(name))
        return 'needs class indices as targets';
    if (batch.classes > CLASSES_MAX && NEED_FEW_CLASSES.includes(name))
        return `is shown up to ${CLASSES_MAX} classes`;
    return null;
}

// Make the form fit a batch.
export function fit(batch) {
    for (const name of Object.keys(DEFAULTS)) {
        const given = batch.options[name];
        lock(byId(name), given, given !== undefined ? 'the batch says this itself' : null);
    }
    if (batch.isBinary)
        lock(byId('dtype'), batch.predictions?.dtype === 'F64' ? 'float64' : 'float32',
            'each tensor says which it has');
    const wanted = batch.options.return;
    for (const box of boxes()) {
        const reason = wanted !== undefined ? 'the batch says what to return' :
            obstacle(box.value, batch);
        box.disabled = reason !== null;
        box.closest('label').title = reason ?? '';
        tick(box, wanted);
    }
}

// What is to be returned, by the form; a batch that says it itself is asked for nothing else.
export function outputs() {
    return boxes().filter((box) => box.checked && !box.disabled).map((box) => box.value);
}

// The options that the batch does not have and that are not the default: {name: text}.
export function chosen(names = Object.keys(DEFAULTS)) {
    const query = {};
    for (const name of names) {
        const field = byId(name);
        if (!field.disabled && field.value !== DEFAULTS[name])
            query[name] = field.value;
    }
    return query;
}

// The options that matter for a position alone, wherever they stand.
export function ofPositions(batch) {
    const query = chosen(['ignore_index', 'label_smoothing', 'dtype']);
    for (const name of ['ignore_index', 'label_smoothing', 'dtype']) {
        if (batch.options[name] !== undefined)
            query[name] = String(batch.options[name]);
    }
    if (batch.predictions.dtype === 'F64')
        query.dtype = 'float64';
    return query;
}
