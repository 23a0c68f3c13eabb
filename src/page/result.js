// result.js - asks for what is to be seen of a batch, and for no more: its figures and diagrams as a
// whole, its rows some at a time.

import {cut} from './batch.js';
import {evaluate} from './call.js';
import {copies} from './copies.js';
import {classes, confusion, reliability} from './diagrams.js';
import {make} from './element.js';
import {whole} from './numbers.js';
import {chosen, ofPositions, outputs, ROW_OUTPUTS} from './options.js';
import {pipeline, rowsOf} from './pipeline.js';
import {spoken, summary} from './summary.js';

const ROWS_FIRST = 20, ROWS_MORE = 50;

// Rows of a batch that has too many to show all: those alone, with the same options.
async function fetchRows(batch, query, from, to) {
    const {reply} = await evaluate(JSON.stringify(cut(batch, from, to)), 'application/json', query);
    return rowsOf(reply, (position, c) => (position - from) * batch.classes + c, from);
}

// Where rows [from, to) come from: the reply, if it has those of all positions.
function rowsBy(batch, reply, query) {
    if (batch.options.return === undefined && batch.positions > ROWS_FIRST)
        return (from, to) => fetchRows(batch, query, from, to);
    const rows = rowsOf(reply, batch.index, 0);
    return () => rows;
}

// How many rows are there, and a button that puts the next ones into the panels.
function more(batch, rowsAt, shown, add, guarded) {
    const count = () => `Rows 1 to ${whole(shown)} of ${whole(batch.positions)}`;
    const said = make('span', {role: 'status'}, count());
    const button = make('button', {type: 'button', id: 'more', onclick: async () => {
        const to = Math.min(shown + ROWS_MORE, batch.positions);
        if (button.hasAttribute('aria-busy'))
            return;
        button.setAttribute('aria-busy', 'true');
        await guarded(async () => {
            add(await rowsAt(shown, to), shown, to);
            shown = to;
            said.textContent = count();
            button.hidden = shown === batch.positions;
        });
        button.removeAttribute('aria-busy');
    }}, `${ROWS_MORE} more`);
    button.hidden = shown === batch.positions;
    return make('p', {class: 'more'}, said, ' ', button,
        make('span', {class: 'key'}, ' outlined: the target; with a dot: the prediction'));
}

async function rowsSection(batch, reply, query, guarded) {
    const to = Math.min(batch.positions, ROWS_FIRST);
    const rowsAt = rowsBy(batch, reply, query);
    const rows = await rowsAt(0, to);
    const ignoreIndex = Number(query.ignore_index ?? -100);
    const {panels, add} = pipeline(batch, rows, 0, to, ignoreIndex);
    add(rows, 0, to);
    return make('section', {class: 'rows', 'aria-label': 'rows'},
        make('div', {class: 'steps'}, panels), more(batch, rowsAt, to, add, guarded));
}

// Evaluate a batch with the options of the form: {sections, sentence} to be shown and to be said.
// `guarded` runs what a button starts later.  Throws Refusal.
export async function result(batch, guarded) {
    const all = outputs(), names = all.filter((name) => ROW_OUTPUTS.includes(name));
    const hasRows = batch.stage !== null && batch.positions > 0;
    const wanted = hasRows && batch.positions <= ROWS_FIRST ? all :
        all.filter((name) => !names.includes(name));
    const query = chosen();
    if (wanted.length > 0)
        query.return = wanted.join();
    // Now, because the form may be another one when the reply is there.
    const ofRows = hasRows ?
        {...ofPositions(batch), reduction: 'none', return: names.join()} : null;
    const answer = await evaluate(batch.body, batch.mediaType, query);
    const {reply} = answer;
    const diagrams = [reply.ece_bins ? reliability(reply) : null,
        reply.confusion_matrix ? confusion(reply) : null,
        reply.per_class ? classes(reply) : null].filter(Boolean);
    return {
        sections: [summary(answer),
            hasRows ? await rowsSection(batch, reply, ofRows, guarded) : null,
            diagrams.length > 0 ? make('div', {class: 'diagrams'}, diagrams) : null,
            copies(batch, query, answer.text)].filter(Boolean),
        sentence: spoken(answer),
    };
}
