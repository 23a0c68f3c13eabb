// call.js - calls of the daemon that served this page.

// Where it is, by the page's own address: also behind a proxy that puts it into a folder.
export const base = new URL('.', document.baseURI);

// In memory alone: it is gone with the page.
let token = '';

export function useToken(text) {
    token = text.trim();
}

export function hasToken() {
    return token !== '';
}

// What the daemon refused, or why it was not asked or reached (then `status` is 0).
export class Refusal extends Error {
    constructor(status, body) {
        super(body.error ?? `the reply has the status ${status}`);
        this.status = status;
        this.code = body.code ?? null;
        this.where = body.where ?? null;
        this.requestId = body.request_id ?? null;
    }
}

// What is copied may have spaces of no width in it; a header cannot, and browsers do not say so.
function checkToken() {
    const [stranger] = /[^!-~]/u.exec(token) ?? [];
    if (stranger === undefined)
        return;
    const code = stranger.codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
    throw new Refusal(0, {error: `the token has a character at place ${token.indexOf(stranger) + 1} ` +
        `that cannot be in one, U+${code}: type or copy it again`});
}

async function call(path, init = {}) {
    const headers = {...init.headers};
    checkToken();
    if (token !== '')
        headers.Authorization = `Bearer ${token}`;
    let response;
    try {
        response = await fetch(new URL(path, base), {...init, headers, cache: 'no-store'});
    } catch {
        throw new Refusal(0, {error: 'the daemon cannot be reached'});
    }
    if (response.ok)
        return response;
    throw new Refusal(response.status, await response.json().catch(() => ({})));
}

// The query of options: {name: text}.
export function pathOf(query) {
    // Commas may stand in a query as they are, and read better.
    const text = new URLSearchParams(query).toString().replaceAll('%2C', ',');
    return text === '' ? 'v1/evaluate' : `v1/evaluate?${text}`;
}

// {reply, text, requestId, timing}: the reply as JSON, and as it came.
export async function evaluate(body, mediaType, query = {}) {
    const response = await call(pathOf(query), {method: 'POST', body,
        headers: {'Content-Type': mediaType, Accept: 'application/json'}});
    const text = await response.text();
    return {reply: JSON.parse(text), text,
        requestId: response.headers.get('X-Request-Id'),
        timing: response.headers.get('Server-Timing')};
}

export async function metrics() {
    return (await call('metrics', {headers: {Accept: 'text/plain; version=0.0.4'}})).text();
}

// A batch that comes with the page.
export async function example(name) {
    return (await call(`page/${name}`)).text();
}
