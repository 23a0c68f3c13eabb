// safetensors.js - the tensors of a safetensors file, read where they lie.

// A float16: 1 bit sign, 5 exponent, 10 fraction.
function half(bits) {
    const sign = bits & 0x8000 ? -1 : 1, exponent = bits >> 10 & 31, fraction = bits & 1023;
    if (exponent === 31)
        return fraction !== 0 ? NaN : sign * Infinity;
    return sign * (exponent === 0 ? fraction * 2 ** -24 :
        (1024 + fraction) * 2 ** (exponent - 25));
}

const float = new DataView(new ArrayBuffer(4));

function brain(bits) {
    float.setUint32(0, bits * 65536);
    return float.getFloat32(0);
}

// Bytes of an element, and how it is read.
const TYPES = {
    F64: [8, (view, at) => view.getFloat64(at, true)],
    F32: [4, (view, at) => view.getFloat32(at, true)],
    F16: [2, (view, at) => half(view.getUint16(at, true))],
    BF16: [2, (view, at) => brain(view.getUint16(at, true))],
    I64: [8, (view, at) => Number(view.getBigInt64(at, true))],
    I32: [4, (view, at) => view.getInt32(at, true)],
    I16: [2, (view, at) => view.getInt16(at, true)],
    I8: [1, (view, at) => view.getInt8(at)],
    U64: [8, (view, at) => Number(view.getBigUint64(at, true))],
    U32: [4, (view, at) => view.getUint32(at, true)],
    U16: [2, (view, at) => view.getUint16(at, true)],
    U8: [1, (view, at) => view.getUint8(at)],
    BOOL: [1, (view, at) => view.getUint8(at)],
};

// {tensors: {name: {dtype, shape, at(index)}}, metadata} of the bytes of a file.  Throws if they are
// none; what is wrong in detail, the daemon says.
export function readSafetensors(buffer) {
    const view = new DataView(buffer);
    const length = Number(view.getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
    const tensors = {};
    for (const [name, entry] of Object.entries(header)) {
        if (name === '__metadata__')
            continue;
        const [size, read] = TYPES[entry.dtype];
        const start = 8 + length + entry.data_offsets[0];
        tensors[name] = {dtype: entry.dtype, shape: entry.shape,
            at: (index) => read(view, start + index * size)};
    }
    return {tensors, metadata: header.__metadata__ ?? {}};
}
