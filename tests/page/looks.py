"""Checks of the page: sizes, colours, pictures, and what the browser says."""
import re


def it_fits_a_small_screen(page, _):
    page.open(width=360, height=740)
    for example in ['#example-golden', '#example-digits']:
        page.set('#batch', '')
        page.click(example)
        page.wait(lambda: page.text('#reading'))
        page.evaluate()
        assert page.overflow() <= 0
    page.set('#batch', '{"%s": 1}' % ('x' * 500))
    page.evaluate()
    assert page.overflow() <= 0
    page.click('#token-box summary')
    assert page.overflow() <= 0
    page.click('#tab-daemon')
    page.wait(lambda: page.text('#live-requests-note') != '\u00a0')
    assert page.overflow() <= 0


def luminance(colour):
    """Relative, as WCAG defines it, of "rgb(r, g, b)" or "color(srgb r g b)"."""
    numbers = [float(number) for number in re.findall(r'[\d.]+', colour)][:3]
    parts = numbers if colour.startswith('color') else [number / 255 for number in numbers]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def numbers_can_be_read_on_their_colours(page, _):
    for scheme in ['light', 'dark']:
        page.open(scheme=scheme)
        page.click('#example-digits')
        page.wait(lambda: page.text('#reading'))
        page.evaluate()
        colours = page.script('''return [...document.querySelectorAll('.cell')].map((cell) => {
            const style = getComputedStyle(cell);
            return [style.color, style.backgroundColor];
        })''')
        assert len(colours) > 600
        for pair in set(map(tuple, colours)):
            low, high = sorted(map(luminance, pair))
            assert (high + 0.05) / (low + 0.05) >= 4.5, (scheme, pair)
    assert luminance(page.find('html').value_of_css_property('background-color')) < 0.05


def pictures(page, folder):
    """Of both tabs and both schemes; those of the README, tests/page/screenshots, are the WebP."""
    for scheme in ['light', 'dark']:
        page.open(scheme=scheme)
        page.set('#dtype', 'float64')
        page.click('#example-golden')
        page.evaluate()
        page.script('document.activeElement.blur()')
        page.picture(folder / ('%s.png' % scheme))
        page.picture(folder / ('%s.webp' % scheme), 1000)
        page.click('#tab-daemon')
        page.wait(lambda: page.text('#live-requests-note') != '\u00a0')
        page.picture(folder / ('daemon-%s.png' % scheme))
    page.open(width=360, height=740)
    page.click('#example-golden')
    page.evaluate()
    page.picture(folder / 'small.png')


def what_the_browser_says(page, _):
    """Of all that was done before: nothing of another origin was asked for, no policy violated."""
    page.listen()
    urls = [request['url'] for request in page.requests]
    assert len(urls) > 100
    strangers = [url for url in urls if not url.startswith((page.origin + '/', 'about:'))]
    assert strangers == [], strangers
    bad = [entry['message'] for entry in page.messages if entry['level'] in ('WARNING', 'SEVERE') and
           'status of 400' not in entry['message']]  # of the refusals above
    assert bad == [], bad
