// json.js - JSON as the daemon reads it: bare NaN and Infinity too, and where in the text a value is.

const TOKENS = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g;

// The value of a text; a bare NaN or Infinity becomes the string.  Throws SyntaxError.
export function parse(text) {
    try {
        return JSON.parse(text);
    } catch (error) {
        const quoted = text.replace(TOKENS, (token) => token[0] === '"' ? token : `"${token}"`);
        if (quoted === text)
            throw error;
        return JSON.parse(quoted);
    }
}

// The end of what a pattern matches at a place of the text, or that place.
function past(pattern, text, at) {
    const sticky = new RegExp(pattern, 'y');
    sticky.lastIndex = at;
    return sticky.test(text) ? sticky.lastIndex : at;
}

const skipSpace = (text, at) => past('[ \\t\\r\\n]*', text, at);
const skipString = (text, at) => past('"(?:[^"\\\\]|\\\\.)*"', text, at);

function skipValue(text, at) {
    if (text[at] === '"')
        return skipString(text, at);
    if (text[at] !== '[' && text[at] !== '{')
        return past('[^\\s,\\]}]*', text, at);
    const marks = /"(?:[^"\\]|\\.)*"|[[\]{}]/g;
    marks.lastIndex = at;
    for (let depth = 0, mark; (mark = marks.exec(text)) !== null;) {
        if (mark[0] === '[' || mark[0] === '{')
            depth++;
        else if (mark[0] === ']' || mark[0] === '}')
            depth--;
        if (depth === 0)
            return marks.lastIndex;
    }
    return text.length;
}

// The member or element `name` of the container that begins at `at`, or null.
function child(text, at, name) {
    const isObject = text[at] === '{';
    if (!isObject && text[at] !== '[')
        return null;
    at = skipSpace(text, at + 1);
    for (let index = 0; at < text.length && !']}'.includes(text[at]); index++) {
        const from = at;
        let key = String(index);
        if (isObject) {
            at = skipString(text, from);
            if (at === from)
                return null;
            key = JSON.parse(text.slice(from, at));
            at = skipSpace(text, skipSpace(text, at) + 1);
        }
        const end = skipValue(text, at);
        if (key === name)
            return {from, start: at, end};
        at = skipSpace(text, end);
        if (text[at] === ',')
            at = skipSpace(text, at + 1);
        else if (end === from)
            return null;
    }
    return null;
}

// Where in the text an error is, by its `where`: a JSON pointer, or a byte offset.  [start, end], or
// null if it cannot be found.
export function locate(text, where) {
    if (/^\d+$/.test(where ?? '')) {
        const before = new TextEncoder().encode(text).subarray(0, Number(where));
        const start = new TextDecoder().decode(before).length;
        return [start, Math.min(start + 1, text.length)];
    }
    if (!where?.startsWith('/'))
        return null;
    let place = {from: 0, start: skipSpace(text, 0), end: text.length};
    for (const name of where.slice(1).split('/')) {
        place = child(text, place.start, name.replaceAll('~1', '/').replaceAll('~0', '~'));
        if (place === null)
            return null;
    }
    return [place.from, place.end];
}
