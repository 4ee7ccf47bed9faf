"""Reads a JUnit file as Jenkins and GitLab do, and complains about what either would not take."""

import json
import sys
import xml.etree.ElementTree as tree

ATTRIBUTES = {
    "testsuites": {"name", "tests", "failures", "errors", "time"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"classname", "name", "time"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message"},
    "system-out": set(),
}
CHILDREN = {
    "testsuites": ["testsuite"],
    "testsuite": ["properties", "testcase"],
    "properties": ["property"],
    "testcase": ["skipped", "error", "failure", "system-out"],
}


def check(element):
    assert set(element.attrib) == ATTRIBUTES[element.tag], (element.tag, element.attrib)
    order = [CHILDREN.get(element.tag, []).index(child.tag) for child in element]
    assert order == sorted(order), (element.tag, [child.tag for child in element])
    assert not (element.tag in CHILDREN and (element.text or "").strip()), element.text
    for child in element:
        check(child)


def counted(element):
    cases = list(element.iter("testcase"))
    for name, tag in ("failures", "failure"), ("errors", "error"), ("skipped", "skipped"):
        if name in element.attrib:
            assert int(element.get(name)) == sum(case.find(tag) is not None for case in cases), name
    assert int(element.get("tests")) == len(cases)
    assert float(element.get("time")) >= 0


root = tree.parse(sys.argv[1]).getroot()
assert root.tag == "testsuites", root.tag
check(root)
for element in [root, *root]:
    counted(element)
cases = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
assert len(set(cases)) == len(cases), "GitLab takes cases of one class and name for one"
print(json.dumps({
    f"{suite.get('name')}/{case.get('name')}": next((child.tag for child in case if child.tag != "system-out"), "passed")
    for suite in root for case in suite.iter("testcase")
}))
