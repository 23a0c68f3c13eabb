// failure.js - what was refused: the sentence, its code, and the place in the batch.

import {byId, make} from './element.js';
import {locate} from './json.js';

const AROUND = 90; // characters of the text that are shown before and behind a place

function goTo(start, end) {
    const field = byId('batch');
    const line = field.value.slice(0, start).split('\n').length - 1;
    field.focus();
    field.setSelectionRange(start, end);
    field.scrollTop = line * parseFloat(getComputedStyle(field).lineHeight) - field.clientHeight / 2;
}

function excerpt(text, [start, end]) {
    const shown = Math.min(end, start + AROUND);
    return make('pre', {class: 'excerpt', tabindex: '0', 'aria-label': 'the place in the batch'},
        start > AROUND ? '…' : '', text.slice(Math.max(start - AROUND, 0), start),
        make('mark', {}, text.slice(start, shown) || '⏎'), end > shown ? '…' :
            text.slice(shown, shown + AROUND), shown + AROUND < text.length ? '…' : '');
}

export function failure(refusal, batch) {
    const place = batch?.text ? locate(batch.text, refusal.where) : null;
    const isShown = place !== null && byId('batch').value === batch.text;
    const facts = [
        ['code', refusal.code],
        ['where', refusal.where],
        ['status', refusal.status || null],
        ['request_id', refusal.requestId],
    ].filter(([, fact]) => fact !== null && fact !== undefined);
    return make('section', {class: 'panel failure', id: 'refusal'},
        make('h3', {}, make('span', {class: 'sign', 'aria-hidden': 'true'}, '!'), refusal.message),
        place !== null ? excerpt(batch.text, place) : null,
        make('dl', {class: 'facts'}, facts.map(([name, fact]) =>
            make('div', {}, make('dt', {}, name), make('dd', {id: `refusal-${name}`}, String(fact))))),
        isShown ? make('button', {type: 'button', id: 'go-to', onclick: () => goTo(...place)},
            'Go to the place') : null);
}
