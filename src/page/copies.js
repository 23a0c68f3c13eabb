// copies.js - the same call for a shell and for Python.

import {base, hasToken, pathOf} from './call.js';
import {make} from './element.js';

const INLINE_CHARACTERS_MAX = 20000; // more is taken from a file

const isFile = (batch) => batch.text === null || batch.name !== null ||
    batch.text.length > INLINE_CHARACTERS_MAX;

// A batch that was typed and is too long for a command has to be saved under this name.
const fileOf = (batch) => batch.name ?? 'batch.json';

// Single quotes keep everything from a shell but themselves.
const shell = (text) => `'${text.replaceAll('\'', '\'\\\'\'')}'`;

// A literal of Python; whatever is not ASCII is escaped.
function python(text) {
    const escaped = text.replaceAll('\\', '\\\\').replaceAll('\'', '\\\'').replaceAll('\n', '\\n')
        .replaceAll('\r', '\\r').replaceAll('\t', '\\t');
    return `'${escaped.replace(/[^ -~]/gu, (letter) =>
        `\\U${letter.codePointAt(0).toString(16).padStart(8, '0')}`)}'`;
}

// Not LOSSD_TOKEN: a daemon that is started where that is set takes it for a setting, and refuses it.
const TOKEN = 'TOKEN';

export function curlOf(batch, query) {
    const lines = [`curl -s ${shell(new URL(pathOf(query), base).href)}`,
        `-H 'Content-Type: ${batch.mediaType}'`];
    if (batch.isBinary)
        lines.push('-H \'Accept: application/json\'');
    if (hasToken())
        lines.push(`-H "Authorization: Bearer $${TOKEN}"`);
    lines.push(`--data-binary ${isFile(batch) ? shell(`@${fileOf(batch)}`) : shell(batch.text)}`);
    return lines.join(' \\\n  ');
}

export function pythonOf(batch, query) {
    const headers = [`'Content-Type': ${python(batch.mediaType)}`, '\'Accept\': \'application/json\''];
    if (hasToken())
        headers.push(`'Authorization': 'Bearer ' + os.environ['${TOKEN}']`);
    return [
        hasToken() ? 'import json, os, urllib.request' : 'import json, urllib.request',
        '',
        isFile(batch) ? `body = open(${python(fileOf(batch))}, 'rb').read()` :
            `body = ${python(batch.text)}.encode()`,
        'request = urllib.request.Request(',
        `    ${python(new URL(pathOf(query), base).href)}, body,`,
        `    {${headers.join(',\n     ')}})`,
        'print(json.load(urllib.request.urlopen(request))[\'loss\'])',
    ].join('\n');
}

// Pages that were not sent over TLS, nor by this machine, have no clipboard: then the text is selected.
async function copy(text, block, said) {
    try {
        await navigator.clipboard.writeText(text);
        said.textContent = 'copied';
    } catch {
        getSelection().selectAllChildren(block);
        said.textContent = 'selected: copy it with the keyboard';
    }
}

function copyable(id, title, text) {
    const block = make('pre', {id, tabindex: '0', 'aria-label': title}, text);
    const said = make('span', {role: 'status', class: 'said'});
    return make('details', {}, make('summary', {}, title), block,
        make('p', {}, make('button', {type: 'button', id: `copy-${id}`,
            onclick: () => copy(text, block, said)}, 'Copy'), ' ', said));
}

export function copies(batch, query, text) {
    return make('section', {class: 'panel copies'},
        make('h3', {}, 'The same call'),
        copyable('curl', 'curl', curlOf(batch, query)),
        copyable('python', 'Python', pythonOf(batch, query)),
        copyable('reply', 'The reply as it came', text));
}
