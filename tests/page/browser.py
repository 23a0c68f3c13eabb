"""The page in a headless Chromium, driven by chromedriver, and what the browser says of it.

To run: check_page.py.
"""
import base64
import json
import os
import pathlib

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE_S = 20
TABS_MAX = 60  # presses of the Tab key from the top of the page to anything on it


class Page:
    """A browser with the page of a daemon; closed at the end of `with`."""

    def __init__(self, origin):
        self.origin = origin

    def __enter__(self):
        options = webdriver.ChromeOptions()
        options.binary_location = '/usr/bin/chromium'
        for flag in ['headless=new', 'disable-dev-shm-usage', 'force-color-profile=srgb']:
            options.add_argument('--' + flag)
        if os.geteuid() == 0:
            options.add_argument('--no-sandbox')  # Chromium has none for root
        options.set_capability('goog:loggingPrefs', {'browser': 'ALL', 'performance': 'ALL'})
        self.driver = webdriver.Chrome(options=options, service=Service('/usr/bin/chromedriver'))
        self.driver.set_script_timeout(PATIENCE_S)
        self.requests, self.messages = [], []
        return self

    def __exit__(self, *_):
        self.driver.quit()

    # ---- the window ----

    def command(self, name, **arguments):
        return self.driver.execute_cdp_cmd(name, arguments)

    def open(self, width=1360, height=900, scheme='light'):
        """The page anew, in a window of this size and in this scheme of colours."""
        self.resize(width, height)
        self.command('Emulation.setEmulatedMedia',
                     features=[{'name': 'prefers-color-scheme', 'value': scheme}])
        self.driver.get('about:blank')
        self.driver.get(self.origin + '/')
        self.wait(lambda: self.find('#reading') is not None and
                  self.script('return document.readyState') == 'complete')

    def resize(self, width, height):
        self.command('Emulation.setDeviceMetricsOverride', width=width, height=height,
                     deviceScaleFactor=1, mobile=False)

    def overflow(self):
        """By how many pixels the page is wider than its window."""
        return self.script('const root = document.documentElement;'
                           'return root.scrollWidth - root.clientWidth')

    def picture(self, path, height=None):
        """The whole page, or its top: PNG or WebP, by the name of the file."""
        path = pathlib.Path(path)
        width, whole = self.script('return [innerWidth, document.documentElement.scrollHeight]')
        clip = {'x': 0, 'y': 0, 'width': width, 'height': height or whole, 'scale': 1}
        quality = {'quality': 80} if path.suffix == '.webp' else {}
        data = self.command('Page.captureScreenshot', format=path.suffix[1:], clip=clip,
                            captureBeyondViewport=True, **quality)['data']
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(data))

    # ---- what is on it ----

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def wait(self, condition):
        """Until it holds; what it returns."""
        return WebDriverWait(self.driver, PATIENCE_S, poll_frequency=0.02).until(lambda _: condition())

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def find(self, selector):
        found = self.all(selector)
        return found[0] if found else None

    def text(self, selector):
        """The text of an element, whether it can be seen or not."""
        return self.find(selector).get_attribute('textContent')

    def texts(self, selector):
        return self.script('return [...document.querySelectorAll(arguments[0])]'
                           '.map((one) => one.textContent)', selector)

    def titles(self, selector):
        """Numbers as the daemon sent them: elements have them in full as their titles."""
        return self.script('return [...document.querySelectorAll(arguments[0])]'
                           '.map((one) => Number(one.title))', selector)

    # ---- what people do ----

    def press(self, *keys):
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def tab_to(self, identifier):
        """Go there by the Tab key; fails if it cannot be reached or the focus cannot be seen."""
        for _ in range(TABS_MAX):
            self.press(Keys.TAB)
            focused = self.driver.switch_to.active_element
            style = focused.value_of_css_property('outline-style')
            if focused.get_attribute('id') == identifier:
                assert style != 'none', 'the focus on %s cannot be seen' % identifier
                return
        raise AssertionError('the Tab key does not lead to %s' % identifier)

    def click(self, selector):
        self.script('document.querySelector(arguments[0]).click()', selector)

    def set(self, selector, value):
        """Put a value into a field, as typing or choosing does."""
        self.script('const [field, value] = [document.querySelector(arguments[0]), arguments[1]];'
                    'field.value = value; field.dispatchEvent(new Event("input", {bubbles: true}));',
                    selector, value)

    def choose(self, path):
        self.find('#file').send_keys(str(pathlib.Path(path).resolve()))

    def drop(self, path):
        """Let a file fall onto the batch."""
        path = pathlib.Path(path)
        self.script('''
            const bytes = Uint8Array.from(atob(arguments[0]), (letter) => letter.charCodeAt(0));
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([bytes], arguments[1]));
            document.getElementById('drop').dispatchEvent(
                new DragEvent('drop', {dataTransfer, bubbles: true, cancelable: true}));
            ''', base64.b64encode(path.read_bytes()).decode(), path.name)

    def evaluate(self):
        """Send what is there; the element that came: the summary or the refusal."""
        self.script('document.getElementById("results").replaceChildren();'
                    'document.getElementById("failure").replaceChildren();')
        self.click('#evaluate-now')
        return self.wait(lambda: self.find('#summary') or self.find('#refusal'))

    # ---- what the browser noticed ----

    def listen(self):
        """Read the browser's logs: requests are kept as DevTools has them, messages as they are."""
        for entry in self.driver.get_log('performance'):
            event = json.loads(entry['message'])['message']
            if event['method'] == 'Network.requestWillBeSent':
                self.requests.append(event['params']['request'])
        self.messages += self.driver.get_log('browser')
