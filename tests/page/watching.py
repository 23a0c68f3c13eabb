"""Checks of the page: the daemon by its metrics."""
import re

from known import LOGITS, TARGETS


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
    assert page.text('#live-queue-note') == 'for %d places' % metric(daemon, 'lossd_queue_jobs_max ')
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
