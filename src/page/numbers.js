// numbers.js - numbers as people read them.  What the daemon sent is always near by in full.

const WORDS = {NaN: 'NaN', Infinity: '∞', '-Infinity': '−∞'};

// A number of JSON, or one of the three words, as a number.
export function value(json) {
    return typeof json === 'number' ? json : Number(json);
}

// The digits of a number that has not too many: toPrecision writes 1234 in 3 digits as 1.23e+3.
function fixed(number, digits) {
    const rounded = Number(number.toPrecision(digits));
    if (Math.abs(rounded) >= 10 ** (digits - 1))
        return number.toFixed(0);
    // 1.000 is nearly 1, and 1 is 1.
    return rounded === number || rounded % 1 !== 0 ? String(rounded) : number.toPrecision(digits);
}

// Some significant digits, and all before the point; a minus sign and not a hyphen.
export function short(number, digits = 3) {
    if (!Number.isFinite(number))
        return WORDS[number];
    const size = Math.abs(number);
    const text = size !== 0 && (size < 1e-3 || size >= 1e6) ?
        number.toExponential(Math.max(digits - 2, 0)).replace('e+', 'e') : fixed(number, digits);
    return text.replaceAll('-', '−');
}

export function whole(number) {
    return Math.round(number).toLocaleString('en').replaceAll(',', '\u202f');
}

export function share(number) {
    return Number.isFinite(number) ? `${(100 * number).toFixed(1)} %` : '–';
}

const BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function bytes(number) {
    const power = number > 0 ? Math.min(Math.floor(Math.log2(number) / 10), BYTES.length - 1) : 0;
    return `${short(number / 1024 ** power)} ${BYTES[power]}`;
}

export function seconds(number) {
    if (!Number.isFinite(number))
        return '–';
    const [scale, unit] = number < 1e-3 ? [1e6, 'µs'] : number < 1 ? [1e3, 'ms'] : [1, 's'];
    return `${short(number * scale)} ${unit}`;
}

// The largest of some numbers, or `least` if none is larger; Math.max takes only so many arguments.
export function largest(numbers, least) {
    return numbers.reduce((most, number) => Math.max(most, number), least);
}

// Where a number lies between two others, 0 to 1; what is no number lies at the low end.
export function between(number, low, high) {
    if (Number.isNaN(number) || high === low)
        return 0;
    return Math.min(Math.max((number - low) / (high - low), 0), 1);
}
