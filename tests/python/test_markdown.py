"""What a page's fenced code is taken to be."""

from __future__ import annotations

import pytest
from support.markdown import Block, blocks

PAGE = """\
# A page

```python
print(1)

print(2)
```

<!-- not run -->
```bash
apt-get install x
```
```Scala title="x"
val fence = "``"
```

<!-- not run -->

~~~text
```python
~~~

<!-- not run -->
Words after the mark.

```
  a picture
```
"""


def test_blocks_have_their_language_code_and_line() -> None:
    python, bash, scala, text, picture = blocks(PAGE)
    assert python == Block("python", "print(1)\n\nprint(2)\n", 4, False)
    assert (bash.language, bash.code, bash.line) == ("bash", "apt-get install x\n", 11)
    assert (scala.language, scala.code) == ("scala", 'val fence = "``"\n')
    assert (text.language, text.code) == ("text", "```python\n")
    assert (picture.language, picture.code) == ("", "  a picture\n")


def test_the_mark_skips_the_block_right_after_it_alone() -> None:
    assert [block.skipped for block in blocks(PAGE)] == [False, True, False, True, False]


def test_an_indented_block_loses_its_indent() -> None:
    (block,) = blocks("1. So:\n\n   ```python\n   if x:\n       y()\n   ```\n")
    assert block.code == "if x:\n    y()\n"


def test_a_longer_fence_holds_a_shorter_one() -> None:
    (block,) = blocks("````text\n```\ninside\n```\n````\n")
    assert block.code == "```\ninside\n```\n"


def test_code_in_a_line_is_no_block() -> None:
    assert blocks("Say `make`, or ```make``` even.\n```make``` begins this line.\n") == []


def test_a_page_without_code_has_no_blocks() -> None:
    assert blocks("") == []
    assert blocks("Just words.\n") == []


def test_a_block_that_stays_open_is_an_error() -> None:
    with pytest.raises(ValueError, match="line 2 is not closed"):
        blocks("words\n```python\nprint(1)\n")
