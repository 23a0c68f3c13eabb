"""What a PromQL expression names: its metrics, and what it wants of their labels.  To run: check_names.py.

This is no parser: `promtool` says whether an expression is one.  Of an expression that is, what is
neither a string, a label list, a grouping, a duration, a function nor a keyword is the name of a metric.
"""
import re

KEYWORDS = {'and', 'or', 'unless', 'bool', 'offset', 'by', 'without', 'on', 'ignoring', 'group_left',
            'group_right', 'inf', 'nan'}
NAME = r'[a-zA-Z_:][a-zA-Z0-9_:]*'
SELECTOR = re.compile(r'(%s)\s*\{([^}]*)\}' % NAME)
MATCHER = re.compile(r'(%s)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"' % NAME)
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
GROUPING = re.compile(r'\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)')


def without_strings(expression):
    """The expression with each string as "": what is in one may look like anything."""
    return STRING.sub('""', expression)


def metrics_of(expression):
    """The names of metrics in an expression."""
    text = re.sub(r'\{[^}]*\}', ' ', without_strings(expression))
    text = re.sub(r'\[[^\]]*\]', ' ', GROUPING.sub(' ', text))
    words = re.findall(r'(?<![\w.:$])(%s)(?!\s*\(|[\w:])' % NAME, text)
    return {word for word in words if word.lower() not in KEYWORDS}


def groupings_of(expression):
    """The labels that an expression groups by."""
    lists = GROUPING.findall(without_strings(expression))
    return {label.strip() for labels in lists for label in labels.split(',') if label.strip()}


def matchers_of(expression):
    """Yields (metric, label, operator, value) for each matcher.  A brace in a string would end its list
    too early; the routes have some, and are written here as regular expressions without."""
    for metric, labels in SELECTOR.findall(expression):
        for label, operator, value in MATCHER.findall(labels):
            yield metric, label, operator, value
