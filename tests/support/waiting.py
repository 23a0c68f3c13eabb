"""Waiting for what others do."""
import time


def wait_until(condition, what, patience_s=20):
    """Ask until it holds, for so many seconds at most."""
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit('waited %d s in vain until %s' % (patience_s, what))
        time.sleep(0.01)
