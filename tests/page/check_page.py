#!/usr/bin/env python3
"""Use the page in a headless Chromium as people do, and hold what it shows against known numbers.

    python3 tests/page/check_page.py build/release/lossd build/page

Needs the Debian packages chromium, chromium-driver and python3-selenium.  Pictures of the page are
written to the folder.
"""
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / 'conformance'))

from browser import Page
from daemon import Daemon
from selenium.webdriver.common.keys import Keys

DATA = pathlib.Path('tests/data')
BATCH = json.loads((DATA / 'digits.json').read_text())
DIGITS = json.loads((DATA / 'digits.expected.json').read_text())
LOGITS, TARGETS = [[13, 3, 2, 5, 1], [1, 8, 20, 2, 3], [1, 14, 3, 5, 3]], [0, 2, 1]
FLOAT32 = 2.0 ** -23  # relative


def softmax(row):
    powers = [math.exp(score - max(row)) for score in row]
    return [power / sum(powers) for power in powers]


# By the definition; exact enough at these scores.
GOLDEN_SOFTMAX = [softmax(row) for row in LOGITS]
GOLDEN_LOSSES = [-math.log1p(row[target] - 1) for row, target in zip(GOLDEN_SOFTMAX, TARGETS)]


def near(got, want, tolerance):
    assert len(got) == len(want), (got, want)
    for one, other in zip(got, want):
        assert math.isclose(one, other, rel_tol=tolerance), (got, want)


def loss_of(page):
    return float(page.text('#loss'))


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, **options)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


# ---- evaluating -----------------------------------------------------------------------------------

def the_golden_example_by_keyboard_alone(page, _):
    page.open()
    page.tab_to('example-golden')
    page.press(Keys.ENTER)
    page.tab_to('evaluate-now')
    page.press(Keys.ENTER)
    page.wait(lambda: page.find('#summary'))
    near([loss_of(page)], [sum(GOLDEN_LOSSES) / 3], 1e-6)
    near(page.titles('#panel-softmax .cell'), sum(GOLDEN_SOFTMAX, []), 2 * FLOAT32)
    near(page.titles('#panel-log_softmax .cell'),
         [-x for row, loss, target in zip(LOGITS, GOLDEN_LOSSES, TARGETS)
          for x in (row[target] - score + loss for score in row)], 1e-5)
    near(page.titles('#panel-losses .wide'), GOLDEN_LOSSES, 1e-5)
    assert page.titles('#panel-logits .target') == [13, 20, 14]
    assert page.find('#panel-logits .target').value_of_css_property('outline-style') == 'solid'
    assert page.texts('#panel-logits .target .unseen') == [', target, predicted'] * 3
    assert page.find('[data-entered]').get_attribute('data-stage') == 'logits'
    assert page.text('#spoken').endswith('3 of 3 correct')


def tabs_by_keyboard(page, _):
    page.open()
    page.tab_to('tab-evaluate')
    page.press(Keys.ARROW_RIGHT)
    assert page.find('#daemon').is_displayed() and not page.find('#evaluate').is_displayed()
    assert page.driver.switch_to.active_element.get_attribute('aria-selected') == 'true'
    page.press(Keys.ARROW_RIGHT)
    assert page.find('#evaluate').is_displayed() and not page.find('#daemon').is_displayed()


def check_digits(page):
    assert page.evaluate().get_attribute('id') == 'summary'
    assert loss_of(page) == DIGITS['mpmath']['mean']
    assert page.text('#figure-count') == str(DIGITS['count'])
    assert page.text('#figure-correct') == str(DIGITS['correct'])
    weights = [BATCH['weights'][target] for target in BATCH['targets']]
    losses = [loss * weight for loss, weight in zip(DIGITS['losses_first_5'], weights)]
    near(page.titles('#panel-losses .wide')[:5], losses, 1e-12)
    matrix = [int(text.replace('·', '0')) for text in page.texts('#panel-confusion_matrix .cell')]
    assert sum(matrix) == DIGITS['count'] and sum(matrix[::11]) == DIGITS['correct']
    counts = page.texts('#panel-ece tbody td:nth-child(2)')
    assert sum(map(int, counts)) == DIGITS['count']
    assert len(page.all('#panel-logits tbody tr')) == 20


