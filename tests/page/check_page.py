#!/usr/bin/env python3
"""Use the page in a headless Chromium as people do, and hold what it shows against known numbers.

    python3 tests/page/check_page.py build/release/lossd build/page

Needs the Debian packages chromium, chromium-driver and python3-selenium.  Pictures of the page are
written to the folder.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / 'conformance'))

import calling
import evaluating
import looks
import watching
from browser import Page
from daemon import Daemon

# In this order: those of the daemon count what the others have sent.
CHECKS = [
    evaluating.the_golden_example_by_keyboard_alone,
    evaluating.tabs_by_keyboard,
    evaluating.the_digits_from_json,
    evaluating.the_digits_from_safetensors,
    evaluating.the_example_of_digits,
    evaluating.options_are_sent,
    evaluating.stages_and_shapes,
    evaluating.more_classes_than_a_diagram_has,
    evaluating.a_batch_of_no_rows,
    evaluating.rows_that_the_batch_itself_asks_for,
    evaluating.rows_have_the_options_of_their_batch,
    calling.a_refusal_is_shown_with_its_place,
    calling.places_in_the_text_are_found,
    calling.a_text_is_never_markup,
    calling.a_file_is_sent_as_it_is,
    calling.a_token_is_asked_for_and_kept_in_memory,
    calling.copies_give_the_same,
    watching.the_daemon_is_shown_as_its_metrics_have_it,
    watching.metrics_may_be_elsewhere,
    looks.it_fits_a_small_screen,
    looks.numbers_can_be_read_on_their_colours,
    looks.what_the_browser_says,
]


def main(program, folder):
    with Daemon(program) as daemon, Page('http://' + daemon.address) as page:
        for check in CHECKS:
            print('page: %s' % check.__name__.replace('_', ' '), flush=True)
            check(page, daemon)
        looks.pictures(page, pathlib.Path(folder))
    assert daemon.status == 0, daemon.status
    print('page: %d checks passed; pictures are in %s' % (len(CHECKS), folder))


if __name__ == '__main__':
    main(*sys.argv[1:])
