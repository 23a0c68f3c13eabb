"""Checks of the page: refusals, tokens, and the same call elsewhere."""
import json
import pathlib
import re
import sys
import tempfile

from known import DATA, loss_of, run


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