def the_digits_from_json(page, _):
    page.open()
    page.choose(DATA / 'digits.json')
    page.wait(lambda: 'logits (450 × 10), class indices, weights' in page.text('#reading'))
    assert not page.find('#dtype').is_enabled()
    assert page.find('#dtype').get_attribute('value') == 'float64'
    check_digits(page)
    before = page.titles('#panel-softmax .cell')
    page.click('#more')
    page.wait(lambda: len(page.all('#panel-losses tbody tr')) == 70)
    assert page.titles('#panel-softmax .cell')[:len(before)] == before
    near(page.titles('#panel-softmax tr:nth-child(70) .cell'), softmax(BATCH['logits'][69]), 1e-12)


def the_digits_from_safetensors(page, _):
    page.open()
    page.drop(DATA / 'digits.safetensors')
    page.wait(lambda: 'logits (450 × 10), class indices, weights' in page.text('#reading'))
    assert not page.find('#reduction').is_enabled()  # its metadata have one
    check_digits(page)


def the_example_of_digits(page, _):
    page.open()
    page.click('#example-digits')
    page.wait(lambda: 'logits (60 × 10)' in page.text('#reading'))
    page.set('#dtype', 'float64')
    page.evaluate()
    losses = [-math.log(softmax(row)[target])
              for row, target in zip(BATCH['logits'][:60], BATCH['targets'])]
    near([loss_of(page)], [sum(losses) / 60], 1e-12)


def options_are_sent(page, _):
    page.open()
    page.choose(DATA / 'digits.json')
    page.wait(lambda: page.text('#reading'))
    page.set('#reduction', 'sum')
    page.evaluate()
    assert loss_of(page) == DIGITS['mpmath']['sum']
    page.click('#example-golden')
    page.set('#reduction', 'mean')
    page.set('#label_smoothing', '0.25')
    page.set('#ignore_index', '2')
    page.click('input[value="confusion_matrix"]')
    page.evaluate()
    smooth = [sum(row[target] - score + loss for score in row) / 5
              for row, loss, target in zip(LOGITS, GOLDEN_LOSSES, TARGETS)]
    kept = [0.75 * GOLDEN_LOSSES[i] + 0.25 * smooth[i] for i in (0, 2)]
    near([loss_of(page)], [sum(kept) / 2], 1e-6)
    assert page.text('#figure-ignored') == '1'
    assert page.texts('#panel-losses .wide')[1] == 'ignored'
    assert page.find('#panel-confusion_matrix') is None
    assert 'confusion_matrix' not in page.text('#curl')


def stages_and_shapes(page, _):
    page.open()
    page.set('#batch', '{"probabilities": [[[0.1, 0.5], [0.3, 0.25], [0.6, 0.25]]],'
                       ' "targets": [[2, 1]], "reduction": "none",'
                       ' "return": ["softmax", "log_softmax", "losses"]}')
    page.evaluate()
    assert 'return=' not in page.text('#curl') and not page.find('[value="softmax"]').is_enabled()
    assert page.find('[data-entered]').get_attribute('data-stage') == 'probabilities'
    assert page.find('#panel-softmax') is None and page.find('#panel-logits') is None
    assert page.titles('#panel-probabilities .cell') == [0.1, 0.3, 0.6, 0.5, 0.25, 0.25]
    near(page.titles('#panel-losses .wide'), [-math.log(0.6), -math.log(0.25)], FLOAT32)
    page.set('#batch', '{"log_probabilities": [-1, NaN, -Infinity], "targets": [0.5, 0.5, 0]}')
    page.evaluate()
    assert page.text('#loss') == 'NaN'
    assert page.titles('#panel-targets .cell') == [0.5, 0.5, 0]
    assert page.find('#panel-ece') is None
    row = ', '.join(str(-c % 7) for c in range(100))
    page.set('#batch', '{"logits": [[%s]], "targets": [99]}' % row)
    page.evaluate()
    assert page.find('#panel-softmax canvas').get_attribute('width') == '100'
    assert page.find('#panel-softmax canvas').get_attribute('aria-label').startswith('row 0: target 99')


