"""Checks of the page: batches, options, and what is shown of the results."""
import json
import math

from known import (BATCH, DATA, DIGITS, FLOAT32, GOLDEN_LOSSES, GOLDEN_SOFTMAX, LOGITS, TARGETS,
                   loss_of, near, softmax)
from selenium.webdriver.common.keys import Keys


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
