// main.js - the page: its tabs, its form, and what happens when it is sent.

import {batchOfBytes, batchOfText} from './batch.js';
import {example, Refusal, useToken} from './call.js';
import {byId} from './element.js';
import {failure} from './failure.js';
import {showLive, startLive} from './live.js';
import {whole} from './numbers.js';
import {fit} from './options.js';
import {result} from './result.js';

const TEXT_CHARACTERS_MAX = 300000; // that the field shows: more makes browsers slow

const GOLDEN = `{
  "logits": [
    [13, 3, 2, 5, 1],
    [1, 8, 20, 2, 3],
    [1, 14, 3, 5, 3]
  ],
  "targets": [0, 2, 1]
}
`;

let batch = batchOfText('');

// ---- the batch ----------------------------------------------------------------------------------

function describe() {
    if (batch.stage === null)
        return batch.body.length === 0 ? '' : 'The page cannot read this batch; the daemon will say why.';
    const targets = batch.isIndices ? 'class indices' : 'class probabilities';
    return `${batch.stage} (${batch.predictions.shape.join(' × ')}), ${targets}` +
        `${batch.weights !== null ? ', weights' : ''}`;
}

function take(next) {
    batch = next;
    fit(batch);
    byId('reading').textContent = describe();
    document.querySelectorAll('#pipeline [data-stage]').forEach((step) => {
        step.toggleAttribute('data-entered', step.dataset.stage === batch.stage);
    });
}

function fillField(text, name, body) {
    byId('batch').value = text;
    byId('file-name').textContent = name ?? '';
    take(batchOfText(text, name, body));
}

// A file that the field cannot show is kept beside it, until something is typed.  Its bytes are what
// is sent: a text has other letters for those that are no UTF-8.  A byte order mark stays in the text
// ("ignoreBOM"), because the daemon takes none.
async function takeFile(file) {
    const buffer = await file.arrayBuffer();
    const isJson = !/\.safetensors$/i.test(file.name) &&
        /^\s*[{[]/.test(new TextDecoder().decode(buffer.slice(0, 64)));
    const text = isJson ? new TextDecoder('utf-8', {ignoreBOM: true}).decode(buffer) : null;
    if (text !== null && text.length <= TEXT_CHARACTERS_MAX) {
        fillField(text, file.name, buffer);
        return;
    }
    byId('batch').value = '';
    byId('file-name').textContent = `${file.name} (${whole(buffer.byteLength)} bytes)`;
    take(text !== null ? batchOfText(text, file.name, buffer) : batchOfBytes(buffer, file.name));
}

// ---- evaluating ---------------------------------------------------------------------------------

// Run a step; what fails is shown in the place of what was there before.
async function guarded(step) {
    const about = batch; // another one may be there when it fails
    byId('failure').replaceChildren();
    try {
        await step();
    } catch (error) {
        const refusal = error instanceof Refusal ? error :
            new Refusal(0, {error: `the page cannot go on: ${error.message}`});
        byId('results').replaceChildren();
        byId('failure').replaceChildren(failure(refusal, about));
        if (refusal.status === 401)
            askForToken();
    }
}

async function send(event) {
    const results = byId('results');
    event.preventDefault();
    if (results.hasAttribute('aria-busy'))
        return;
    results.setAttribute('aria-busy', 'true');
    await guarded(async () => {
        const {sections, sentence} = await result(batch, guarded);
        results.replaceChildren(...sections);
        byId('spoken').textContent = sentence;
    });
    results.removeAttribute('aria-busy');
    (byId('refusal') ?? byId('summary'))?.scrollIntoView({block: 'nearest'});
}

function askForToken() {
    byId('token-box').open = true;
    byId('token').focus();
}

// ---- tabs ---------------------------------------------------------------------------------------

const tabs = [...document.querySelectorAll('[role="tab"]')];

function open(tab) {
    for (const one of tabs) {
        const isOpen = one === tab;
        one.setAttribute('aria-selected', String(isOpen));
        one.tabIndex = isOpen ? 0 : -1;
        byId(one.getAttribute('aria-controls')).hidden = !isOpen;
    }
    showLive(tab.id === 'tab-daemon');
}

function turn(event) {
    const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    if (step === undefined)
        return;
    const next = tabs[(tabs.indexOf(event.currentTarget) + step + tabs.length) % tabs.length];
    next.focus();
    open(next);
}

// ---- start --------------------------------------------------------------------------------------

function startForm() {
    const field = byId('batch'), drop = byId('drop');
    byId('form').addEventListener('submit', send);
    field.addEventListener('input', () => {
        byId('file-name').textContent = '';
        take(batchOfText(field.value));
    });
    field.addEventListener('keydown', (event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey))
            byId('form').requestSubmit();
    });
    byId('file').addEventListener('change', ({currentTarget: input}) => {
        const [file] = input.files;
        if (file !== undefined)
            guarded(() => takeFile(file));
        input.value = ''; // so that the same file can be chosen again
    });
    for (const kind of ['dragover', 'dragleave', 'drop']) {
        drop.addEventListener(kind, (event) => {
            event.preventDefault();
            drop.toggleAttribute('data-over', kind === 'dragover');
            const [file] = kind === 'drop' ? event.dataTransfer.files : [];
            if (file !== undefined)
                guarded(() => takeFile(file));
        });
    }
    byId('example-golden').addEventListener('click', () => fillField(GOLDEN));
    byId('example-digits').addEventListener('click', () =>
        guarded(async () => fillField(await example('digits.json'))));
    byId('token').addEventListener('input', (event) => useToken(event.currentTarget.value));
}

for (const tab of tabs) {
    tab.addEventListener('click', () => open(tab));
    tab.addEventListener('keydown', turn);
}
startLive();
startForm();
open(location.hash === '#daemon' ? byId('tab-daemon') : byId('tab-evaluate'));
take(batchOfText(byId('batch').value)); // which browsers may have kept