def more_classes_than_a_diagram_has(page, _):
    page.open()
    row = [0.5] * 400
    page.set('#batch', json.dumps({'logits': [row], 'targets': [7],
                                   'return': ['confusion_matrix', 'per_class']}))
    assert page.evaluate().get_attribute('id') == 'summary', page.text('#refusal')
    for name in ['confusion_matrix', 'per_class']:
        assert 'of 400 classes; up to 200 are shown' in page.text('#panel-' + name)


def a_batch_of_no_rows(page, _):
    page.open()
    page.set('#batch', '{"logits": [], "targets": []}')
    assert page.evaluate().get_attribute('id') == 'summary', page.text('#refusal')
    assert page.text('#figure-count') == '0' and page.find('.rows') is None


def rows_that_the_batch_itself_asks_for(page, _):
    page.open()
    page.set('#batch', json.dumps({'logits': LOGITS * 7, 'targets': TARGETS * 7,
                                   'return': ['softmax', 'losses', 'entropy']}))
    assert page.find('[value="entropy"]').is_selected()
    assert not page.find('[value="accuracy"]').is_selected()
    page.evaluate()
    page.click('#more')
    page.wait(lambda: len(page.all('#panel-losses tbody tr')) == 21)
    near(page.titles('#panel-losses .wide'), GOLDEN_LOSSES * 7, 1e-5)
    near(page.titles('#panel-softmax .cell'), sum(GOLDEN_SOFTMAX * 7, []), 2 * FLOAT32)
    assert page.find('#panel-log_softmax') is None
    page.click('#example-golden')
    assert not page.find('[value="entropy"]').is_selected()
    assert page.find('[value="accuracy"]').is_selected()
    page.click('[value="accuracy"]')
    page.set('#batch', json.dumps({'logits': LOGITS, 'targets': TARGETS}))
    assert not page.find('[value="accuracy"]').is_selected()  # which nobody but the user changed


def rows_have_the_options_of_their_batch(page, _):
    """Also if the form is changed while it is sent."""
    page.open()
    page.set('#batch', json.dumps({'logits': LOGITS * 7, 'targets': TARGETS * 7}))
    page.script('''const before = window.fetch;
        window.fetch = async (...call) => {
            window.fetch = before;
            const reply = await before(...call);
            const field = document.getElementById('label_smoothing');
            field.value = '0.5';
            return reply;
        };''')
    page.evaluate()
    assert page.find('#label_smoothing').get_attribute('value') == '0.5'
    near(page.titles('#panel-losses .wide'), (GOLDEN_LOSSES * 7)[:20], 1e-5)


# ---- errors ---------------------------------------------------------------------------------------

def a_refusal_is_shown_with_its_place(page, _):
    page.open()
    page.set('#batch', '{"logits": [[1, 2], [3, 4]],\n "targets": [0, 7]}')
    assert page.evaluate().get_attribute('id') == 'refusal'
    assert 'targets[1] is 7, but there are 2 classes (0..1)' in page.text('#refusal h3')
    assert page.text('#refusal-code') == 'target_out_of_range'
    assert page.text('#refusal-where') == '/targets/1'
    assert page.text('#refusal-status') == '400'
    assert re.fullmatch('[0-9a-f]{16}', page.text('#refusal-request_id'))
    assert page.texts('#refusal mark') == ['7']
    page.click('#go-to')
    assert page.script('return getSelection().toString()') == '7'
    page.click('#example-golden')
    page.evaluate()
    assert page.find('#refusal') is None


