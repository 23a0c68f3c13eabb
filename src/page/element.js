// element.js - makes elements of HTML and SVG: a text is always text, never markup.

const SVG = 'http://www.w3.org/2000/svg';

// Attributes by name: "--x" is a custom property, "on..." a listener; null and false are left out.
function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
        if (value === null || value === undefined || value === false)
            continue;
        if (name.startsWith('--'))
            element.style.setProperty(name, value);
        else if (typeof value === 'function')
            element.addEventListener(name.slice(2), value);
        else
            element.setAttribute(name, value === true ? '' : value);
    }
    element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
    return element;
}

export function make(tag, attributes = {}, ...children) {
    return fill(document.createElement(tag), attributes, children);
}

export function draw(tag, attributes = {}, ...children) {
    return fill(document.createElementNS(SVG, tag), attributes, children);
}

export function byId(id) {
    return document.getElementById(id);
}
