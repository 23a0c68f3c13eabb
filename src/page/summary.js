// summary.js - the figures of a reply.

import {make} from './element.js';
import {share, short, value, whole} from './numbers.js';

// Figures by their names in the reply, and how they are written.
const FIGURES = {
    loss_sum: (number) => short(number, 8),
    weight_sum: (number) => short(number, 8),
    count: whole,
    ignored: whole,
    correct: whole,
    classes: whole,
    accuracy: share,
    top_k_accuracy: share,
    perplexity: (number) => short(number, 5),
    entropy: (number) => short(number, 5),
    confidence: share,
    brier: (number) => short(number, 5),
    ece: (number) => short(number, 5),
};

function figure(name, text, title) {
    return make('div', {}, make('dt', {}, make('code', {}, name)),
        make('dd', {id: `figure-${name}`, title}, text));
}

// Milliseconds of the steps, "queue;dur=0.1, ..." as [name, number].
function stepsOf(timing) {
    return (timing ?? '').split(',').map((step) => step.trim().split(';dur='))
        .filter((step) => step.length === 2).map(([name, ms]) => [name, Number(ms)]);
}

export function summary({reply, requestId, timing}) {
    const isMany = Array.isArray(reply.loss);
    const steps = stepsOf(timing);
    return make('section', {class: 'panel summary', id: 'summary'},
        make('div', {class: 'headline'},
            make('h3', {}, make('code', {}, 'loss'), ' ', make('small', {}, reply.dtype)),
            isMany ? make('p', {class: 'big', id: 'loss'}, 'one for each position') :
                make('p', {class: 'big', id: 'loss', tabindex: '-1'}, String(reply.loss))),
        make('dl', {class: 'figures'}, Object.entries(FIGURES)
            .filter(([name]) => reply[name] !== undefined)
            .map(([name, write]) => figure(name, write(value(reply[name])), String(reply[name])))),
        make('p', {class: 'meta'},
            steps.map(([name, ms]) => [make('span', {}, `${name} ${short(ms)} ms`), ' · ']),
            'request ', make('code', {}, requestId)));
}

// One sentence for who does not see the page.
export function spoken({reply}) {
    const loss = Array.isArray(reply.loss) ? `${whole(reply.count)} losses` : `Loss ${reply.loss}`;
    return reply.correct === undefined ? loss :
        `${loss}, ${reply.correct} of ${reply.count} correct`;
}