def places_in_the_text_are_found(page, _):
    page.open()
    for text, mark in [
            ('{"logits": [[1, 2]], "targets": [0 1]}', '1'),         # a byte offset
            ('{"id": "é∑😀", "logits": [[1 2]], "targets": 0}', '2'),
            ('{"logits": [[1, 2], [3]], "targets": [0, 0]}', '[3]'),
            ('{"lo\\u0067its": [[1, "]"]], "targets": [0]}', '"]"'),
            ('{"logits": [[1, 2]], "targets": [0], "a/b~c": 1}', '"a/b~c": 1'),
            ('{"logits": [[1, 2]]', '⏎')]:
        page.set('#batch', text)
        assert page.evaluate().get_attribute('id') == 'refusal', text
        assert page.texts('#refusal mark') == [mark], (text, page.texts('#refusal mark'))


def a_text_is_never_markup(page, _):
    page.open()
    page.set('#batch', '{"<img src=x onerror=alert(1)>": 1}')
    page.evaluate()
    assert '<img src=x onerror=alert(1)>' in page.text('#refusal h3')
    assert page.find('#refusal img') is None


def a_file_is_sent_as_it_is(page, _):
    batch = b'{"id": "a", "logits": [[1, 2]], "targets": [0]}'
    page.open()
    for body, code, where in [(b'\xef\xbb\xbf' + batch, 'invalid_json', '0'),
                              (batch.replace(b'a', b'\xff', 1), 'invalid_utf8', '8')]:
        with tempfile.NamedTemporaryFile(suffix='.json') as file:
            file.write(body)
            file.flush()
            page.choose(file.name)
            page.wait(lambda: page.text('#file-name') == pathlib.Path(file.name).name)
            page.evaluate()
        assert (page.text('#refusal-code'), page.text('#refusal-where')) == (code, where)


def a_token_is_asked_for_and_kept_in_memory(page, _):
    page.open()
    page.click('#example-golden')
    page.script('''window.fetch = async () => new Response(
        '{"error": "a token is needed", "code": "unauthorized"}', {status: 401})''')
    assert page.evaluate().get_attribute('id') == 'refusal'
    assert page.driver.switch_to.active_element.get_attribute('id') == 'token'
    page.set('#token', 'secret\u200b-token')
    page.evaluate()
    assert 'at place 7 that cannot be in one, U+200B' in page.text('#refusal h3')
    page.open()
    page.set('#token', 'secret-token')
    page.click('#example-golden')
    page.evaluate()
    page.listen()
    sent = [request for request in page.requests if 'v1/evaluate' in request['url']][-1]
    assert sent['headers']['Authorization'] == 'Bearer secret-token'
    assert 'secret-token' not in page.text('#curl') + page.text('#python')
    assert 'Bearer $TOKEN' in page.text('#curl')
    assert page.script('return localStorage.length + sessionStorage.length + document.cookie.length') == 0


# ---- the same call elsewhere ----------------------------------------------------------------------

def copies_give_the_same(page, _):
    awkward = '{"id": "it\'s $(false) `false` \\\\ \\" é😀",\n\t"logits": [[1, 2]], "targets": [0]}'
    page.open()
    for fill, folder in [(lambda: page.click('#example-golden'), '.'),
                         (lambda: page.set('#batch', awkward), '.'),
                         (lambda: page.choose(DATA / 'digits.json'), DATA),
                         (lambda: page.choose(DATA / 'digits.safetensors'), DATA)]:
        page.set('#batch', '')
        fill()
        page.wait(lambda: page.text('#reading'))
        page.evaluate()
        by_curl = json.loads(run(['sh', '-c', page.text('#curl')], cwd=folder))
        by_python = run([sys.executable, '-c', page.text('#python')], cwd=folder)
        assert by_curl['loss'] == float(by_python) == loss_of(page)
        assert by_curl == json.loads(page.text('#reply'))
    page.command('Browser.grantPermissions', origin=page.origin,
                 permissions=['clipboardReadWrite', 'clipboardSanitizedWrite'])
    page.click('#copy-curl')
    page.wait(lambda: page.texts('.said')[0] == 'copied')
    assert page.driver.execute_async_script(
        'navigator.clipboard.readText().then(arguments[0])') == page.text('#curl')


# ---- the daemon -----------------------------------------------------------------------------------

def metric(daemon, series):
    daemon.connection.request('GET', '/metrics')
    text = daemon.connection.getresponse().read().decode()
    return sum(float(line.rpartition(' ')[2]) for line in text.splitlines() if line.startswith(series))


def the_daemon_is_shown_as_its_metrics_have_it(page, daemon):
    page.open()
    page.click('#tab-daemon')
    page.wait(lambda: page.text('#live-requests-note') != '\u00a0')
    evaluated = metric(daemon, 'lossd_http_requests_total{route="/v1/evaluate"')
    codes = dict(zip(page.texts('#live-codes th'), map(int, page.texts('#live-codes td'))))
    routes = dict(zip(page.texts('#live-routes th'), page.texts('#live-routes td:nth-child(2)')))
    assert routes['/v1/evaluate'] == '%d' % evaluated
    assert page.text('#live-requests-note') == '%d answered in all' % evaluated
    for code, count in codes.items():
        assert count == metric(daemon, 'lossd_errors_total{code="%s"}' % code), code
    assert codes['target_out_of_range'] == 1
    assert page.text('#live-errors-note') == '%d in all' % metric(daemon, 'lossd_errors_total')
    assert page.text('#live-queue-note') == 'of %d places' % metric(daemon, 'lossd_queue_jobs_max ')
    assert page.text('#live-workers-note') == 'of %d' % metric(daemon, 'lossd_workers ')
    assert page.text('#live-rows-note').replace('\u202f', '') == \
        '%d evaluated in all' % metric(daemon, 'lossd_rows_evaluated_total')
    assert page.text('#live-requests') == '0 /s'
    page.click('#pause')
    for _ in range(40):
        daemon.evaluate({'logits': LOGITS, 'targets': TARGETS})
    page.click('#pause')
    page.wait(lambda: page.text('#live-requests') != '0 /s')
    assert page.text('#live-requests-note') == '%d answered in all' % (evaluated + 40)
    assert page.text('#live-latency').endswith('s')
    assert re.search('last [0-9]+ s$', page.text('#live-latency-note'))
    page.script('''const before = window.fetch;
        window.fetch = async (...call) => new Response((await (await before(...call)).text())
            .replace(/^process_start_time_seconds .*/m, 'process_start_time_seconds 1'));''')
    page.wait(lambda: page.text('#live-latency-note').endswith('since the start'))
    assert page.text('#live-requests') == '0 /s'


def metrics_may_be_elsewhere(page, _):
    page.open()
    page.script("window.fetch = async () => new Response('{}', {status: 404})")
    page.click('#tab-daemon')
    page.wait(lambda: 'at an address of their own' in page.text('#live-state'))


# ---- how it looks ---------------------------------------------------------------------------------

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


CHECKS = [
    the_golden_example_by_keyboard_alone,
    tabs_by_keyboard,
    the_digits_from_json,
    the_digits_from_safetensors,
    the_example_of_digits,
    options_are_sent,
    stages_and_shapes,
    more_classes_than_a_diagram_has,
    a_batch_of_no_rows,
    rows_that_the_batch_itself_asks_for,
    rows_have_the_options_of_their_batch,
    a_refusal_is_shown_with_its_place,
    places_in_the_text_are_found,
    a_text_is_never_markup,
    a_file_is_sent_as_it_is,
    a_token_is_asked_for_and_kept_in_memory,
    copies_give_the_same,
    the_daemon_is_shown_as_its_metrics_have_it,
    metrics_may_be_elsewhere,
    it_fits_a_small_screen,
    numbers_can_be_read_on_their_colours,
    what_the_browser_says,
]


def main(program, folder):
    with Daemon(program) as daemon, Page('http://' + daemon.address) as page:
        for check in CHECKS:
            print('page: %s' % check.__name__.replace('_', ' '), flush=True)
            check(page, daemon)
        pictures(page, pathlib.Path(folder))
    assert daemon.status == 0, daemon.status
    print('page: %d checks passed; pictures are in %s' % (len(CHECKS), folder))


if __name__ == '__main__':
    main(*sys.argv[1:])
